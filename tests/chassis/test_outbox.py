"""A change and its message are one transaction; what is another's cannot be written."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from bank.ledger import Entry
from bank.models import Account
from chassis import remote
from chassis.capture import ReplicaWriteError
from opentelemetry.sdk.trace import TracerProvider
from sqlalchemy.dialects.postgresql import insert
from support.delivery import Side


def test_commit_leaves_the_row_and_its_message(accounts: Side) -> None:
    with accounts.working() as session:
        session.add(Account(id=1, owner="ann", balance=5))
        session.commit()
    assert accounts.rows("SELECT id FROM accounts") == [(1,)]
    found = accounts.rows("SELECT subject, aggregateid, payload->'data'->'values' FROM outbox")
    assert found == [("events.accounts.accounts", "1", {"id": 1, "owner": "ann", "balance": 5})]


def test_rollback_leaves_neither(accounts: Side) -> None:
    with accounts.working() as session:
        session.add(Account(id=1, owner="ann", balance=5))
        session.flush()
        remote.emit("bank.ledger:record", 1, 1)
        session.rollback()
    assert accounts.rows("SELECT id FROM accounts") == []
    assert accounts.rows("SELECT id FROM outbox") == []


def test_updates_and_deletes_are_numbered_by_aggregate(accounts: Side) -> None:
    with accounts.working() as session:
        session.add_all([Account(id=n, owner="ann", balance=0) for n in (1, 2)])
        session.commit()
        session.get(Account, 1).balance = 7
        session.commit()
        session.execute(sa.update(Account).where(Account.id == 2).values(balance=9))
        session.delete(session.get(Account, 1))
        session.commit()
    found = accounts.rows("SELECT aggregateid, sequence, type FROM outbox ORDER BY 1, 2")
    assert found == [
        ("1", 1, "upserted"),
        ("1", 2, "upserted"),
        ("1", 3, "deleted"),
        ("2", 1, "upserted"),
        ("2", 2, "upserted"),
    ]


def test_an_insert_that_found_its_row_there_tells_nothing(accounts: Side) -> None:
    statement = insert(Account).values(id=1, owner="ann", balance=5)
    with accounts.working() as session:
        session.execute(statement.on_conflict_do_nothing())
        session.execute(statement.on_conflict_do_nothing())
        session.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"balance": 6}))
        session.commit()
    found = accounts.rows("SELECT sequence, payload->'data'->'values'->'balance' FROM outbox")
    assert sorted(found) == [(1, 5), (2, 6)]


def test_insert_into_anothers_table_becomes_a_message(accounts: Side) -> None:
    with accounts.working() as session:
        session.add(Entry(account_id=1, number=3))
        session.commit()
    found = accounts.rows("SELECT subject, payload->'data' FROM outbox")
    values = {"account_id": 1, "number": 3}
    assert found == [("requests.ledger.insert", {"table": "entries", "values": values})]


def test_replica_is_read_only(ledger: Side) -> None:
    with ledger.working() as session:
        session.add(Account(id=1, owner="ann", balance=5))
        with pytest.raises(ReplicaWriteError, match="accounts"):
            session.flush()
        session.rollback()
        with pytest.raises(ReplicaWriteError):
            session.execute(sa.delete(Account))


def test_message_carries_the_trace(accounts: Side) -> None:
    tracer = TracerProvider().get_tracer("test")
    with accounts.working() as session, tracer.start_as_current_span("request") as span:
        remote.emit("bank.ledger:record", 1, 1)
        session.commit()
    [(parent,)] = accounts.rows("SELECT traceparent FROM outbox")
    assert parent.split("-")[1] == f"{span.get_span_context().trace_id:032x}"
