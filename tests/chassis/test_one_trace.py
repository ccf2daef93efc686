"""One trace from the request through outbox, broker and inbox to the handler's log line."""

from __future__ import annotations

import json
import logging

import pytest
from chassis import remote
from chassis.telemetry.logging_json import JsonFormatter
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from support.delivery import Side, consume, drain, namespace


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
