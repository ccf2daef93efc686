"""The inbox row and the handler's effects are one transaction; duplicates change nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from bank import ledger as ledger_module
from bank.models import Account
from chassis.processor import DUPLICATE, FAILED, WAITING, Processor
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from support.delivery import Side, consume, drain, emit, messages, namespace, settings


def processor(ledger: Side) -> Processor:
    given = settings(str(ledger.engine.url), "nats://unused", "")
    return Processor(ledger.manifest, ledger.engine, given)


def retry_until_quiet(work: Processor, ledger: Side) -> None:
    while ledger.rows("SELECT 1 FROM inbox_retry"):
        work.retry()


def test_duplicate_is_applied_once(accounts: Side, ledger: Side) -> None:
    emit(accounts, [(1, 1)])
    [message] = messages(accounts)
    with ledger.working():
        results = processor(ledger).process([message, message])
        results += processor(ledger).process([message])
    assert results == ["applied", DUPLICATE, DUPLICATE]
    assert ledger.rows("SELECT account_id, number FROM entries") == [(1, 1)]


def test_failing_handler_leaves_nothing_though_it_committed(accounts: Side, ledger: Side) -> None:
    emit(accounts, [(1, 1)], "record_then_fail")
    [message] = messages(accounts)
    with ledger.working():
        assert processor(ledger).process([message]) == [FAILED]
    assert ledger.rows("SELECT id FROM entries") == []
    assert ledger.rows("SELECT attempts, reason FROM inbox_retry") == [
        (1, "Refused: after the commit")
    ]


def test_session_is_whole_again_after_a_failure(accounts: Side, ledger: Side) -> None:
    emit(accounts, [(1, 1)], "record_then_fail")
    emit(accounts, [(2, 2)])
    with ledger.working() as session:
        assert processor(ledger).process(messages(accounts)) == [FAILED, "applied"]
        session.add(Account(id=1, owner="x", balance=0))
        session.rollback()
    assert ledger.rows("SELECT number FROM entries") == [(2,)]


def test_failure_holds_up_its_aggregate_only_and_keeps_its_order(
    accounts: Side, ledger: Side
) -> None:
    emit(accounts, [(1, 1), (2, 1)], "fail_once")
    emit(accounts, [(1, 2), (2, 2)], "fail_once")
    first, other, second, later = messages(accounts)
    ledger_module.failures[:] = [(1, 1)]
    work = processor(ledger)
    with ledger.working():
        results = work.process([first, other, second, later])
        assert results == [FAILED, "applied", WAITING, "applied"]
        assert work.process([second, first]) == [DUPLICATE, DUPLICATE]
        retry_until_quiet(work, ledger)
    found = ledger.rows("SELECT account_id, number FROM entries ORDER BY id")
    assert found == [(2, 1), (2, 2), (1, 1), (1, 2)]


def test_changes_share_a_transaction_and_one_bad_one_spares_the_others(
    accounts: Side, ledger: Side
) -> None:
    with accounts.working() as session:
        session.add_all([Account(id=n, owner="ann", balance=n) for n in range(1, 6)])
        session.commit()
    given = messages(accounts)
    bad = replace(given[2], body=given[2].body.replace(b'"owner": "ann"', b'"owner": null'))
    results = processor(ledger).process([*given[:2], bad, *given[3:]])
    assert results == ["applied", "applied", FAILED, "applied", "applied"]
    assert ledger.rows("SELECT id FROM accounts ORDER BY 1") == [(1,), (2,), (4,), (5,)]


def test_message_older_than_the_window_is_not_applied(accounts: Side, ledger: Side) -> None:
    emit(accounts, [(1, 1)])
    [message] = messages(accounts)
    content = json.loads(message.body) | {"time": "2020-01-01T00:00:00+00:00"}
    old = replace(message, body=json.dumps(content).encode())
    with ledger.working():
        assert processor(ledger).process([old]) == ["dead"]
    [(reason,)] = ledger.rows("SELECT reason FROM inbox_dead_letter")
    assert "older than the inbox remembers" in reason


def test_async_handler(accounts: Side, ledger: Side) -> None:
    emit(accounts, [(1, 1), (1, 2)], "record_async")
    with ledger.working():
        assert processor(ledger).process(messages(accounts)) == ["applied", "applied"]
    assert ledger.rows("SELECT number FROM entries ORDER BY 1") == [(1,), (2,)]


def test_replica_follows_and_older_versions_are_dropped(accounts: Side, ledger: Side) -> None:
    with accounts.working() as session:
        session.add(Account(id=1, owner="ann", balance=1))
        session.commit()
        session.get(Account, 1).balance = 2
        session.commit()
    first, second = messages(accounts)
    work = processor(ledger)
    assert work.process([second, first]) == ["applied", "stale"]
    assert ledger.rows("SELECT id, balance FROM accounts") == [(1, 2)]


def test_late_update_does_not_bring_back_what_was_deleted(accounts: Side, ledger: Side) -> None:
    with accounts.working() as session:
        session.add(Account(id=1, owner="ann", balance=1))
        session.commit()
        session.delete(session.get(Account, 1))
        session.commit()
    made, deleted = messages(accounts)
    work = processor(ledger)
    assert work.process([deleted, made]) == ["applied", "stale"]
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
    with ledger.working():
        assert list(processor(ledger).replay([]).values()) == [reason]
    fixed = "UPDATE inbox_dead_letter SET payload = jsonb_set(payload, '{data,function}', :f)"
    with ledger.engine.begin() as connection:
        connection.execute(text(fixed), {"f": '"bank.ledger:record"'})
    with ledger.working():
        assert list(processor(ledger).replay([]).values()) == ["applied"]
    assert ledger.rows("SELECT count(*) FROM entries, inbox_dead_letter") == [(0,)]
    assert ledger.rows("SELECT account_id FROM entries ORDER BY 1") == [(1,), (2,)]


def test_connection_that_breaks_at_the_savepoint_spoils_no_later_message(
    accounts: Side, ledger: Side
) -> None:
    """SQLAlchemy tells nobody of a session that could not even begin; it must be closed too."""
    emit(accounts, [(1, 1), (2, 1)])
    first, second = messages(accounts)
    broken = []

    def cut(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SAVEPOINT") and not broken:
            broken.append(cursor.connection.info.backend_pid)
            with connection.engine.connect() as other:
                other.execute(text(f"SELECT pg_terminate_backend({broken[0]})"))

    work = processor(ledger)
    event.listen(ledger.engine, "before_cursor_execute", cut)
    with ledger.working():
        with pytest.raises(OperationalError):
            work.process([first])
        assert work.process([first, second]) == ["applied", "applied"]
    assert broken
    assert ledger.rows("SELECT account_id FROM entries ORDER BY 1") == [(1,), (2,)]
