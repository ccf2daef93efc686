"""Quick served functions share a transaction, and nothing else is different for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest
import sqlalchemy as sa
from bank import ledger as served
from bank.db import session
from chassis import grouping, remote
from chassis.outcomes import DUPLICATE, FAILED, WAITING
from chassis.processor import Processor
from chassis.transaction import alone
from sqlalchemy.exc import OperationalError
from support.delivery import Side, counted, emit, messages, settings

PAIRS = [(1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (2, 2), (3, 2), (4, 2)]
ENTRIES = "SELECT account_id, number FROM entries ORDER BY id"


@pytest.fixture(autouse=True, params=[100, 0], ids=["savepoints", "trusted"])
def trusted_after(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """All of this holds with savepoints and without; what is undone begins anew with them."""
    # On a busy machine nothing is as quick as it is.
    monkeypatch.setattr(grouping, "_QUICK_SECONDS", 0.5)
    monkeypatch.setattr(grouping, "_SHARED_SECONDS", 30.0)
    monkeypatch.setattr(grouping, "_TRUSTED_AFTER", request.param)
    return int(request.param)


@pytest.fixture
def work(ledger: Side) -> Processor:
    given = settings(str(ledger.engine.url), "nats://unused", "")
    return Processor(ledger.manifest, ledger.engine, given)


@pytest.fixture
def commits(ledger: Side) -> list[None]:
    """Grows with each commit of the ledger's database."""
    found: list[None] = []
    sa.event.listen(ledger.engine, "commit", lambda _: found.append(None))
    return found


@pytest.fixture
def behave(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., object]], None]:
    """Makes `bank.ledger:record` another function."""
    return lambda function: monkeypatch.setattr(served, "record", function)


def write(account_id: int, number: int) -> None:
    session.add(served.Entry(account_id=account_id, number=number))
    session.commit()


def test_quick_functions_share_a_transaction_once_they_are_known(
    accounts: Side, ledger: Side, work: Processor, commits: list[None]
) -> None:
    emit(accounts, PAIRS)
    with ledger.working():
        assert work.process(messages(accounts)) == ["applied"] * len(PAIRS)
    assert ledger.rows(ENTRIES) == PAIRS
    assert len(commits) == 2
    assert ledger.rows("SELECT count(*) FROM inbox") == [(len(PAIRS),)]


