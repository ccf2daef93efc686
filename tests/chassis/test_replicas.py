"""Changes applied together leave what they leave one by one, whatever comes in whatever order."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from bank.models import Account
from chassis import codec, replicas, schema
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

CHANGES = st.lists(
    st.tuples(st.integers(1, 3), st.integers(1, 6), st.booleans()), max_size=12
).flatmap(lambda found: st.tuples(st.just(found), st.lists(st.integers(0, len(found)), max_size=3)))
TABLE = Account.__table__
Told = tuple[int, int, bool]


def change(told: Told) -> replicas.Change:
    number, version, deleted = told
    # The owner gives a version to one state only.
    values = {"id": number} if deleted else {"id": number, "owner": "ann", "balance": version}
    return replicas.Change(TABLE, values, version, deleted)


def states(batches: list[list[Told]]) -> tuple[list[tuple[int, ...]], list[bool]]:
    engine = sa.create_engine("sqlite://")
    results = []
    with engine.begin() as connection:
        schema.replica_tombstone.create(connection)
        TABLE.create(connection)
        connection.execute(sa.text("ALTER TABLE accounts ADD replica_version BIGINT"))
        for batch in batches:
            results += replicas.apply(connection, [change(told) for told in batch], "bank")
        found = connection.execute(
            sa.text("SELECT id, balance, replica_version FROM accounts ORDER BY id")
        ).all()
    engine.dispose()
    return [tuple(row) for row in found], results


@settings(deadline=None)
@given(CHANGES)
def test_together_as_one_by_one(drawn: tuple[list[Told], list[int]]) -> None:
    found, cuts = drawn
    # One version of a row is one state, not both alive and deleted.
    told = [(n, v, deleted and v % 2 == 0) for n, v, deleted in found]
    told = [
        (n, v, v % 2 == 0) if (n, v) in {(a, b) for a, b, d in told if d} else (n, v, d)
        for n, v, d in told
    ]
    ends = sorted({0, *cuts, len(told)})
    batches = [told[a:b] for a, b in pairwise(ends)]
    together, _ = states(batches)
    alone, _ = states([[each] for each in told])
    assert together == alone


def test_results_tell_what_was_older() -> None:
    _, results = states(
        [[(1, 2, False)], [(1, 1, False), (2, 1, False), (1, 3, False), (1, 3, False)]]
    )
    assert results == [True, True, True, True, False]
    _, results = states([[(1, 3, False)], [(1, 1, False), (1, 2, False)]])
    assert results == [True, False, False]


METADATA = sa.MetaData()
KEY = ("number", sa.BigInteger)
PLAIN: list[tuple[str, Any, Any]] = [
    ("small", sa.SmallInteger, 3),
    ("exact", sa.Numeric(20, 4), Decimal("123456789012.3456")),
    ("real", sa.Float, 0.1),
    ("flag", sa.Boolean, True),
    ("text", sa.Text, 'Änn {"a"}, \\ NULL'),
    ("name", sa.String(9), ""),
    ("at", sa.DateTime(timezone=True), dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)),
    ("local", sa.DateTime, dt.datetime(2026, 3, 1, 12, 0, 0, 1)),
    ("day", sa.Date, dt.date(1, 1, 1)),
    ("unique", sa.Uuid, uuid.UUID(int=7)),
]
OTHER: list[tuple[str, Any, Any]] = [
    ("json", sa.JSON, {"a": [1, None]}),
    ("binary", postgresql.JSONB, [1, {"b": "ü"}]),
    ("many", sa.ARRAY(sa.Text), ["a", "{b}"]),
    ("mood", sa.Enum("sad", "happy", name="mood"), "happy"),
    ("bytes", sa.LargeBinary, b"\x00\xff"),
    ("long", sa.Interval, dt.timedelta(days=3, seconds=1)),
]
TABLES = {
    name: sa.Table(
        name,
        METADATA,
        sa.Column(*KEY, primary_key=True, autoincrement=False),
        *(sa.Column(column, kind) for column, kind, _ in columns),
        sa.Column(replicas.VERSION, sa.BigInteger),
    )
    for name, columns in (("plain", PLAIN), ("other", PLAIN + OTHER))
}


@pytest.mark.parametrize("name", sorted(TABLES))
def test_values_of_all_types_come_as_they_were(name: str, make_database: Callable[[], str]) -> None:
    """PostgreSQL is given arrays of those that mean the same in an array, and values of others."""
    table = TABLES[name]
    values = {column: value for column, _, value in (PLAIN if name == "plain" else PLAIN + OTHER)}
    rows = [{"number": 1, **values}, {"number": 2, **dict.fromkeys(values)}]
    engine = sa.create_engine(make_database())
    with engine.begin() as connection:
        schema.replica_tombstone.create(connection)
        METADATA.create_all(connection, [table])
        for version in (1, 2):
            changes = [
                replicas.Change(table, {k: codec.encode(v) for k, v in row.items()}, version, False)
                for row in (rows if version == 1 else rows[::-1])
            ]
            assert replicas.apply(connection, changes, "bank") == [True, True]
        found = connection.execute(sa.select(table).order_by(table.c.number)).mappings().all()
    engine.dispose()
    assert [dict(row) for row in found] == [{**row, replicas.VERSION: 2} for row in rows]
