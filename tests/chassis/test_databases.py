"""The whole way on MariaDB, on SQLite, and on PostgreSQL behind PgBouncer's transaction pooling."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from bank import ledger as ledger_module
from bank.models import Account
from chassis import __main__ as commands
from chassis import cleanup, delivery, dialects, gauges, outbox, schema, wake
from chassis.brokers import Rejected
from chassis.leases import Leases
from chassis.processor import Processor
from chassis.relay import Relay
from chassis.settings import Settings
from support.databases import mariadb, mariadb_is_missing, pgbouncer, pgbouncer_is_missing
from support.delivery import (
    ACCOUNTS,
    LEDGER,
    Side,
    consume,
    drain,
    emit,
    messages,
    namespace,
    settings,
    side,
)

from .test_commands import Shell

PAIRS = [(account, number) for number in range(1, 9) for account in (1, 2, 3)]
ENTRIES = "SELECT account_id, number FROM entries ORDER BY id"
EXPECTED = {account: list(range(1, 9)) for account in (1, 2, 3)}
Sides = tuple[Side, Side]


@pytest.fixture(scope="session")
def new_mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    if reason := mariadb_is_missing():
        pytest.skip(reason)
    with mariadb(tmp_path_factory.mktemp("mariadb")) as new:
        yield new


@pytest.fixture(params=["mariadb", "sqlite"])
def sides(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sides]:
    """Both services on a database that is not PostgreSQL."""
    if request.param == "mariadb":
        urls = [request.getfixturevalue("new_mariadb")() for _ in range(2)]
    else:
        urls = [f"sqlite:///{tmp_path}/{name}.db" for name in ("accounts", "ledger")]
    made = (side(ACCOUNTS, urls[0], replica=False), side(LEDGER, urls[1], replica=True))
    yield made
    for each in made:
        each.engine.dispose()


def by_account(found: list[tuple[int, int]]) -> dict[int, list[int]]:
    orders = defaultdict(list)
    for account, number in found:
        orders[account].append(number)
    return dict(orders)


def test_the_whole_way_in_order(sides: Sides, nats_url: str) -> None:
    accounts, ledger = sides
    name = namespace()
    emit(accounts, PAIRS)
    emit(accounts, [(4, 1), (4, 2)], "fail_once")
    ledger_module.failures[:] = [(4, 1)]
    with accounts.working() as session:
        session.add_all([Account(id=n, owner="Änn €", balance=n) for n in (1, 2, 3)])
        session.commit()
        session.get(Account, 1).balance = 9
        session.delete(session.get(Account, 2))
        session.commit()
    drain(accounts, nats_url, name)
    state = [(1, "Änn €", 9), (3, "Änn €", 3)]

    def done() -> bool:
        copied = ledger.rows("SELECT id, owner, balance FROM accounts ORDER BY id") == state
        return copied and len(ledger.rows(ENTRIES)) >= len(PAIRS) + 2

    consume(ledger, nats_url, name, done)
    assert by_account(ledger.rows(ENTRIES)) == EXPECTED | {4: [1, 2]}
    assert ledger.rows("SELECT 1 FROM inbox_retry") == []


def test_one_process_cleans_while_the_others_pass_by(new_mariadb: Callable[[], str]) -> None:
    ledger = side(LEDGER, new_mariadb(), replica=True)
    given = settings(str(ledger.engine.url), "nats://unused", "")
    old = dt.datetime.now(dt.UTC) - dt.timedelta(days=30)
    row = {"consumer": "ledger", "received_at": old}
    with ledger.engine.begin() as connection:
        rows = [{**row, "message_id": str(n)} for n in range(3)]
        connection.execute(sa.insert(schema.inbox), rows)
    with ledger.engine.begin() as first, ledger.engine.begin() as other:
        with dialects.elected(first, cleanup._INBOX_LOCK) as elected:
            assert elected
            assert cleanup.inbox_batch(other, given) == 0
        assert cleanup.inbox_batch(other, given) == 3
    ledger.engine.dispose()


def test_duplicates_and_dead_letters(sides: Sides) -> None:
    accounts, ledger = sides
    emit(accounts, [(1, 1)])
    emit(accounts, [(2, 1)], "record_then_fail")
    given = settings(str(ledger.engine.url), "nats://unused", "", inbox_attempts=1)
    work = Processor(ledger.manifest, ledger.engine, given)
    found = messages(accounts)
    with ledger.working():
        assert work.process(found) == ["applied", "dead"]
        assert work.process(found) == ["duplicate", "duplicate"]
        assert ledger.rows(ENTRIES) == [(1, 1)]
        assert list(work.replay().values()) == ["Refused: after the commit"]
    assert ledger.rows("SELECT count(*) FROM inbox_dead_letter") == [(1,)]


def test_refused_messages_are_set_aside_and_replayed(sides: Sides) -> None:
    accounts, _ = sides
    emit(accounts, [(1, 1), (2, 1), (1, 2)])

    class Refusing:
        system = "refusing"

        async def publish(self, _: object) -> None:
            raise Rejected("never")

    given = settings(str(accounts.engine.url), "nats://unused", "", relay_attempts=2)
    relay = Relay(accounts.engine, Refusing(), given)  # type: ignore[arg-type]

    async def work() -> None:
        async with asyncio.timeout(30):
            while accounts.rows("SELECT 1 FROM outbox_delivery"):
                await relay.step()

    asyncio.run(work())
    with accounts.engine.begin() as connection:
        assert delivery.replay(connection) == 3
    found = accounts.rows("SELECT aggregateid, sequence FROM outbox_delivery ORDER BY position")
    assert sorted(found) == [("1", 1), ("1", 2), ("2", 1)]


def test_cleanup_and_gauges(sides: Sides) -> None:
    accounts, ledger = sides
    emit(accounts, [(1, 1), (1, 2)])
    short = settings("", "nats://unused", "", outbox_retention=0.001)
    old = {"received_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}
    with accounts.engine.begin() as connection:
        assert cleanup.outbox_batch(connection, short) == 0
        assert gauges.of_outbox(connection, short)["chassis.outbox.pending"] == 2
        connection.execute(sa.delete(schema.outbox_delivery))
        assert cleanup.outbox_batch(connection, short) == 2
    with ledger.engine.begin() as connection:
        rows = [{"consumer": "ledger", "message_id": str(n), **old} for n in range(3)]
        connection.execute(sa.insert(schema.inbox), rows)
        assert gauges.of_inbox(connection, short)["chassis.inbox.cleanup_lag"] > 86_400
        assert cleanup.inbox_batch(connection, short) == 3


def test_two_processes_share_the_partitions(sides: Sides) -> None:
    engine = sides[0].engine
    one, two = (Leases(engine, "relay", 60) for _ in range(2))
    assert len(one.renew()) == 16
    two.renew()
    assert len(one.renew()) == 8
    assert not one.renew().keys() & two.renew().keys()
    one.release()
    assert len(two.renew()) == 16


def test_two_relays_and_two_inboxes_as_processes_and_the_commands_on_mariadb(
    new_mariadb: Callable[[], str], nats_url: str, tmp_path: Path
) -> None:
    accounts = side(ACCOUNTS, new_mariadb(), replica=False)
    ledger = side(LEDGER, new_mariadb(), replica=True)
    shell, common = Shell(tmp_path), {"BROKER_URL": nats_url, "CHASSIS_NAMESPACE": namespace()}
    emit(accounts, PAIRS)
    emit(accounts, [(7, 1)], "record_then_fail")
    assert len(shell.rows(accounts, "outbox", "show")) == len(PAIRS) + 1
    quick = common | {"CHASSIS_LEASE": "2", "CHASSIS_POLL": "0.1", "CHASSIS_INBOX_ATTEMPTS": "2"}
    roles = [(accounts, "relay"), (ledger, "inbox")] * 2
    running = [shell.start(each, role, **quick) for each, role in roles]
    try:
        deadline = time.monotonic() + 60
        while len(ledger.rows(ENTRIES)) < 2 * len(PAIRS) or shell.rows(accounts, "outbox", "show"):
            if len(ledger.rows(ENTRIES)) == len(PAIRS):
                # Now that all four have taken their share.
                emit(accounts, [(account, number + 8) for account, number in PAIRS])
            assert time.monotonic() < deadline, ledger.rows(ENTRIES)
            time.sleep(0.3)
        while not ledger.rows("SELECT 1 FROM inbox_dead_letter"):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        owners = "SELECT count(DISTINCT owner) FROM partition_lease"
        assert accounts.rows(owners) == ledger.rows(owners) == [(2,)]
    finally:
        for process in running:
            process.terminate()
        codes = [process.wait(30) for process in running]
    assert codes == [0, 0, 0, 0]
    assert by_account(ledger.rows(ENTRIES)) == {n: list(range(1, 17)) for n in (1, 2, 3)}
    [letter] = shell.rows(ledger, "inbox", "show")
    assert (letter["state"], letter["attempts"]) == ("dead", 2)
    assert shell(ledger, "inbox", "replay", letter["message_id"]).returncode != 0


@pytest.fixture(scope="session")
def pooler() -> None:
    if reason := pgbouncer_is_missing():
        pytest.skip(reason)


@pytest.mark.usefixtures("pooler")
@pytest.mark.parametrize("direct", ["none", "direct"])
def test_behind_pgbouncer(accounts: Side, ledger: Side, nats_url: str, direct: str) -> None:
    """Neither prepared statements nor LISTEN nor a lock may count on one session."""
    name = namespace()
    urls = [each.engine.url.render_as_string(hide_password=False) for each in (accounts, ledger)]
    with pgbouncer(urls[0]) as first, pgbouncer(urls[1]) as second:
        pooled = []
        for made, url, own in ((accounts, first, urls[0]), (ledger, second, urls[1])):
            shown = url.render_as_string(hide_password=False)
            given = Settings(shown, nats_url, direct_url=direct if direct == "none" else own)
            pooled.append(Side(made.manifest, commands._engine(given)))
        emit(pooled[0], PAIRS)
        with pooled[0].engine.begin() as connection:
            assert cleanup.outbox_batch(connection, given) == 0
        drain(pooled[0], nats_url, name)
        consume(pooled[1], nats_url, name, lambda: len(ledger.rows(ENTRIES)) == len(PAIRS))
        for each in pooled:
            each.engine.dispose()
    assert by_account(ledger.rows(ENTRIES)) == EXPECTED


@pytest.mark.usefixtures("pooler")
def test_wake_up_listens_at_the_database_itself(accounts: Side) -> None:
    own = accounts.engine.url.render_as_string(hide_password=False)
    message = outbox.Message("events.a.b", "b", "1", outbox.UPSERTED, {"n": 1})

    async def woken(given: Settings) -> bool:
        event = asyncio.Event()
        task = asyncio.create_task(wake.listen(given, event))
        try:
            async with asyncio.timeout(20):
                await event.wait()
            event.clear()
            with accounts.engine.begin() as connection:
                outbox.append(connection, [message], source="a")
            async with asyncio.timeout(20):
                await event.wait()
            return True
        finally:
            task.cancel()

    with pgbouncer(own) as url:
        pooled = url.render_as_string(hide_password=False)
        assert asyncio.run(woken(Settings(pooled, "nats://unused", direct_url=own)))
