"""Batches that take longer than a lease: nobody takes over, little is repeated, a stop is soon."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import pytest
from chassis.brokers import Incoming, Outgoing
from chassis.inbox import Inbox
from chassis.leases import Leases
from chassis.processor import Processor
from chassis.relay import Relay
from support.delivery import Side, emit, messages, settings

LEASE, EACH, COUNT = 0.6, 0.05, 40
ENTRIES = "SELECT number FROM entries ORDER BY id"


class Log:
    """A broker with one log that is there already; it gives whatever is asked for at once."""

    system = "log"

    def __init__(self, kept: Sequence[Incoming]) -> None:
        self._kept = [replace(message, position=str(n)) for n, message in enumerate(kept)]

    async def read(self, _: str, __: object, positions: Mapping[int, str]) -> Log:
        at = positions.get(0)
        self._left = [] if at is None else self._kept[int(at) + 1 if at else 0 :]
        return self

    async def fetch(self, limit: int, wait: float) -> list[Incoming]:
        found, self._left = self._left[:limit], self._left[limit:]
        if not found:
            await asyncio.sleep(wait)
        return found

    async def done(self, _: Sequence[Incoming]) -> None: ...

    async def close(self) -> None: ...


class Slow:
    """Notes when each handler ran, and takes its time for it."""

    def __init__(self) -> None:
        self.runs = 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        self.runs += 1
        time.sleep(EACH)
        yield


@asynccontextmanager
async def running(ledger: Side, log: Log, slow: Slow) -> AsyncIterator[asyncio.Event]:
    given = settings(str(ledger.engine.url), "nats://unused", "", lease=LEASE)
    processor = Processor(ledger.manifest, ledger.engine, given, slow)
    inbox = Inbox(ledger.manifest, ledger.engine, processor, log, given)  # type: ignore[arg-type]
    stop = asyncio.Event()
    task = asyncio.create_task(inbox.run(stop))
    try:
        async with asyncio.timeout(30):
            while not ledger.rows(ENTRIES):
                await asyncio.sleep(0.01)
            yield stop
    finally:
        stop.set()
        await task


@pytest.fixture
def log(accounts: Side) -> Log:
    emit(accounts, [(1, number) for number in range(COUNT)])
    return Log(messages(accounts))


def test_nobody_takes_the_partitions_of_a_long_batch(ledger: Side, log: Log) -> None:
    slow = Slow()
    rival = Leases(ledger.engine, "inbox ledger", LEASE)

    async def work() -> None:
        async with running(ledger, log, slow):
            while not await asyncio.to_thread(rival.renew):
                await asyncio.sleep(LEASE / 10)
            # The batch was over before its owner shared.
            assert len(ledger.rows(ENTRIES)) == COUNT

    with ledger.working():
        asyncio.run(work())
    assert slow.runs == COUNT


def test_positions_are_saved_within_a_long_batch(ledger: Side, log: Log) -> None:
    async def work() -> None:
        async with running(ledger, log, Slow()):
            while not ledger.rows("SELECT 1 FROM partition_lease WHERE position <> ''"):
                await asyncio.sleep(0.01)
            assert len(ledger.rows(ENTRIES)) < COUNT

    with ledger.working():
        asyncio.run(work())


def test_batch_ends_where_the_partitions_were_lost(ledger: Side, log: Log) -> None:
    """As after a stop of the process: the signs of life did not come in time."""
    slow = Slow()
    stolen = "UPDATE partition_lease SET owner = 'another', until = now() + interval '1 hour'"

    async def work() -> None:
        async with running(ledger, log, slow):
            with ledger.engine.begin() as connection:
                connection.exec_driver_sql(stolen)
            await asyncio.sleep(EACH * COUNT)
            done = len(ledger.rows(ENTRIES))
            assert done < COUNT / 2
            await asyncio.sleep(LEASE)
            assert len(ledger.rows(ENTRIES)) == done

    with ledger.working():
        asyncio.run(work())


def test_stop_does_not_wait_for_the_batch_and_nothing_is_applied_twice(
    ledger: Side, log: Log
) -> None:
    async def work() -> None:
        async with running(ledger, log, Slow()):
            pass
        assert 0 < len(ledger.rows(ENTRIES)) < COUNT / 2
        async with running(ledger, log, Slow()):
            while len(ledger.rows(ENTRIES)) < COUNT:
                await asyncio.sleep(0.01)

    with ledger.working():
        asyncio.run(work())
    assert ledger.rows(ENTRIES) == [(number,) for number in range(COUNT)]


class SlowBroker:
    """Takes longer for one message than a lease lasts."""

    system = "slow"

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def publish(self, message: Outgoing) -> None:
        self.taken.append(message.id)
        await asyncio.sleep(LEASE * 2)


def test_nobody_takes_the_partitions_of_a_slow_page(accounts: Side) -> None:
    emit(accounts, [(1, 1), (1, 2)])
    given = settings(str(accounts.engine.url), "nats://unused", "", lease=LEASE)
    broker = SlowBroker()
    relay = Relay(accounts.engine, broker, given)  # type: ignore[arg-type]
    rival = Leases(accounts.engine, "relay", LEASE)

    async def work() -> None:
        stop = asyncio.Event()
        task = asyncio.create_task(relay.run(stop))
        while not broker.taken:
            await asyncio.sleep(0.01)
        end = time.monotonic() + LEASE * 1.8
        while time.monotonic() < end:
            assert not await asyncio.to_thread(rival.renew)
            await asyncio.sleep(LEASE / 10)
        await asyncio.to_thread(rival.release)
        while accounts.rows("SELECT 1 FROM outbox_delivery"):
            await asyncio.sleep(0.01)
        stop.set()
        await task

    asyncio.run(work())
    assert len(broker.taken) == 2
