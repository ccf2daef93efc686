"""NOTIFY only wakes: with it a message is on its way at once, without it at the next poll."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from chassis import wake
from chassis.brokers import Outgoing
from chassis.relay import Relay
from chassis.settings import Settings
from support.delivery import Side, emit, settings

# So long that nobody mistakes a poll for having been woken.
LONG = 600.0
_LISTENING = """
SELECT 1 FROM pg_stat_activity
WHERE query LIKE 'LISTEN%' AND state = 'idle' AND datname = current_database()
"""
_PID = _LISTENING.replace("SELECT 1", "SELECT pid")


class Log:
    """A broker that keeps what it got."""

    system = "log"

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def publish(self, message: Outgoing) -> None:
        self.ids.append(message.id)


async def published(relay: Relay, log: Log, accounts: Side, *, listen: bool) -> float:
    """Start, let all become quiet, emit; how long until the broker has it, in seconds."""
    woken = relay._woken
    stop = asyncio.Event()
    tasks = [asyncio.create_task(relay.run(stop))]
    if listen:
        tasks.append(asyncio.create_task(wake.listen(given(accounts, LONG), woken)))
        await _until(lambda: bool(accounts.rows(_LISTENING)))
    # The first look at the empty outbox is over.
    await _until(lambda: bool(accounts.rows("SELECT 1 FROM partition_lease WHERE owner <> ''")))
    await asyncio.sleep(0.5)
    await asyncio.to_thread(emit, accounts, [(1, 1)])
    began = time.monotonic()
    try:
        async with asyncio.timeout(60):
            while not log.ids:
                await asyncio.sleep(0.01)
        return time.monotonic() - began
    finally:
        stop.set()
        for task in tasks[1:]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.02)


def make(accounts: Side, log: Log, poll: float) -> Relay:
    return Relay(accounts.engine, log, given(accounts, poll))  # type: ignore[arg-type]


def given(accounts: Side, poll: float) -> Settings:
    return settings(str(accounts.engine.url), "nats://unused", "", poll=poll, lease=LONG)


def test_commit_wakes_the_relay_long_before_it_would_look(accounts: Side) -> None:
    log = Log()
    took = asyncio.run(published(make(accounts, log, LONG), log, accounts, listen=True))
    assert took < LONG / 10


def test_polling_alone_finds_it(accounts: Side) -> None:
    """As behind a pooler, which keeps notifications from us."""
    log = Log()
    asyncio.run(published(make(accounts, log, 0.1), log, accounts, listen=False))
    assert len(log.ids) == 1


def test_listening_begins_again_after_the_connection_broke(
    accounts: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wake, "_AGAIN_SECONDS", 0.05)
    woken = asyncio.Event()

    async def work() -> None:
        task = asyncio.create_task(wake.listen(given(accounts, LONG), woken))
        await _until(lambda: bool(accounts.rows(_LISTENING)))
        end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid IN ({_PID})"
        with accounts.engine.begin() as connection:
            [(ended,)] = connection.execute(sa.text(end)).all()
        assert ended
        await _until(lambda: bool(accounts.rows(_LISTENING)))
        woken.clear()
        await asyncio.to_thread(emit, accounts, [(1, 1)])
        async with asyncio.timeout(60):
            await woken.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(work())


def test_rolled_back_message_wakes_nobody(accounts: Side) -> None:
    async def work() -> None:
        woken = asyncio.Event()
        task = asyncio.create_task(wake.listen(given(accounts, LONG), woken))
        await _until(lambda: bool(accounts.rows(_LISTENING)))
        await asyncio.sleep(0.2)
        woken.clear()

        def roll_back() -> None:
            from chassis import remote

            with accounts.working() as session:
                remote.emit("bank.ledger:record", 1, 1)
                session.rollback()

        await asyncio.to_thread(roll_back)
        await asyncio.sleep(0.3)
        assert not woken.is_set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(work())
