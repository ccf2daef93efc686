"""Copied rows are written before their inbox rows, each in a statement that commits by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from bank.models import Account
from chassis.brokers import Incoming
from chassis.handlers import STALE
from chassis.outcomes import DUPLICATE, FAILED, WAITING
from chassis.processor import Processor
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from support.delivery import Side, messages, settings


def logged(producer: Side) -> list[Incoming]:
    """The outbox as a log has it: with places to read from again."""
    return [replace(m, position=str(n)) for n, m in enumerate(messages(producer), 1)]


def working(ledger: Side, first: Incoming) -> Processor:
    """A processor that knows that nothing waits."""
    given = settings(str(ledger.engine.url), "nats://unused", "")
    work = Processor(ledger.manifest, ledger.engine, given)
    assert work.process([first]) == ["applied"]
    return work


def opened(accounts: Side, numbers: range) -> None:
    with accounts.working() as session:
        session.add_all([Account(id=n, owner="ann", balance=0) for n in numbers])
        session.commit()


@contextmanager
def cut_at(ledger: Side, beginning: str) -> Iterator[None]:
    """Kill the connection before it sends its first statement that begins so."""
    cut = []

    def kill(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(beginning) and not cut:
            cut.append(cursor.connection.info.backend_pid)
            with connection.engine.connect() as other:
                other.execute(text(f"SELECT pg_terminate_backend({cut[0]})"))

    event.listen(ledger.engine, "before_cursor_execute", kill)
    try:
        yield
    finally:
        event.remove(ledger.engine, "before_cursor_execute", kill)
    assert cut


def test_duplicates_are_told_and_change_nothing(accounts: Side, ledger: Side) -> None:
    opened(accounts, range(3))
    first, second, third = logged(accounts)
    work = working(ledger, first)
    given = [second, second, third]
    assert work.process(given, anew=False) == ["applied", DUPLICATE, "applied"]
    assert work.process([first, third]) == [DUPLICATE, DUPLICATE]
    assert ledger.rows("SELECT id FROM accounts ORDER BY 1") == [(0,), (1,), (2,)]


def test_what_breaks_between_the_two_comes_again(accounts: Side, ledger: Side) -> None:
    opened(accounts, range(3))
    first, *others = logged(accounts)
    work = working(ledger, first)
    with cut_at(ledger, "INSERT INTO inbox"), pytest.raises(OperationalError):
        work.process(others, anew=False)
    assert ledger.rows("SELECT id FROM accounts ORDER BY 1") == [(0,), (1,), (2,)]
    assert len(ledger.rows("SELECT 1 FROM inbox")) == 1
    assert work.process(others) == [STALE, STALE]
    assert len(ledger.rows("SELECT 1 FROM inbox")) == 3


def test_deletions_and_their_graves_are_one(accounts: Side, ledger: Side) -> None:
    opened(accounts, range(2))
    with accounts.working() as session:
        session.delete(session.get(Account, 1))
        session.commit()
    first, second, deleted = logged(accounts)
    work = working(ledger, first)
    assert work.process([second], anew=False) == ["applied"]
    with cut_at(ledger, "DELETE FROM accounts"), pytest.raises(OperationalError):
        work.process([deleted], anew=False)
    assert ledger.rows("SELECT 1 FROM replica_tombstone") == []
    assert work.process([deleted]) == ["applied"]
    assert ledger.rows("SELECT id FROM accounts") == [(0,)]


def test_nothing_overtakes_what_waits(accounts: Side, ledger: Side) -> None:
    opened(accounts, range(2))
    with accounts.working() as session:
        session.get(Account, 1).balance = 7
        session.commit()
    first, second, later = logged(accounts)
    work = working(ledger, first)
    bad = replace(second, body=second.body.replace(b'"owner": "ann"', b'"owner": null'))
    assert work.process([bad], anew=False) == [FAILED]
    assert work.process([later], anew=False) == [WAITING]
    assert ledger.rows("SELECT id FROM accounts") == [(0,)]
