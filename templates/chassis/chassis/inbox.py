"""The consumer of one service: reads its partitions' logs and has the messages applied."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from chassis.brokers import Broker, BrokerUnavailable, Incoming, Reader
from chassis.freshness import Freshness
from chassis.leases import LeaseLost, Leases
from chassis.manifest import Manifest
from chassis.outbox import change_subject, token
from chassis.processor import Note, Processor
from chassis.settings import Settings

_log = logging.getLogger("chassis.inbox")
_TROUBLE = (BrokerUnavailable, LeaseLost, sa.exc.DBAPIError, sa.exc.TimeoutError)


def subjects(manifest: Manifest) -> list[str]:
    """What the service listens to: rows that it copies, and requests to itself."""
    copies = {change_subject(owner, table) for table, owner in manifest.replicas.items()}
    return [*sorted(copies), f"requests.{token(manifest.name)}.*"]


class Inbox:
    """One process of the consumer; others share its partitions."""

    def __init__(
        self,
        manifest: Manifest,
        engine: Engine,
        processor: Processor,
        broker: Broker,
        settings: Settings,
    ) -> None:
        self._subjects = subjects(manifest)
        self._processor = processor
        self._broker = broker
        self._settings = settings
        self._leases = Leases(engine, f"inbox {manifest.name}", settings.lease)
        self._renewed = -settings.lease
        self._retried = -settings.poll
        self._held: frozenset[int] = frozenset()
        self._reader: Reader | None = None
        self._freshness = Freshness(manifest)
        # One thread for all: the carved code's thread-local sessions stay in one place.
        self._thread = ThreadPoolExecutor(1, "inbox")

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; whatever is down is tried again."""
        try:
            async with self._leases.kept():
                await self._work(stop)
        finally:
            await self._drop_reader()
            with suppress(sa.exc.SQLAlchemyError):
                await self._in_thread(self._leases.release)
            self._thread.shutdown()

    async def _work(self, stop: asyncio.Event) -> None:
        failures = 0
        while not stop.is_set():
            try:
                await self._step(stop)
                failures = 0
            except _TROUBLE as error:
                failures += 1
                await self._drop_reader()
                fields = {"reason": repr(error), "failures": failures}
                _log.warning("inbox waits", extra=fields)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self._settings.backoff(failures))

    async def _step(self, stop: asyncio.Event) -> None:
        if time.monotonic() - self._renewed > self._settings.lease / 3:
            await self._renew()
        if time.monotonic() - self._retried > self._settings.poll:
            await self._in_thread(self._processor.retry, self._until(stop))
            self._retried = time.monotonic()
        if self._reader is None:
            # Nothing is ours: the others have it all.
            await asyncio.sleep(self._settings.poll)
            return
        messages = await self._reader.fetch(self._settings.batch, self._settings.poll)
        if messages:
            process, note = self._processor.process, self._note(messages)
            results = await self._in_thread(process, messages, note, stop.is_set)
            if len(results) < len(messages):
                # Stopped within the batch: the rest comes again.
                return
            await self._reader.done(messages)
        self._freshness.see(messages)

    async def _renew(self) -> None:
        held: Mapping[int, str] = await self._in_thread(self._leases.renew)
        self._renewed = time.monotonic()
        if held.keys() == self._held and self._reader is not None:
            return
        await self._drop_reader()
        self._held = frozenset(held)
        if held:
            read = self._broker.read(self._processor.consumer, self._subjects, held)
            self._reader = await read

    async def _drop_reader(self) -> None:
        reader, self._reader = self._reader, None
        # The next renewal makes a new one, from where the database says.
        self._renewed = -self._settings.lease
        if reader is not None:
            with suppress(BrokerUnavailable):
                await reader.close()

    def _until(self, stop: asyncio.Event) -> Callable[[], bool]:
        """Whether waiting messages have had their turn: new ones shall not wait for all."""
        end = time.monotonic() + self._settings.lease / 3
        return lambda: stop.is_set() or time.monotonic() > end

    def _note(self, messages: Sequence[Incoming]) -> Note:
        """Saves the positions with the last messages of a batch, and now and then within it.

        So a long batch leaves little to repeat, and ends where the partitions were lost.
        """
        saved = time.monotonic()

        def note(connection: Connection, decided: int) -> None:
            nonlocal saved
            last = decided == len(messages)
            if last or time.monotonic() - saved > self._settings.lease / 3:
                positions = {m.partition: m.position for m in messages[:decided] if m.position}
                self._leases.save(connection, positions)
                saved = time.monotonic()

        return note

    async def _in_thread(self, function: Any, *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)
