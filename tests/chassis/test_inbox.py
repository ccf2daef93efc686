"""The inbox row and the handler's effects are one transaction; duplicates change nothing."""

from __future__ import annotations

import pytest
from bank.ledger import Refused
from bank.models import Account
from chassis.inbox import DUPLICATE, Processor
from sqlalchemy import text
from support.delivery import Side, consume, drain, emit, messages, namespace


def processor(ledger: Side) -> Processor:
    return Processor(ledger.manifest, ledger.engine)


def test_duplicate_is_applied_once(accounts: Side, ledger: Side) -> None:
    emit(accounts, [(1, 1)])
    [message] = messages(accounts)
    with ledger.working():
        results = [processor(ledger).process(*message) for _ in range(3)]
    assert results == ["applied", DUPLICATE, DUPLICATE]
    assert ledger.rows("SELECT account_id, number FROM entries") == [(1, 1)]


def test_failing_handler_leaves_nothing_though_it_committed(accounts: Side, ledger: Side) -> None:
    emit(accounts, [(1, 1)], "record_then_fail")
    [message] = messages(accounts)
    with ledger.working(), pytest.raises(Refused):
        processor(ledger).process(*message)
    assert ledger.rows("SELECT id FROM entries") == []
    assert ledger.rows("SELECT message_id FROM inbox") == []


def test_session_is_whole_again_after_a_failure(accounts: Side, ledger: Side) -> None:
    emit(accounts, [(1, 1)], "record_then_fail")
    emit(accounts, [(1, 2)])
    bad, good = messages(accounts)
    with ledger.working() as session:
        with pytest.raises(Refused):
            processor(ledger).process(*bad)
        assert processor(ledger).process(*good) == "applied"
        session.add(Account(id=1, owner="x", balance=0))
        session.rollback()
    assert ledger.rows("SELECT number FROM entries") == [(2,)]


def test_replica_follows_and_older_versions_are_dropped(accounts: Side, ledger: Side) -> None:
    with accounts.working() as session:
        session.add(Account(id=1, owner="ann", balance=1))
        session.commit()
        session.get(Account, 1).balance = 2
        session.commit()
    first, second = messages(accounts)
    work = processor(ledger)
    assert [work.process(*second), work.process(*first)] == ["applied", "stale"]
    assert ledger.rows("SELECT id, balance FROM accounts") == [(1, 2)]


def test_late_update_does_not_bring_back_what_was_deleted(accounts: Side, ledger: Side) -> None:
    with accounts.working() as session:
        session.add(Account(id=1, owner="ann", balance=1))
        session.commit()
        session.delete(session.get(Account, 1))
        session.commit()
    made, deleted = messages(accounts)
    work = processor(ledger)
    assert [work.process(*deleted), work.process(*made)] == ["applied", "stale"]
    assert ledger.rows("SELECT id FROM accounts") == []


def test_poison_is_set_aside_and_can_be_replayed(
    accounts: Side, ledger: Side, nats_url: str
) -> None:
    name = namespace()
    emit(accounts, [(1, 1)], "record_then_fail")
    emit(accounts, [(2, 2)])
    drain(accounts, nats_url, name)
    both = "SELECT 1 FROM entries, inbox_dead_letter"
    consume(ledger, nats_url, name, lambda: bool(ledger.rows(both)))
    [(reason,)] = ledger.rows("SELECT reason FROM inbox_dead_letter")
    assert reason == "Refused: after the commit"
    assert ledger.rows("SELECT account_id FROM entries") == [(2,)]
    with ledger.working(), pytest.raises(Refused):
        processor(ledger).replay([])
    fixed = "UPDATE inbox_dead_letter SET payload = jsonb_set(payload, '{data,function}', :f)"
    with ledger.engine.begin() as connection:
        connection.execute(text(fixed), {"f": '"bank.ledger:record"'})
    with ledger.working():
        assert processor(ledger).replay([]) == 1
    assert ledger.rows("SELECT count(*) FROM entries, inbox_dead_letter") == [(0,)]
    assert ledger.rows("SELECT account_id FROM entries ORDER BY 1") == [(1,), (2,)]
