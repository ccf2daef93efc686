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

from chassis import dialects
from chassis.brokers import Broker, BrokerUnavailable, Incoming, Reader
from chassis.freshness import Freshness
from chassis.leases import LeaseLost, Leases
from chassis.manifest import Manifest
from chassis.outbox import change_subject, token
from chassis.processor import Note, Processor
from chassis.settings import Settings

_log = logging.getLogger("chassis.inbox")
_SAVE_SECONDS = 0.5
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
        self._engine = engine
        self._processor = processor
        self._broker = broker
        self._settings = settings
        self._leases = Leases(engine, f"inbox {manifest.name}", settings.lease)
        self._renewed = -settings.lease
        self._retried = -settings.poll
        self._held: frozenset[int] = frozenset()
        self._reader: Reader | None = None
        # How far was read since the positions were saved, and when that was.
        self._unsaved: dict[int, str] = {}
        self._saved = 0.0
        self._known = False
        self._freshness = Freshness(manifest)
        # One thread for all: the carved code's thread-local sessions stay in one place.
        self._thread = ThreadPoolExecutor(1, "inbox")

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; whatever is down is tried again."""
        try:
            async with self._leases.kept():
                await self._work(stop)
        finally:
            with suppress(sa.exc.SQLAlchemyError, LeaseLost):
                await self._in_thread(self._save)
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
        messages = await self._reader.fetch(self._settings.batch, self._wait)
        if messages:
            if not await self._process(messages, stop):
                # Stopped within the batch: the rest comes again.
                return
            await self._reader.done(messages)
        else:
            await self._in_thread(self._save)
        self._freshness.see(messages)

    async def _process(self, messages: Sequence[Incoming], stop: asyncio.Event) -> bool:
        known, self._known = self._known, True
        given = (messages, self._note(messages), stop.is_set, not known)
        results = await self._in_thread(self._processor.process, *given)
        self._unsaved |= _positions(messages[: len(results)])
        return len(results) == len(messages)

    @property
    def _wait(self) -> float:
        return min(_SAVE_SECONDS, self._settings.poll) if self._unsaved else self._settings.poll

    async def _renew(self) -> None:
        await self._in_thread(self._save)
        held: Mapping[int, str] = await self._in_thread(self._leases.renew)
        self._renewed = time.monotonic()
        if held.keys() == self._held and self._reader is not None:
            return
        await self._drop_reader()
        self._held = frozenset(held)
        # Others may have had messages wait.
        self._known = False
        if held:
            read = self._broker.read(self._processor.consumer, self._subjects, held)
            self._reader = await read

    async def _drop_reader(self) -> None:
        # What is not saved is read again.
        reader, self._reader, self._unsaved = self._reader, None, {}
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
        """Saves the positions now and then, also within a long batch.

        So a new start has little to repeat, and who lost the partitions ends soon.
        """

        def note(connection: Connection, decided: int) -> None:
            if time.monotonic() - self._saved > _SAVE_SECONDS:
                self._leases.save(connection, self._unsaved | _positions(messages[:decided]))
                self._saved = time.monotonic()

        return note

    def _save(self) -> None:
        if not self._unsaved:
            return
        with self._engine.begin() as connection:
            dialects.need_not_last(connection)
            self._leases.save(connection, self._unsaved)
        self._unsaved, self._saved = {}, time.monotonic()

    async def _in_thread(self, function: Any, *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)


def _positions(messages: Sequence[Incoming]) -> dict[int, str]:
    return {message.partition: message.position for message in messages if message.position}
