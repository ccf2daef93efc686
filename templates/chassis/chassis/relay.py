"""Carries the outbox to the broker: in order for each aggregate, at least once.

A relay publishes an aggregate's messages one after the other, beginning with the lowest that is
in the queue, and takes from the queue only what the broker has acknowledged. So whoever publishes
number n knows that the broker has all before it: however many relays believe to own a partition,
wherever one dies or stops, the *first* time that each message is stored is in order, and what is
stored again is known by its id.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import sqlalchemy as sa
from opentelemetry import metrics
from opentelemetry.trace import Span
from sqlalchemy import Connection, Engine

from chassis import attributes, clock, delivery, dialects, texts, tracing
from chassis.brokers import (
    Broker,
    BrokerUnavailable,
    DestinationUnavailable,
    Outgoing,
    Rejected,
    begin,
)
from chassis.delivery import Entry
from chassis.leases import Leases
from chassis.settings import Settings

_log = logging.getLogger("chassis.relay")
_meter = metrics.get_meter("chassis")
_published = _meter.create_counter(attributes.OUTBOX_PUBLISHED, unit="{message}")
_failed = _meter.create_counter(attributes.OUTBOX_FAILED, unit="{message}")

_SMALLEST_PAGE = 32
_MARK_SECONDS = 0.05

# What was handed to the broker: its span, if it has one, and what ends when the broker has it.
Sent = tuple[Entry, Span | None, Awaitable[None]]


@dataclass
class Outcome:
    """What became of a page."""

    published: list[Entry] = field(default_factory=list)
    failed: list[tuple[Entry, Exception]] = field(default_factory=list)
    unavailable: BrokerUnavailable | None = None


class Relay:
    """One relay over one database and one broker; `woken` is set when something was appended."""

    def __init__(
        self,
        engine: Engine,
        broker: Broker,
        settings: Settings,
        woken: asyncio.Event | None = None,
    ) -> None:
        self._engine = engine
        # A page is one statement, and so is a mark: a transaction around each would take three.
        self._single = dialects.passing(engine).execution_options(isolation_level="AUTOCOMMIT")
        self._broker, self._hand_over = broker, begin(broker)
        self._settings = settings
        self._woken = woken or asyncio.Event()
        self._leases = Leases(engine, "relay", settings.lease)
        self._renewed = -settings.lease
        # How far this round has come in each of our partitions, when it began, how long it may be.
        self._after: dict[int, int] = {}
        self._round_began, self._round = 0.0, settings.poll
        self._smallest = min(_SMALLEST_PAGE, settings.batch)
        self._each = self._smallest
        self._outcome = Outcome()
        self._marked, self._idle = time.monotonic(), False

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; whatever is down is tried again."""
        # So that the first failure is an increase, and not the first that is heard of the metric.
        _failed.add(0)
        async with self._leases.kept():
            await self._work(stop)
        with suppress(sa.exc.SQLAlchemyError):
            await asyncio.to_thread(self._finish)

    async def _work(self, stop: asyncio.Event) -> None:
        failures = 0
        while not stop.is_set():
            try:
                unmarked = await self.step()
                failures = 0
                if self._idle:
                    wait = _MARK_SECONDS if unmarked else self._settings.poll
                    await _first_of(stop, self._woken, wait)
            except (BrokerUnavailable, sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
                failures += 1
                _log.warning("relay waits", extra={"reason": repr(error), "failures": failures})
                await _first_of(stop, None, self._settings.backoff(failures))

    async def step(self) -> int:
        """Publish one page; how many messages the broker has that are still in the queue."""
        self._woken.clear()
        entries = await asyncio.to_thread(self._turn)
        tried = await self._publish(entries)
        # What is not due, and what waits behind it, is no reason to look again at once.
        self._idle = not tried and not any(self._after.values())
        if (error := self._outcome.unavailable) is not None:
            self._outcome.unavailable = None
            count_failure(error)
            raise error
        return len(self._outcome.published)

    def _turn(self) -> list[Entry]:
        """Read the next page, and note what became of those before."""
        if time.monotonic() - self._renewed > self._settings.lease / 3:
            self._renew()
        self._begin_round()
        if self._is_time_to_mark():
            self._mark()
        known = [entry.position for entry in self._outcome.published]
        first, began = not any(self._after.values()), time.monotonic()
        with self._single.connect() as connection:
            entries = delivery.page(connection, self._after, self._each, known)
        if first:
            # Behind a million deleted rows the first page takes long: then there are fewer rounds.
            least = self._settings.poll
            self._round = min(max(least, 20 * (time.monotonic() - began)), 10 * least)
        self._advance(entries)
        return entries

    def _is_time_to_mark(self) -> bool:
        """Not after each page of a few messages: that takes longer than to publish them."""
        outcome = self._outcome
        late = time.monotonic() - self._marked > _MARK_SECONDS
        many = len(outcome.published) >= self._smallest or any(self._after.values())
        return bool(outcome.failed or (outcome.published and (late or many)))

    def _mark(self) -> None:
        outcome = self._outcome
        if outcome.failed:
            with self._engine.begin() as connection:
                self._note(connection, outcome)
        else:
            with self._single.connect() as connection:
                # If that is lost they are published again, and known by their ids.
                delivery.published(connection, outcome.published)
        self._outcome, self._marked = Outcome(), time.monotonic()
        _count(outcome)

    def _finish(self) -> None:
        self._mark()
        self._leases.release()

    def _renew(self) -> None:
        held = self._leases.renew()
        self._after = {partition: self._after.get(partition, 0) for partition in held}
        self._renewed = time.monotonic()

    def _begin_round(self) -> None:
        if time.monotonic() - self._round_began > self._round:
            self._after = dict.fromkeys(self._after, 0)
            self._round_began = time.monotonic()

    def _advance(self, entries: Sequence[Entry]) -> None:
        counts = dict.fromkeys(self._after, 0)
        for entry in entries:
            counts[entry.partition] += 1
            self._after[entry.partition] = entry.position
        full = sum(count >= self._each for count in counts.values())
        for partition, count in counts.items():
            if count < self._each:
                self._after[partition] = 0
        # One long queue gets the whole page, many share it.
        self._each = max(self._smallest, self._settings.batch // max(1, full))

    async def _publish(self, entries: Sequence[Entry]) -> bool:
        """Publish what may go now; whether there was any."""
        chains: dict[tuple[str, str], list[Entry]] = {}
        for entry in entries:
            chains.setdefault(entry.aggregate, []).append(entry)
        now, end = clock.now(), time.monotonic() + self._settings.lease / 3
        ready = [c for c in chains.values() if not c[0].held and c[0].is_due(now)]
        single = [chain[0] for chain in ready if len(chain) == 1]
        longer = [self._chain(chain, end) for chain in ready if len(chain) > 1]
        await asyncio.gather(self._abreast(single, end), *longer)
        return bool(ready)

    async def _abreast(self, entries: Sequence[Entry], end: float) -> None:
        """One message each of several aggregates: without a task for each."""
        begun: list[Sent] = []
        try:
            for number, entry in enumerate(entries):
                if self._is_over(end):
                    break
                if sent := await self._begin(entry):
                    begun.append(sent)
                if number % _SMALLEST_PAGE == _SMALLEST_PAGE - 1:
                    # So that the broker has something to do meanwhile.
                    await asyncio.sleep(0)
            begun.reverse()
            while begun:
                await self._is_stored(begun.pop())
        finally:
            for _, span, stored in begun:  # for those nobody waits any more
                tracing.published(span, asyncio.CancelledError())
                if isinstance(stored, asyncio.Future):
                    stored.cancel()

    async def _chain(self, chain: list[Entry], end: float) -> None:
        """One aggregate's messages: the next only once the broker has the one before.

        What is left at the `end` comes with another page: one slow aggregate holds up no other,
        and what was published is noted in time.
        """
        for entry in chain:
            if self._is_over(end):
                return
            sent = await self._begin(entry)
            if sent is None or not await self._is_stored(sent):
                return

    def _is_over(self, end: float) -> bool:
        return self._outcome.unavailable is not None or time.monotonic() > end

    async def _begin(self, entry: Entry) -> Sent | None:
        """Hand `entry` to the broker, unless that fails."""
        identity = str(entry.id)
        about = tracing.About(
            self._broker.system, entry.subject, entry.partition, identity, entry.trace
        )
        span, headers = tracing.publishing(about)
        message = Outgoing(identity, entry.subject, entry.partition, entry.body, headers)
        try:
            return entry, span, await self._hand_over(message)
        except asyncio.CancelledError as error:
            tracing.published(span, error)
            raise
        except Exception as error:
            self._fail(entry, span, error)
            return None

    async def _is_stored(self, sent: Sent) -> bool:
        """Wait until the broker has the message; whether it has."""
        entry, span, stored = sent
        try:
            await stored
        except asyncio.CancelledError as error:
            tracing.published(span, error)
            raise
        except Exception as error:
            self._fail(entry, span, error)
            return False
        tracing.published(span)
        self._outcome.published.append(entry)
        return True

    def _fail(self, entry: Entry, span: Span | None, error: Exception) -> None:
        tracing.published(span, error)
        if isinstance(error, Rejected | DestinationUnavailable):
            self._outcome.failed.append((entry, error))
        elif isinstance(error, BrokerUnavailable):
            self._outcome.unavailable = error
        else:
            raise error

    def _note(self, connection: Connection, outcome: Outcome) -> None:
        delivery.published(connection, outcome.published)
        for entry, error in outcome.failed:
            attempts, reason = entry.attempts + 1, texts.storable(str(error))
            fields = {"message_id": str(entry.id), "attempt": attempts, "reason": reason}
            if isinstance(error, Rejected) and attempts >= self._settings.relay_attempts:
                delivery.bury(connection, entry, reason)
                _log.error("message is dead", extra=fields)
            else:
                delivery.postpone(connection, entry, reason, self._settings.backoff(attempts))
                _log.warning("message refused", extra=fields)


def _count(outcome: Outcome) -> None:
    if outcome.published:
        _published.add(len(outcome.published))
    for _, error in outcome.failed:
        count_failure(error)


def count_failure(error: Exception) -> None:
    """One message was not taken; of a broker that is down, the first of a page."""
    _failed.add(1, {attributes.ERROR_TYPE: type(error).__name__})


async def _first_of(stop: asyncio.Event, woken: asyncio.Event | None, seconds: float) -> None:
    """Until an event is set, at most `seconds`."""
    waits = [asyncio.ensure_future(event.wait()) for event in (stop, woken) if event is not None]
    _, left = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
