"""Late commits, relays that come back, and databases other than PostgreSQL."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from chassis import outbox, schema
from chassis.brokers import Outgoing, partition_of
from chassis.delivery import Entry
from chassis.relay import Relay
from support.delivery import Side, settings


class Log:
    """A broker that keeps what it got."""

    system = "log"

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def publish(self, message: Outgoing) -> None:
        await asyncio.sleep(0)
        self.ids.append(message.id)

    def first_seen(self) -> list[str]:
        return list(dict.fromkeys(self.ids))


def append(connection: sa.Connection, aggregate: str) -> str:
    message = outbox.Message("events.a.b", "b", aggregate, outbox.UPSERTED, {"n": 1})
    return str(outbox.append(connection, [message], source="a")[0])


def make_relay(engine: sa.Engine, log: Log, **changed: Any) -> Relay:
    given = settings(str(engine.url), "nats://unused", "", **({"poll": 0.01} | changed))
    return Relay(engine, log, given)  # type: ignore[arg-type]


async def drain(relay: Relay, engine: sa.Engine) -> None:
    async with asyncio.timeout(20):
        while True:
            await relay.step()
            with engine.connect() as connection:
                left = connection.execute(sa.select(schema.outbox_delivery.c.position)).first()
            if left is None:
                return
            await asyncio.sleep(0.01)


def test_row_that_commits_late_is_published(accounts: Side) -> None:
    """In a partition that was read beyond its position meanwhile."""
    log = Log()
    relay = make_relay(accounts.engine, log, batch=1, poll=1000.0)
    place = partition_of("b", "slow")
    quick = [str(n) for n in range(200) if partition_of("b", str(n)) == place][:3]

    async def work() -> None:
        with accounts.engine.connect() as slow:
            late = append(slow, "slow")
            with accounts.engine.begin() as connection:
                early = [append(connection, aggregate) for aggregate in quick]
            while len(log.ids) < 2:
                await relay.step()
            slow.commit()
            # The round goes on behind it; the next one begins at the front.
            await drain(relay, accounts.engine)
        assert log.ids == [*early, late]

    asyncio.run(work())


def test_relay_that_was_stopped_while_publishing_only_repeats(accounts: Side) -> None:
    """One relay reads its page and stops; another takes over; then the first goes on."""
    log = Log()
    stopped, other = make_relay(accounts.engine, log), make_relay(accounts.engine, log)
    with accounts.engine.begin() as connection:
        expected = [append(connection, "x") for _ in range(5)]
    with accounts.engine.begin() as connection:
        connection.execute(sa.delete(schema.partition_lease))

    async def work() -> None:
        page: list[Entry] = await asyncio.to_thread(stopped._turn)
        assert len(page) == 5
        with accounts.engine.begin() as connection:
            connection.execute(sa.delete(schema.partition_lease))
            expected.extend(append(connection, "x") for _ in range(3))
        await drain(other, accounts.engine)
        await stopped._publish(page)

    asyncio.run(work())
    assert len(log.ids) == 8 + 5
    assert log.first_seen() == expected


def test_sqlite_with_one_relay(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'outbox.db'}")
    with engine.begin() as connection:
        schema.upgrade(Operations(MigrationContext.configure(connection)))
        expected = [append(connection, "x") for _ in range(5)]
    log = Log()
    asyncio.run(drain(make_relay(engine, log), engine))
    assert log.ids == expected
    with engine.begin() as connection:
        schema.downgrade(Operations(MigrationContext.configure(connection)))
    engine.dispose()
