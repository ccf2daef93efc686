"""Statements a message: what a release may not silently make more."""

from __future__ import annotations

import asyncio

import pytest
from bank.models import Account
from chassis import grouping
from chassis import relay as relay_module
from chassis.brokers import Outgoing
from chassis.processor import Processor
from chassis.relay import Relay
from support.delivery import Side, counted, emit, messages, settings


class Taker:
    """A broker that takes everything."""

    system = "taker"

    async def publish(self, message: Outgoing) -> None:
        del message


def test_append_takes_three_however_many_messages(accounts: Side) -> None:
    with accounts.working() as session:
        session.add_all([Account(id=n, owner="ann", balance=0) for n in range(50)])
        with counted(accounts.engine) as statements:
            session.commit()
    of_chassis = [s for s in statements if "outbox" in s]
    assert len(of_chassis) == 3, of_chassis


def test_relay_takes_one_a_page_and_one_to_mark_many(
    accounts: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "_MARK_SECONDS", 30.0)
    given = settings(str(accounts.engine.url), "nats://unused", "", lease=60.0)
    relay = Relay(accounts.engine, Taker(), given)  # type: ignore[arg-type]

    async def work() -> None:
        await relay.step()
        with counted(accounts.engine) as statements:
            for number in range(20):
                emit(accounts, [(number, 1)])
                statements.clear()
                assert await relay.step() == number + 1
                assert len(statements) == 1, statements
            emit(accounts, [(n, 2) for n in range(20)])
            statements.clear()
            assert await relay.step() == 40
            assert await relay.step() == 0
        # A page; then the deletion of all, and another page.
        assert len(statements) == 1 + 1 + 1, statements

    asyncio.run(work())
    assert accounts.rows("SELECT 1 FROM outbox_delivery") == []


def test_changes_take_two_however_many(accounts: Side, ledger: Side) -> None:
    with accounts.working() as session:
        session.add_all([Account(id=n, owner="ann", balance=0) for n in range(50)])
        session.commit()
    given = settings(str(ledger.engine.url), "nats://unused", "")
    work = Processor(ledger.manifest, ledger.engine, given)
    first, *others = messages(accounts)
    work.process([first])
    with counted(ledger.engine) as statements:
        assert work.process(others, anew=False) == ["applied"] * 49
    # The inbox, and the copies with a look at the tombstones. What waits was asked before.
    assert len(statements) == 2, statements


def test_deletions_take_three_however_many(accounts: Side, ledger: Side) -> None:
    with accounts.working() as session:
        session.add_all([Account(id=n, owner="ann", balance=0) for n in range(50)])
        session.commit()
        session.query(Account).delete()
        session.commit()
    given = settings(str(ledger.engine.url), "nats://unused", "")
    work = Processor(ledger.manifest, ledger.engine, given)
    made, deleted = messages(accounts)[:50], messages(accounts)[50:]
    assert work.process(made) == ["applied"] * 50
    with counted(ledger.engine) as statements:
        assert work.process(deleted, anew=False) == ["applied"] * 50
    assert len(statements) == 3, statements
    assert ledger.rows("SELECT id FROM accounts") == []


def test_calls_that_share_a_transaction_take_two_each(
    accounts: Side, ledger: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "_QUICK_SECONDS", 0.5)
    monkeypatch.setattr(grouping, "_SHARED_SECONDS", 30.0)
    emit(accounts, [(n, 1) for n in range(10)])
    given = settings(str(ledger.engine.url), "nats://unused", "")
    work = Processor(ledger.manifest, ledger.engine, given)
    known, *found = messages(accounts)
    with ledger.working():
        work.process([known])
        with counted(ledger.engine) as statements:
            work.process(found)
    own = [s for s in statements if s.startswith("INSERT INTO entries")]
    points = [s for s in statements if s == "SAVEPOINT chassis_call"]
    assert len(own) == len(points) == len(found)
    # What waits, the inbox, and around all: a savepoint and its release.
    assert len(statements) == 2 * len(found) + 4, statements


def test_call_of_its_own_takes_three_beside_its_own(accounts: Side, ledger: Side) -> None:
    emit(accounts, [(1, 1)])
    given = settings(str(ledger.engine.url), "nats://unused", "")
    work = Processor(ledger.manifest, ledger.engine, given)
    with ledger.working(), counted(ledger.engine) as statements:
        work.process(messages(accounts))
    own = [s for s in statements if "entries" in s or "SAVEPOINT" in s]
    assert len(own) == 3
    assert len(statements) - len(own) == 2
