"""Every gauge and counter that operators are promised, with the values of what really happened."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import chassis
import pytest
import sqlalchemy as sa
from bank.models import Account
from chassis import attributes, gauges, schema
from chassis.brokers import (
    BrokerUnavailable,
    DestinationUnavailable,
    Incoming,
    Outgoing,
    Rejected,
)
from chassis.freshness import Freshness
from chassis.manifest import Manifest
from chassis.outbox import change_subject
from chassis.processor import Processor
from chassis.relay import Relay
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from support.delivery import Side, emit, messages, settings

HOUR = 3600.0


@pytest.fixture(scope="module")
def reader() -> Iterator[InMemoryMetricReader]:
    """Reads what the process' meters say; the first to set a provider sets it for all."""
    made = InMemoryMetricReader()
    provider = MeterProvider([made])
    metrics.set_meter_provider(provider)
    if metrics.get_meter_provider() is not provider:
        pytest.skip("another test of this process has set the meters' provider")
    yield made


Key = tuple[str, tuple[tuple[str, Any], ...]]


def read(reader: InMemoryMetricReader) -> dict[Key, float]:
    """Values (of histograms the counts) by name and attributes."""
    data = reader.get_metrics_data()
    found: dict[Key, float] = {}
    for resource in data.resource_metrics if data else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    key = (metric.name, tuple(sorted((point.attributes or {}).items())))
                    found[key] = getattr(point, "value", None) or getattr(point, "count", 0)
    return found


def change(before: dict[Key, float], after: dict[Key, float], name: str) -> dict[str, float]:
    """By how much the counter `name` rose, by the value of its only attribute."""
    return {
        str(dict(labels).popitem()[1]) if labels else "": value - before.get((metric, labels), 0)
        for (metric, labels), value in after.items()
        if metric == name and value != before.get((metric, labels), 0)
    }


class Broker:
    """Takes messages, or raises what it is told to, once each."""

    system = "log"

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)

    async def publish(self, message: Outgoing) -> None:
        del message
        if self._errors:
            raise self._errors.pop()


def relay(accounts: Side, broker: Broker, **changed: Any) -> None:
    """Work until nothing is pending."""
    given = settings(str(accounts.engine.url), "nats://unused", "", poll=0.01, **changed)
    made = Relay(accounts.engine, broker, given)  # type: ignore[arg-type]

    async def work() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(made.run(stop))
        async with asyncio.timeout(60):
            while await asyncio.to_thread(accounts.rows, "SELECT 1 FROM outbox_delivery"):
                await asyncio.sleep(0.02)
        stop.set()
        await running

    asyncio.run(work())


def ago(side: Side, table: sa.Table, column: str, seconds: float) -> None:
    moment = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds)
    with side.engine.begin() as connection:
        connection.execute(sa.update(table).values({column: moment}))


def of(side: Side, role: str, **changed: Any) -> dict[str, float]:
    given = settings(str(side.engine.url), "nats://unused", "", **changed)
    look = gauges.of_outbox if role == "relay" else gauges.of_inbox
    with side.engine.connect() as connection:
        return dict(look(connection, given))


def test_outbox_gauges(accounts: Side) -> None:
    empty = of(accounts, "relay")
    assert empty == dict.fromkeys(empty, 0)
    emit(accounts, [(1, 1), (2, 1), (3, 1)])
    ago(accounts, schema.outbox_delivery, "created_at", HOUR)
    emit(accounts, [(4, 1)])
    found = of(accounts, "relay")
    assert found[attributes.OUTBOX_PENDING] == 4
    assert found[attributes.OUTBOX_OLDEST_AGE] == pytest.approx(HOUR, abs=120)
    assert found[attributes.OUTBOX_DEAD] == 0
    relay(accounts, Broker(Rejected("no")), relay_attempts=1)
    found = of(accounts, "relay")
    assert found[attributes.OUTBOX_PENDING] == found[attributes.OUTBOX_OLDEST_AGE] == 0
    assert found[attributes.OUTBOX_DEAD] == 1


def test_cleanup_lag_is_the_age_beyond_the_retention(accounts: Side, ledger: Side) -> None:
    emit(accounts, [(1, 1)])
    ago(accounts, schema.outbox, "created_at", 5 * HOUR)
    lag = attributes.OUTBOX_CLEANUP_LAG
    waiting = of(accounts, "relay", outbox_retention=4 * HOUR)[lag]
    assert waiting == 0, "what waits, or may be replayed, is to stay"
    with accounts.engine.begin() as connection:
        connection.execute(sa.delete(schema.outbox_delivery))
    assert of(accounts, "relay", outbox_retention=6 * HOUR)[lag] == 0
    late = of(accounts, "relay", outbox_retention=4 * HOUR)[lag]
    assert late == pytest.approx(HOUR, abs=120)
    with ledger.engine.begin() as connection:
        connection.execute(sa.insert(schema.inbox), {"consumer": "ledger", "message_id": "1"})
    ago(ledger, schema.inbox, "received_at", 20 * 24 * HOUR)
    late = of(ledger, "inbox", inbox_retention=19 * 24 * HOUR)[attributes.INBOX_CLEANUP_LAG]
    assert late == pytest.approx(24 * HOUR, abs=120)


