"""Changes applied together leave what they leave one by one, whatever comes in whatever order."""

from __future__ import annotations

from itertools import pairwise

import sqlalchemy as sa
from bank.models import Account
from chassis import replicas, schema
from hypothesis import given, settings
from hypothesis import strategies as st

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
