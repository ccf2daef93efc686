"""From the outbox to the effect: what relay and inbox promise, over each broker and over none."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections import defaultdict
from dataclasses import replace

import pytest
import sqlalchemy as sa
from bank import ledger as handlers
from bank.models import Account
from chassis import delivery, remote
from chassis.processor import Processor
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from support.delivery import Side, emit, settings

from .ways import Way

PAIRS = [(account, number) for number in range(1, 21) for account in (1, 2, 3)]
ENTRIES = "SELECT account_id, number FROM entries ORDER BY id"
EXPECTED = {account: list(range(1, 21)) for account in (1, 2, 3)}


def effects(ledger: Side) -> dict[int, list[int]]:
    found = defaultdict(list)
    for account, number in ledger.rows(ENTRIES):
        found[account].append(number)
    return dict(found)


def all_decided(way: Way) -> bool:
    """Every message of the outbox has reached the inbox and waits for nothing."""
    [(sent,)] = way.accounts.rows("SELECT count(*) FROM outbox")
    [(seen,)] = way.ledger.rows("SELECT count(*) FROM inbox")
    return bool(seen >= sent) and not way.ledger.rows("SELECT 1 FROM inbox_retry")


def test_each_once_and_in_order_with_two_of_each(way: Way) -> None:
    emit(way.accounts, PAIRS)
    way.deliver(lambda: all_decided(way), processes=2, batch=7)
    assert effects(way.ledger) == EXPECTED


@pytest.mark.parametrize("batch", [1, 500])
def test_size_of_a_batch_changes_nothing(way: Way, batch: int) -> None:
    emit(way.accounts, PAIRS[:24])
    way.deliver(lambda: all_decided(way), batch=batch)
    assert effects(way.ledger) == {account: list(range(1, 9)) for account in (1, 2, 3)}


def test_duplicates_have_no_effect(way: Way) -> None:
    emit(way.accounts, PAIRS[:9])
    way.deliver(lambda: all_decided(way))
    once = effects(way.ledger)
    # Two copies of each, the second time in an order that never was.
    way.send([*way.stored(), *reversed(way.stored())])
    emit(way.accounts, [(9, 1)])
    way.deliver(lambda: all_decided(way))
    assert effects(way.ledger) == once | {9: [1]}


def test_old_changes_that_come_late_are_dropped_by_version(way: Way) -> None:
    with way.accounts.working() as session:
        session.add_all([Account(id=n, owner="ann", balance=0) for n in (1, 2)])
        session.commit()
        for balance in (1, 2, 3):
            session.get(Account, 1).balance = balance
            session.commit()
        session.delete(session.get(Account, 2))
        session.commit()
    way.deliver(lambda: all_decided(way))
    assert way.ledger.rows("SELECT id, balance FROM accounts") == [(1, 3)]
    old = [replace(message, id=str(uuid.uuid4())) for message in way.stored()]
    way.send(old[:3])
    emit(way.accounts, [(9, 1)])
    way.deliver(lambda: len(way.ledger.rows("SELECT 1 FROM inbox")) >= len(old) + 1 + 3)
    assert way.ledger.rows("SELECT id, balance FROM accounts") == [(1, 3)]


def test_poison_is_set_aside_with_its_reason_and_holds_up_nobody_for_long(way: Way) -> None:
    emit(way.accounts, [(1, 1)])
    emit(way.accounts, [(1, 2)], "record_then_fail")
    emit(way.accounts, [(1, 3), (2, 1)])
    way.deliver(lambda: all_decided(way))
    assert effects(way.ledger) == {1: [1, 3], 2: [1]}
    letters = "SELECT attempts, reason, payload->'data'->'args' FROM inbox_dead_letter"
    assert way.ledger.rows(letters) == [(3, "Refused: after the commit", [1, 2])]


def test_dead_letter_is_replayed_once_its_handler_is_mended(way: Way) -> None:
    emit(way.accounts, [(1, 1)], "record_then_fail")
    way.deliver(lambda: all_decided(way))
    assert effects(way.ledger) == {}
    mended = "UPDATE inbox_dead_letter SET payload = jsonb_set(payload, '{data,function}', :f)"
    with way.ledger.engine.begin() as connection:
        connection.execute(sa.text(mended), {"f": '"bank.ledger:record"'})
    work = Processor(way.ledger.manifest, way.ledger.engine, settings("", "nats://unused", ""))
    with way.ledger.working():
        assert list(work.replay().values()) == ["applied"]
        assert work.replay() == {}
    assert effects(way.ledger) == {1: [1]}
    # What was replayed is known all the same.
    way.send(way.stored())
    emit(way.accounts, [(2, 1)])
    way.deliver(lambda: all_decided(way))
    assert effects(way.ledger) == {1: [1], 2: [1]}


def test_failure_is_tried_again_and_keeps_the_order_of_its_aggregate(way: Way) -> None:
    emit(way.accounts, PAIRS[:12], "fail_once")
    handlers.failures[:] = [(1, 2), (2, 1), (3, 4)]
    way.deliver(lambda: all_decided(way), batch=5)
    assert handlers.failures == []
    assert effects(way.ledger) == {account: [1, 2, 3, 4] for account in (1, 2, 3)}
    assert way.ledger.rows("SELECT 1 FROM inbox_dead_letter") == []


def test_restart_in_the_middle_loses_and_doubles_nothing(way: Way) -> None:
    # RabbitMQ 3.10 may lose a quorum queue for good when it is killed right after the queue was
    # made ("leader not known"): that is its own, so the queues are in use for a while first.
    emit(way.accounts, PAIRS[:6])
    way.deliver(lambda: all_decided(way))
    time.sleep(3 if way.kind == "rabbit" else 0)
    emit(way.accounts, PAIRS[6:30])
    half = threading.Event()

    def break_once() -> bool:
        if len(way.ledger.rows(ENTRIES)) >= 12 and not half.is_set():
            half.set()
            way.server.crash()
            time.sleep(0.3)
            way.server.start()
        return half.is_set() and all_decided(way)

    way.deliver(break_once, seconds=120, batch=2)
    assert effects(way.ledger) == {account: list(range(1, 11)) for account in (1, 2, 3)}


def test_what_is_refused_for_ever_dies_with_its_reason_and_can_be_replayed(way: Way) -> None:
    if way.kind in ("rabbit", "http"):
        pytest.skip("takes messages of any size that fits here")
    with way.accounts.working() as session:
        remote.emit("bank.ledger:record", 1, 1, "x" * (3 << 20))
        session.commit()
    emit(way.accounts, [(1, 2), (2, 1)])
    way.deliver(lambda: way.ledger.rows(ENTRIES) != [], relay_attempts=3)
    way.deliver(lambda: len(way.ledger.rows(ENTRIES)) == 2)
    [(attempts, reason)] = way.accounts.rows("SELECT attempts, reason FROM outbox_dead_letter")
    assert attempts == 3
    assert reason
    smaller = "UPDATE outbox SET payload = payload #- '{data,args,2}' WHERE id = :id"
    with way.accounts.engine.begin() as connection:
        [(identity,)] = connection.execute(sa.text("SELECT id FROM outbox_dead_letter")).all()
        connection.execute(sa.text(smaller), {"id": identity})
        assert delivery.replay(connection, [identity]) == 1
    way.deliver(lambda: all_decided(way))
    assert effects(way.ledger) == {1: [2, 1], 2: [1]}


def test_trace_goes_all_the_way_and_the_spans_are_linked(way: Way) -> None:
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with (
        way.accounts.working() as session,
        provider.get_tracer("test").start_as_current_span("POST /transfers") as request,
    ):
        remote.emit("bank.ledger:record", 1, 1)
        session.commit()
    way.deliver(lambda: all_decided(way))
    spans = exporter.get_finished_spans()
    exporter.shutdown()
    # Publishing may have been repeated; the one that was processed is linked.
    sent = {s.context.span_id: s for s in spans if s.kind is SpanKind.PRODUCER}
    [processed] = [
        s for s in spans if s.kind is SpanKind.CONSUMER and s.name == "process requests.ledger.call"
    ]
    [link] = processed.links
    assert link.context.span_id in sent
    assert processed.parent is not None
    assert processed.parent.span_id == link.context.span_id
    traces = {processed.context.trace_id, sent[link.context.span_id].context.trace_id}
    assert traces == {request.get_span_context().trace_id}
    system = {"rabbit": "rabbitmq"}.get(way.kind, way.kind)
    assert dict(processed.attributes or {}) == {
        "messaging.system": system,
        "messaging.destination.name": "requests.ledger.call",
        "messaging.destination.partition.id": str(way.stored()[0].partition),
        "messaging.message.id": way.stored()[0].id,
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.consumer.group.name": "ledger",
    }


def test_request_waits_for_a_queue_of_its_service(way: Way) -> None:
    if way.kind != "rabbit":
        pytest.skip("keeps requests from the beginning, or has no queues")
    way.namespace += "new"
    emit(way.accounts, [(1, 1)])

    async def publish() -> None:
        broker = await way._connect(True, {})
        relay = way._relay(broker, {})
        while not way.accounts.rows("SELECT 1 FROM outbox_delivery WHERE attempts > 0"):
            await relay.step()
        await broker.close()

    asyncio.run(publish())
    [(reason,)] = way.accounts.rows("SELECT reason FROM outbox_delivery")
    assert reason == "no queue for requests.ledger.call yet"
    way.deliver(lambda: all_decided(way))
    assert effects(way.ledger) == {1: [1]}


def test_peer_that_is_down_keeps_what_is_for_it_in_the_outbox(way: Way) -> None:
    if way.kind != "http":
        pytest.skip("only where relays post to the peers themselves")
    emit(way.accounts, PAIRS[:3])

    async def publish() -> None:
        broker = await way._connect(True, {})
        relay = way._relay(broker, {})
        while not way.accounts.rows("SELECT 1 FROM outbox_delivery WHERE attempts > 2"):
            await relay.step()
        await broker.close()

    asyncio.run(publish())
    reasons = way.accounts.rows("SELECT DISTINCT reason FROM outbox_delivery WHERE attempts > 0")
    assert all("ledger: ConnectError" in reason for (reason,) in reasons)
    way.deliver(lambda: all_decided(way))
    assert effects(way.ledger) == {1: [1], 2: [1], 3: [1]}