def test_inbox_gauges(accounts: Side, ledger: Side) -> None:
    empty = of(ledger, "inbox")
    assert empty == dict.fromkeys(empty, 0)
    emit(accounts, [(1, 1), (1, 2)], "record_then_fail")
    work = processor(ledger)
    with ledger.working():
        work.process(messages(accounts))
        assert of(ledger, "inbox")[attributes.INBOX_RETRYING] == 2
        while ledger.rows("SELECT 1 FROM inbox_retry"):
            work.retry()
    found = of(ledger, "inbox")
    assert (found[attributes.INBOX_RETRYING], found[attributes.INBOX_DEAD]) == (0, 2)


def processor(ledger: Side) -> Processor:
    return Processor(
        ledger.manifest, ledger.engine, settings(str(ledger.engine.url), "nats://unused", "")
    )


def test_gauges_are_set_while_a_process_runs(accounts: Side, reader: InMemoryMetricReader) -> None:
    emit(accounts, [(1, 1), (2, 1)])
    given = settings(str(accounts.engine.url), "nats://unused", "")

    async def work() -> None:
        task = asyncio.create_task(gauges.keep_observed(accounts.engine, given, "relay"))
        async with asyncio.timeout(30):
            while read(reader).get((attributes.OUTBOX_PENDING, ())) != 2:
                await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(work())
    seen = {name for name, _ in read(reader)}
    assert seen >= {
        attributes.OUTBOX_OLDEST_AGE,
        attributes.OUTBOX_DEAD,
        attributes.OUTBOX_CLEANUP_LAG,
    }


def test_relay_counts_what_it_published_and_what_was_refused(
    accounts: Side, reader: InMemoryMetricReader
) -> None:
    before = read(reader)
    emit(accounts, [(n, 1) for n in range(5)])
    errors = (Rejected("no"), DestinationUnavailable("later"), BrokerUnavailable("down"))
    relay(accounts, Broker(*errors))
    after = read(reader)
    assert change(before, after, attributes.OUTBOX_PUBLISHED) == {"": 5}
    failed = change(before, after, attributes.OUTBOX_FAILED)
    assert failed == {"Rejected": 1, "DestinationUnavailable": 1, "BrokerUnavailable": 1}


def test_inbox_counts_by_result(accounts: Side, ledger: Side, reader: InMemoryMetricReader) -> None:
    before = read(reader)
    with accounts.working() as session:
        session.add(Account(id=1, owner="ann", balance=1))
        session.commit()
    emit(accounts, [(1, 1), (2, 1)])
    emit(accounts, [(3, 1)], "record_then_fail")
    given = messages(accounts)
    old = replace(given[0], id="another")
    unknown = Incoming("unknown", "requests.ledger.call", 0, b"?")
    work = processor(ledger)
    with ledger.working():
        work.process([*given, given[1], given[2], old, unknown])
        while ledger.rows("SELECT 1 FROM inbox_retry"):
            work.retry()
    after = read(reader)
    # Of three attempts of the one that always fails, the last makes a dead letter of it.
    results = {"applied": 3, "duplicate": 2, "stale": 1, "failed": 2, "dead": 2}
    assert change(before, after, attributes.INBOX_PROCESSED) == results
    [lag] = change(before, after, attributes.INBOX_LAG).values()
    assert lag >= 4


def test_replica_staleness_grows_until_the_log_is_read_to_its_end(
    accounts: Side, reader: InMemoryMetricReader
) -> None:
    # A table of its own: other tests of this process have copies of accounts, and their gauges.
    freshness = Freshness(Manifest(name="ledger", package="bank", replicas={"vaults": "accounts"}))
    with accounts.working() as session:
        session.add(Account(id=1, owner="ann", balance=1))
        session.commit()
    [message] = messages(accounts)
    moment = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=HOUR)
    content = json.loads(message.body) | {"time": moment.isoformat()}
    freshness._complete = {"vaults": moment}
    subject = change_subject("accounts", "vaults")
    freshness.see([replace(message, subject=subject, body=json.dumps(content).encode())])
    key = (attributes.REPLICA_STALENESS, ((attributes.TABLE, "vaults"),))
    assert read(reader)[key] == pytest.approx(HOUR, abs=120)
    freshness.see([])
    assert read(reader)[key] < 60


def test_names_are_promised_in_the_readme() -> None:
    """Whoever builds a board reads them there."""
    [folder] = chassis.__path__
    readme = Path(folder).with_name("README.md").read_text("utf-8")
    prefixes = ("chassis.outbox.", "chassis.inbox.", "chassis.replica.")
    names = [value for value in vars(attributes).values() if str(value).startswith(prefixes)]
    assert len(names) > 10
    assert [name for name in names if f"`{name}`" not in readme] == []


def test_nothing_is_counted_twice_by_threads(
    accounts: Side, ledger: Side, reader: InMemoryMetricReader
) -> None:
    """Without a broker several requests bring the same message at once."""
    before = read(reader)
    with accounts.working() as session:
        session.add(Account(id=1, owner="ann", balance=1))
        session.commit()
    [message] = messages(accounts)
    work = processor(ledger)
    threads = [threading.Thread(target=work.process, args=([message],)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = change(before, read(reader), attributes.INBOX_PROCESSED)
    assert found == {"applied": 1, "duplicate": 3}
