"""The databases of a schedule: made, read for the ledger, and read for copies of messages."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from bank import ledger as bank_ledger
from bank import models
from chassis import schema
from chassis.brokers.port import Outgoing, partition_of

from .ledger import Books
from .schedule import Action

_BUSINESS = (
    "CREATE TABLE numbers (account INT PRIMARY KEY, last INT NOT NULL)",
    "INSERT INTO numbers SELECT generate_series(1, 100), 0",
    "CREATE TABLE produced "
    "(account INT, number INT, behaviour TEXT, PRIMARY KEY (account, number))",
)
_DEAD = """
SELECT (payload->'data'->'args'->>0)::int, (payload->'data'->'args'->>1)::int FROM {source}
WHERE payload->>'kind' = 'call'
"""
# What left the queue, so that the broker has it; and of changes those that are not the newest.
_STORED = """
SELECT id, subject, aggregatetype, aggregateid, payload::text FROM (
  SELECT *, max(sequence) OVER (PARTITION BY aggregatetype, aggregateid) > sequence AS old
  FROM outbox
  WHERE id NOT IN (SELECT id FROM outbox_delivery UNION ALL SELECT id FROM outbox_dead_letter)
) AS stored WHERE {condition} ORDER BY created_at
"""


def engine(url: str) -> sa.Engine:
    """To look at a database often without keeping it from its work: one connection, kept open."""
    return sa.create_engine(url, pool_size=1, pool_pre_ping=True, isolation_level="AUTOCOMMIT")


def make_tables(url: str, *, replica: bool) -> None:
    """Those of the chassis and of the business, of the consumer if it has the `replica`."""
    made = sa.create_engine(url, poolclass=sa.NullPool)
    with made.begin() as connection:
        schema.upgrade(Operations(MigrationContext.configure(connection)))
        models.Account.__table__.create(connection)
        if replica:
            extra = "ALTER TABLE accounts ADD replica_version BIGINT NOT NULL DEFAULT 0"
            connection.execute(sa.text(extra))
            bank_ledger.Entry.__table__.create(connection)
        else:
            for statement in _BUSINESS:
                connection.execute(sa.text(statement))


def read(producer: sa.Engine, consumer: sa.Engine) -> Books:
    """What the two databases say now."""
    with _reading(producer) as ask:
        produced = {(a, n): how for a, n, how in ask("SELECT * FROM produced")}
        balances = dict(ask("SELECT id, balance FROM accounts"))
        waiting = ask("SELECT count(*) FROM outbox_delivery")[0][0]
        refused = ask(_DEAD.format(source="outbox_dead_letter JOIN outbox USING (id)"))
    with _reading(consumer) as ask:
        applied = ask("SELECT account_id, number FROM entries ORDER BY id")
        copies = dict(ask("SELECT id, balance FROM accounts"))
        delivered = ask("SELECT count(*) FROM inbox")[0][0]
        [(retrying, attempts)] = ask("SELECT count(*), sum(attempts) FROM inbox_retry")
        dead = ask(_DEAD.format(source="inbox_dead_letter"))
        places = ask("SELECT partition, position FROM partition_lease ORDER BY 1, 2")
    return Books(
        produced,
        applied,
        dead + refused,
        delivered,
        waiting + retrying,
        balances,
        copies,
        motion=(attempts, *places),
    )


def count(side: sa.Engine, table: str) -> int:
    with _reading(side) as ask:
        return int(ask(f"SELECT count(*) FROM {table}")[0][0])


def copies(producer: sa.Engine, action: Action, places: Sequence[float]) -> list[Outgoing]:
    """Stored messages at these shares of their number, to be stored once more.

    To ``duplicate`` is to tell the very same again. To ``reorder`` is to tell an old change under
    a new id: only its version says that it is old.
    """
    condition = "old AND type = 'upserted'" if action == "reorder" else "true"
    with _reading(producer) as ask:
        stored = ask(_STORED.format(condition=condition))
    again = []
    for place in places if stored else ():
        identity, subject, kind, key, body = stored[int(place * len(stored))]
        known_as = uuid.uuid4() if action == "reorder" else identity
        partition = partition_of(kind, key)
        again.append(Outgoing(str(known_as), subject, partition, body.encode()))
    return again


@contextmanager
def _reading(engine: sa.Engine) -> Iterator[Any]:
    with engine.connect() as connection:
        yield lambda query: [tuple(row) for row in connection.execute(sa.text(query))]