def test_slow_database_gets_on_all_the_same(
    accounts: Side,
    ledger: Side,
    work: Processor,
    commits: list[None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(grouping, "_SHARED_SECONDS", 0.0)
    emit(accounts, PAIRS)
    with ledger.working():
        assert work.process(messages(accounts)) == ["applied"] * len(PAIRS)
    assert ledger.rows(ENTRIES) == PAIRS
    assert len(commits) == len(PAIRS)


def test_async_functions_share_one_too(
    accounts: Side, ledger: Side, work: Processor, commits: list[None]
) -> None:
    emit(accounts, PAIRS, "record_async")
    with ledger.working():
        assert work.process(messages(accounts)) == ["applied"] * len(PAIRS)
    assert ledger.rows(ENTRIES) == PAIRS
    assert len(commits) == 2


@pytest.mark.parametrize("asynchronous", [False, True])
def test_one_that_fails_is_undone_alone_and_holds_up_its_aggregate(
    accounts: Side,
    ledger: Side,
    work: Processor,
    commits: list[None],
    behave: Callable[..., None],
    trusted_after: int,
    asynchronous: bool,
) -> None:
    tries: list[tuple[int, int]] = []
    # The first time, it fails among those that are trusted.
    failures = 1 if trusted_after else 2

    def fail_at_the_third(account_id: int, number: int) -> None:
        write(account_id, number)
        tries.append((account_id, number))
        session.add(served.Entry(account_id=account_id, number=-number))
        session.flush()
        if (account_id, number) == (3, 1) and tries.count((3, 1)) <= failures:
            raise served.Refused("at first")
        session.rollback()

    async def fail_later(account_id: int, number: int) -> None:
        await asyncio.sleep(0)
        fail_at_the_third(account_id, number)

    behave(fail_later if asynchronous else fail_at_the_third)
    emit(accounts, PAIRS)
    found = messages(accounts)
    with ledger.working():
        expected = ["applied", "applied", FAILED, *["applied"] * 3, WAITING, "applied"]
        assert work.process(found) == expected
        assert len(commits) == 2
        assert ledger.rows("SELECT attempts FROM inbox_retry ORDER BY position") == [(1,), (0,)]
        assert work.process(found) == [DUPLICATE] * len(PAIRS)
        while ledger.rows("SELECT 1 FROM inbox_retry"):
            work.retry()
    again = [] if trusted_after else [(2, 1), (3, 1)]
    once = [p for p in PAIRS[1:] if p != (3, 2)]
    assert tries == [(1, 1), *again, *once, (3, 1), (3, 2)]
    assert ledger.rows(ENTRIES) == [p for p in PAIRS if p[0] != 3] + [(3, 1), (3, 2)]


def test_slow_function_has_its_own_and_ends_the_one_it_shares(
    accounts: Side, ledger: Side, work: Processor, commits: list[None], behave: Callable[..., None]
) -> None:
    def slow_at_the_third(account_id: int, number: int) -> None:
        write(account_id, number)
        if account_id == 3:
            time.sleep(0.6)

    behave(slow_at_the_third)
    emit(accounts, PAIRS[:6])
    with ledger.working():
        assert work.process(messages(accounts)) == ["applied"] * 6
    # Unknown; two, of which the second is slow; alone once more; the rest.
    assert len(commits) == 4
    assert ledger.rows(ENTRIES) == PAIRS[:6]


@pytest.mark.parametrize("asks", ["by itself", "by calling a service"])
def test_function_that_asks_for_its_own_begins_anew_and_has_it(
    accounts: Side,
    ledger: Side,
    work: Processor,
    commits: list[None],
    behave: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    asks: str,
) -> None:
    monkeypatch.setenv("SERVICE_URL_OTHER", "http://other")
    monkeypatch.setattr(httpx.Client, "post", lambda *_, **__: httpx.Response(200))

    def ask_at_the_third(account_id: int, number: int) -> None:
        try:
            write(account_id, number)
            if account_id == 3:
                alone() if asks == "by itself" else remote.post_call("other", "f", {})
        except Exception:
            pytest.fail("carved code was given the request")

    behave(ask_at_the_third)
    emit(accounts, PAIRS)
    with ledger.working():
        assert work.process(messages(accounts)) == ["applied"] * len(PAIRS)
    # One that is unknown, those to the third, the third alone, and the same again; the last.
    assert len(commits) == 7
    assert ledger.rows(ENTRIES) == PAIRS
    assert ledger.rows("SELECT count(*) FROM inbox") == [(len(PAIRS),)]


def test_failure_at_the_commit_makes_each_alone(
    accounts: Side, ledger: Side, work: Processor
) -> None:
    """A constraint that the database looks at only then."""
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql(
            "ALTER TABLE entries ADD CONSTRAINT once UNIQUE (number) DEFERRABLE INITIALLY DEFERRED"
        )
    emit(accounts, [(1, 1), (2, 2), (3, 2), (4, 4)])
    with ledger.working():
        results = work.process(messages(accounts))
    assert results == ["applied", "applied", FAILED, "applied"]
    assert ledger.rows(ENTRIES) == [(1, 1), (2, 2), (4, 4)]


@pytest.mark.parametrize("way", ["driver", "text"])
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_function_that_ends_the_transaction_has_its_own(
    accounts: Side,
    ledger: Side,
    work: Processor,
    behave: Callable[..., None],
    end: str,
    way: str,
) -> None:
    """Else those behind it would be known as done, and would not be."""

    def end_at_the_third(account_id: int, number: int) -> None:
        write(account_id, number)
        if account_id == 3 and way == "driver":
            getattr(session.connection().connection, end)()
        elif account_id == 3:
            session.execute(sa.text(f" {end} "))

    behave(end_at_the_third)
    emit(accounts, PAIRS[:6])
    with ledger.working():
        work.process(messages(accounts))
    kept = [pair for pair in PAIRS[:6] if pair[0] != 3 or end == "commit"]
    assert ledger.rows(ENTRIES) == kept


def test_connection_that_breaks_among_many_gives_all_back(
    accounts: Side,
    ledger: Side,
    work: Processor,
    behave: Callable[..., None],
    trusted_after: int,
) -> None:
    broken: list[int] = []

    def cut_at_the_third(account_id: int, number: int) -> None:
        write(account_id, number)
        if account_id == 3 and len(broken) < (1 if trusted_after else 2):
            broken.append(session.execute(sa.text("SELECT pg_backend_pid()")).scalar_one())
            with ledger.engine.connect() as other:
                other.execute(sa.text(f"SELECT pg_terminate_backend({broken[-1]})"))
            session.execute(sa.text("SELECT 1"))

    behave(cut_at_the_third)
    emit(accounts, PAIRS)
    found = messages(accounts)
    with ledger.working():
        with pytest.raises(OperationalError):
            work.process(found)
        assert ledger.rows(ENTRIES) == PAIRS[:1]
        assert work.process(found) == [DUPLICATE, *["applied"] * (len(PAIRS) - 1)]
    assert ledger.rows(ENTRIES) == PAIRS


def test_what_handles_being_undone_is_done_anew_all_the_same(
    accounts: Side, ledger: Side, work: Processor, behave: Callable[..., None]
) -> None:
    """Not the half of it that came before stays, whatever the function makes of it."""

    def take_back_at_the_third(account_id: int, number: int) -> None:
        session.add(served.Entry(account_id=account_id, number=number))
        session.flush()
        if account_id == 3:
            with suppress(BaseException):
                session.rollback()
        session.commit()

    behave(take_back_at_the_third)
    emit(accounts, PAIRS[:4])
    with ledger.working():
        assert work.process(messages(accounts)) == ["applied"] * 4
    assert ledger.rows(ENTRIES) == [pair for pair in PAIRS[:4] if pair[0] != 3]


@pytest.mark.parametrize("fails", ["never", "once"])
def test_savepoints_are_left_out_once_nothing_was_undone_for_long(
    accounts: Side,
    ledger: Side,
    work: Processor,
    behave: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    fails: str,
) -> None:
    def fail_at_the_fourth(account_id: int, number: int) -> None:
        write(account_id, number)
        if fails == "once" and account_id == 4:
            raise served.Refused("for good")

    monkeypatch.setattr(grouping, "_TRUSTED_AFTER", 4)
    behave(fail_at_the_fourth)
    emit(accounts, [(n, 1) for n in range(1, 13)])
    found = messages(accounts)
    with ledger.working():
        work.process(found[:6])
        with counted(ledger.engine) as statements:
            assert work.process(found[6:9], anew=False) == ["applied"] * 3
        points = [s for s in statements if s == "SAVEPOINT chassis_call"]
        assert len(points) == (3 if fails == "once" else 0)
        with counted(ledger.engine) as statements:
            assert work.process(found[9:], anew=False) == ["applied"] * 3
        assert "SAVEPOINT chassis_call" not in statements
    assert len(ledger.rows(ENTRIES)) == (11 if fails == "once" else 12)
