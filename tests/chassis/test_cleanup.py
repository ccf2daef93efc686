"""Old rows go in batches, by one process at a time; what is still needed stays."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from chassis import cleanup, schema
from chassis.settings import Settings
from support.delivery import Side, emit, settings

OLD = dt.datetime.now(dt.UTC) - dt.timedelta(days=30)
Batch = Callable[[sa.Connection, Settings], int]


def given(side: Side) -> Settings:
    return settings(str(side.engine.url), "nats://unused", "")


def make_old(side: Side, table: sa.Table, column: str) -> None:
    with side.engine.begin() as connection:
        connection.execute(sa.update(table).values({column: OLD}))


def remember(ledger: Side, count: int) -> None:
    rows = [{"consumer": f"c{n % 2}", "message_id": str(n)} for n in range(count)]
    with ledger.engine.begin() as connection:
        connection.execute(sa.insert(schema.inbox), rows)


def published(accounts: Side, count: int) -> None:
    """Rows of the outbox that left the queue long ago."""
    emit(accounts, [(n, 1) for n in range(count)])
    with accounts.engine.begin() as connection:
        connection.execute(sa.delete(schema.outbox_delivery))
    make_old(accounts, schema.outbox, "created_at")


def batch_of(side: Side, batch: Batch) -> int:
    with side.engine.begin() as connection:
        return batch(connection, given(side))


def test_outbox_keeps_what_waits_is_dead_or_is_young(accounts: Side) -> None:
    published(accounts, 3)
    emit(accounts, [(7, 1), (8, 1)])
    make_old(accounts, schema.outbox, "created_at")
    dead, _ = accounts.rows("SELECT id FROM outbox_delivery ORDER BY position")
    move = """INSERT INTO outbox_dead_letter (id, partition, aggregatetype, aggregateid, sequence,
        attempts, reason) SELECT id, partition, aggregatetype, aggregateid, sequence, 1, 'no'
        FROM outbox_delivery WHERE id = :id"""
    with accounts.engine.begin() as connection:
        connection.execute(sa.text(move), {"id": dead[0]})
        gone = sa.delete(schema.outbox_delivery).where(schema.outbox_delivery.c.id == dead[0])
        connection.execute(gone)
    emit(accounts, [(9, 1)])
    assert batch_of(accounts, cleanup.outbox_batch) == 3
    assert accounts.rows("SELECT aggregateid FROM outbox ORDER BY 1") == [("7",), ("8",), ("9",)]


def test_rows_go_in_batches(accounts: Side, ledger: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "_BATCH", 10)
    published(accounts, 25)
    remember(ledger, 25)
    make_old(ledger, schema.inbox, "received_at")
    remember_young = {"consumer": "c0", "message_id": "young"}
    with ledger.engine.begin() as connection:
        connection.execute(sa.insert(schema.inbox), remember_young)
    assert [batch_of(accounts, cleanup.outbox_batch) for _ in range(4)] == [10, 10, 5, 0]
    assert [batch_of(ledger, cleanup.inbox_batch) for _ in range(4)] == [10, 10, 5, 0]
    assert ledger.rows("SELECT message_id FROM inbox") == [("young",)]


def test_tombstones_go_with_the_messages_that_they_guard_against(ledger: Side) -> None:
    grave = {"tablename": "accounts", "version": 1}
    with ledger.engine.begin() as connection:
        connection.execute(
            sa.insert(schema.replica_tombstone),
            [{**grave, "rowkey": "1", "deleted_at": OLD}],
        )
        connection.execute(sa.insert(schema.replica_tombstone), [{**grave, "rowkey": "2"}])
    batch_of(ledger, cleanup.inbox_batch)
    assert ledger.rows("SELECT rowkey FROM replica_tombstone") == [("2",)]


def test_tombstones_go_in_batches_too(ledger: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "_BATCH", 10)
    grave = {"tablename": "accounts", "version": 1, "deleted_at": OLD}
    with ledger.engine.begin() as connection:
        rows = [{**grave, "rowkey": str(n)} for n in range(15)]
        connection.execute(sa.insert(schema.replica_tombstone), rows)
    assert [batch_of(ledger, cleanup.inbox_batch) for _ in range(3)] == [10, 5, 0]
    assert ledger.rows("SELECT rowkey FROM replica_tombstone") == []


@pytest.mark.parametrize("table", ["outbox", "inbox"])
def test_one_process_cleans_while_the_others_pass_by(
    accounts: Side, ledger: Side, table: str
) -> None:
    side = accounts if table == "outbox" else ledger
    batch = cleanup.outbox_batch if table == "outbox" else cleanup.inbox_batch
    if side is accounts:
        published(accounts, 5)
    else:
        remember(ledger, 5)
        make_old(ledger, schema.inbox, "received_at")
    with side.engine.begin() as elected:
        assert batch(elected, given(side)) == 5
        # Not even a row lock is waited for.
        assert batch_of(side, batch) == 0
        elected.rollback()
    assert batch_of(side, batch) == 5, "who comes after the elected one is elected"


def test_cleaning_goes_on_until_all_is_gone_and_outlives_an_outage(
    accounts: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "_BATCH", 10)
    monkeypatch.setattr(cleanup, "_PAUSE_SECONDS", 0.05)
    published(accounts, 25)
    outages = 2

    def batch(connection: sa.Connection, settings: Settings) -> int:
        nonlocal outages
        outages -= 1
        if outages >= 0:
            raise sa.exc.OperationalError("SELECT 1", None, Exception("down"))
        return cleanup.outbox_batch(connection, settings)

    async def work() -> None:
        task = asyncio.create_task(cleanup.keep_clean(accounts.engine, given(accounts), batch))
        async with asyncio.timeout(30):
            while await asyncio.to_thread(accounts.rows, "SELECT 1 FROM outbox"):
                await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(work())


def test_busy_tables_are_vacuumed_by_number_of_rows(accounts: Side) -> None:
    found = dict(
        accounts.rows("SELECT relname, reloptions FROM pg_class WHERE reloptions IS NOT NULL")
    )
    for table in ("outbox", "outbox_delivery", "inbox", "inbox_retry"):
        options = dict(option.split("=") for option in found[table])
        assert float(options["autovacuum_vacuum_scale_factor"]) == 0
        assert int(options["autovacuum_vacuum_threshold"]) <= 10_000
        assert int(options["autovacuum_vacuum_insert_threshold"]) <= 100_000
    for table in ("outbox_aggregate", "partition_lease"):
        assert "fillfactor=50" in found[table]
