"""What lies between relays and inboxes: a broker, or with none the consumer's web processes."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from chassis import brokers
from chassis.brokers.http import Http
from chassis.brokers.port import PARTITIONS, Broker, Outgoing
from chassis.settings import Settings
from support.brokers import KINDS, Server

from migrator.run.ports import HOST

from .proxy import Streams
from .schedule import WEB, Kind

CONSUMER = "ledger"
SUBJECTS = ("events.accounts.accounts", f"requests.{CONSUMER}.*")
_AGAIN_SECONDS = 0.2


class Between(Protocol):
    """Made once for many schedules."""

    kind: Kind

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def restart(self) -> None: ...

    def crash(self) -> None: ...

    @property
    def process(self) -> int:
        """The server's process; another one after each restart."""

    async def connect(self) -> Streams:
        """A connection for a proxy."""

    def url(self, port: int) -> str:
        """The ``BROKER_URL`` of a process that comes through the proxy at `port`."""

    def prepare(self, namespace: str) -> None:
        """Make what must be there before the first message."""

    def publish(self, namespace: str, port: int, messages: Sequence[Outgoing]) -> int:
        """Store these, past the relays (`port`: a proxy that breaks nothing); how many."""


def make(kind: Kind, folder: Path) -> Between:
    """What lies between, with its files in `folder`."""
    return Web(folder) if kind == "http" else WithBroker(kind, folder / kind)


class WithBroker:
    """A broker that dies and comes back at its port, with what it had stored."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        if reason := KINDS[kind].missing():
            raise RuntimeError(reason)
        self.kind: Kind = kind
        self._server: Server = KINDS[kind].make(folder)

    @property
    def process(self) -> int:
        made: Any = self._server
        return int(made._process.pid)

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def restart(self) -> None:
        """In an orderly way."""
        self._server.stop()
        self._server.start()

    def crash(self) -> None:
        """SIGKILL, and start anew."""
        self._server.crash()
        self._server.start()

    async def connect(self) -> Streams:
        return await asyncio.open_connection(HOST, self._server.port)

    def url(self, port: int) -> str:
        return self._server.url.replace(f":{self._server.port}", f":{port}")

    def prepare(self, namespace: str) -> None:
        """Queues exist from the first reader on; no broker drops what comes twice by itself."""

        async def work(broker: Broker) -> None:
            reader = await broker.read(CONSUMER, SUBJECTS, dict.fromkeys(range(PARTITIONS), ""))
            await reader.close()
            if self.kind == "nats":
                await _let_duplicates_pass(broker, namespace)

        asyncio.run(self._with_broker(namespace, work))

    def publish(self, namespace: str, port: int, messages: Sequence[Outgoing]) -> int:
        del port

        async def work(broker: Broker) -> None:
            for message in messages:
                await broker.publish(message)

        try:
            asyncio.run(self._with_broker(namespace, work))
        except brokers.BrokerUnavailable:
            # It was cut off just now.
            return 0
        return len(messages)

    async def _with_broker(self, namespace: str, work: Any) -> None:
        broker = await brokers.connect(Settings("sqlite://", self._server.url, namespace))
        try:
            await work(broker)
        finally:
            await broker.close()


class Web:
    """No broker: connections go to the consumer's web processes in turn."""

    kind: Kind = "http"
    process = 0

    def __init__(self, folder: Path) -> None:
        self._turns = itertools.cycle([socket(folder, name) for name in WEB])

    def start(self) -> None:
        """The web processes belong to the schedule."""

    def stop(self) -> None:
        """Likewise."""

    def restart(self) -> None:
        raise NotImplementedError("there is no broker")

    crash = restart

    async def connect(self) -> Streams:
        error: OSError | None = None
        for _ in WEB:
            try:
                return await asyncio.open_unix_connection(str(next(self._turns)))
            except OSError as refused:
                error = refused
        assert error is not None
        raise error

    def url(self, port: int) -> str:
        del port
        return "http://peers"

    def prepare(self, namespace: str) -> None:
        """Nothing is kept between."""

    def publish(self, namespace: str, port: int, messages: Sequence[Outgoing]) -> int:
        sent = 0

        async def work() -> None:
            nonlocal sent
            given = Settings("sqlite://", "http://peers", namespace)
            broker = Http(given, {SUBJECTS[0]: (CONSUMER,)})
            try:
                for message in messages:
                    await broker.publish(message)
                    sent += 1
            except brokers.BrokerUnavailable:
                return
            finally:
                await broker.close()

        os.environ.update(peers(port))
        asyncio.run(work())
        return sent


def peers(port: int) -> dict[str, str]:
    """The environment of a relay that posts through the proxy at `port`."""
    return {f"SERVICE_URL_{CONSUMER.upper()}": f"http://{HOST}:{port}"}


def socket(folder: Path, name: str) -> Path:
    """Where the web process `name` listens."""
    return folder / f"{name}.sock"


async def _let_duplicates_pass(broker: Any, namespace: str) -> None:
    info = await broker._stream.stream_info(namespace)
    info.config.duplicate_window = _AGAIN_SECONDS
    await broker._stream.update_stream(info.config)
