"""A way from an outbox to the effects of its messages, over one broker or over none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest
from chassis import brokers, deliveries, manifest
from chassis.brokers import BrokerUnavailable, Outgoing
from chassis.brokers.port import partition_of
from chassis.inbox import Inbox
from chassis.processor import Processor
from chassis.relay import Relay
from chassis.settings import Settings
from flask import Flask
from support.brokers import Server
from support.delivery import Side, consume, namespace, settings
from werkzeug.serving import BaseWSGIServer, make_server

from migrator.run.ports import HOST, free_port

STORED = "SELECT id, subject, aggregatetype, aggregateid, payload::text, traceparent FROM outbox"


class WebServer:
    """Where there is no broker: the consumer's web process, which takes what relays post."""

    url = "http://peers"

    def __init__(self, ledger: Side, monkeypatch: pytest.MonkeyPatch) -> None:
        self.port = free_port()
        self._app = Flask(__name__)
        given = settings(str(ledger.engine.url), self.url, "")
        self.processor = Processor(
            ledger.manifest, ledger.engine, given, self._app.app_context, "http"
        )
        self._app.register_blueprint(deliveries.blueprint(self.processor))
        self._server: BaseWSGIServer | None = None
        monkeypatch.setenv("SERVICE_URL_LEDGER", f"http://{HOST}:{self.port}")

    def start(self) -> None:
        if self._server is None:
            self._server = make_server(HOST, self.port, self._app, threaded=True)
            threading.Thread(target=self._server.serve_forever, args=(0.05,)).start()

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    crash = stop


class Way:
    def __init__(self, kind: str, accounts: Side, ledger: Side, server: Server) -> None:
        self.kind = kind
        self.accounts, self.ledger, self.server = accounts, ledger, server
        self.namespace = "" if kind == "http" else namespace()

    def prepare(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make what keeps messages for the consumer; let brokers drop no duplicates."""
        if self.kind == "http":
            monkeypatch.setattr(manifest, "load", lambda: self.accounts.manifest)
            return
        consume(self.ledger, self.server.url, self.namespace, self._reads)
        if self.kind == "nats":
            asyncio.run(self._let_duplicates_pass())

    def deliver(
        self,
        done: Callable[[], bool],
        seconds: float = 60.0,
        processes: int = 1,
        **changed: Any,
    ) -> None:
        """Relays and inboxes work until nothing is pending and `done`; else TimeoutError."""

        async def work() -> None:
            stop = asyncio.Event()
            async with AsyncExitStack() as stack:
                tasks = []
                for _ in range(processes):
                    for start in (self._inbox, self._relay):
                        broker = await self._connect(start is self._relay, changed)
                        stack.push_async_callback(broker.close)
                        tasks.append(asyncio.create_task(start(broker, changed).run(stop)))
                try:
                    async with asyncio.timeout(seconds):
                        while self.pending() or not await asyncio.to_thread(done):
                            await asyncio.sleep(0.02)
                finally:
                    stop.set()
                    await asyncio.gather(*tasks)

        with self.ledger.working():
            if self.kind == "http":
                self.server.start()
            try:
                asyncio.run(work())
            finally:
                if self.kind == "http":
                    self.server.stop()

    def pending(self) -> int:
        return len(self.accounts.rows("SELECT 1 FROM outbox_delivery"))

    def stored(self) -> list[Outgoing]:
        """What the outbox holds, as its relay would send it."""
        return [
            Outgoing(
                str(identity),
                subject,
                partition_of(kind, key),
                body.encode(),
                {"traceparent": parent} if parent else {},
            )
            for identity, subject, kind, key, body, parent in self.accounts.rows(
                f"{STORED} ORDER BY created_at, id"
            )
        ]

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Past the relay."""

        async def work() -> None:
            broker = await self._connect(True, {})
            for message in messages:
                await broker.publish(message)
            await broker.close()

        with self.ledger.working():
            if self.kind == "http":
                self.server.start()
            try:
                asyncio.run(work())
            finally:
                if self.kind == "http":
                    self.server.stop()

    async def _connect(self, producer: bool, changed: dict[str, Any]) -> brokers.Broker:
        side = self.accounts if producer else self.ledger
        async with asyncio.timeout(60):
            while True:
                try:
                    return await brokers.connect(self._settings(side, changed))
                except BrokerUnavailable:
                    await asyncio.sleep(0.2)

    def _settings(self, side: Side, changed: dict[str, Any]) -> Settings:
        url = side.engine.url.render_as_string(hide_password=False)
        return settings(url, self.server.url, self.namespace, **changed)

    def _relay(self, broker: brokers.Broker, changed: dict[str, Any]) -> Relay:
        return Relay(self.accounts.engine, broker, self._settings(self.accounts, changed))

    def _inbox(self, broker: brokers.Broker, changed: dict[str, Any]) -> Inbox:
        given = self._settings(self.ledger, changed)
        processor = Processor(self.ledger.manifest, self.ledger.engine, given, system=broker.system)
        return Inbox(self.ledger.manifest, self.ledger.engine, processor, broker, given)

    def _reads(self) -> bool:
        """Whether an inbox has its partitions: then what it reads from is there, or soon."""
        owned = self.ledger.rows("SELECT 1 FROM partition_lease WHERE owner IS NOT NULL")
        return bool(owned)

    async def _let_duplicates_pass(self) -> None:
        broker: Any = await self._connect(True, {})
        info = await broker._stream.stream_info(self.namespace)
        info.config.duplicate_window = 0.1
        await broker._stream.update_stream(info.config)
        await broker.close()
