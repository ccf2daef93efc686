"""One trace from the request through outbox, broker and inbox to the handler's log line."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from chassis import remote
from chassis.brokers import Outgoing
from chassis.relay import Relay
from chassis.telemetry.logging_json import JsonFormatter
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from support.delivery import Side, consume, drain, emit, namespace, settings


@pytest.fixture
def tracer() -> trace.Tracer:
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())
    return trace.get_tracer("test")


def test_handler_logs_the_trace_of_the_request(
    accounts: Side, ledger: Side, nats_url: str, tracer: trace.Tracer
) -> None:
    name = namespace()
    with accounts.working() as session, tracer.start_as_current_span("POST /transfers") as span:
        remote.emit("bank.ledger:record", 1, 1)
        session.commit()
    drain(accounts, nats_url, name)
    lines: list[str] = []
    handler = logging.Handler()
    formatter = JsonFormatter("ledger", "inbox")
    handler.emit = lambda record: lines.append(formatter.format(record))  # type: ignore[method-assign]
    logger = logging.getLogger("bank")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        consume(ledger, nats_url, name, lambda: bool(ledger.rows("SELECT 1 FROM entries")))
    finally:
        logger.removeHandler(handler)
    [line] = map(json.loads, lines)
    assert line["message"] == "recorded"
    assert line["trace_id"] == f"{span.get_span_context().trace_id:032x}"
    assert line["service.name"] == "ledger"


class Silent:
    """A broker that never says whether it has a message."""

    system = "silent"

    def __init__(self) -> None:
        self.given: list[Outgoing] = []

    async def publish(self, message: Outgoing) -> None:
        self.given.append(message)
        await asyncio.Event().wait()


def test_spans_of_what_a_stopped_relay_waited_for_are_ended(
    accounts: Side, tracer: trace.Tracer
) -> None:
    ended = InMemorySpanExporter()
    trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(ended))  # type: ignore[attr-defined]
    with tracer.start_as_current_span("POST /transfers") as span:
        emit(accounts, [(1, 1), (2, 1), (3, 1), (3, 2)])
    broker = Silent()
    given = settings(str(accounts.engine.url), "nats://unused", "", lease=60.0)
    relay = Relay(accounts.engine, broker, given)

    async def work() -> None:
        task = asyncio.create_task(relay.run(asyncio.Event()))
        async with asyncio.timeout(30):
            while len(broker.given) < 3:
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(work())
    here = span.get_span_context().trace_id
    spans = [s for s in ended.get_finished_spans() if s.context and s.context.trace_id == here]
    sent = [s for s in spans if s.kind is trace.SpanKind.PRODUCER and "silent" in str(s.attributes)]
    assert len(sent) == 3
    assert all(not s.status.is_ok for s in sent)
