"""What is encoded here is what OpenTelemetry's own encoder would send."""

from __future__ import annotations

import logging
import string
import time
from typing import Any

from chassis.telemetry import encode
from chassis.telemetry.wire import Fixed
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    Link,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)
from opentelemetry.trace.span import NonRecordingSpan

RESOURCE = Resource({"service.name": "orders", "replicas": 3, "fast": True}, "https://schema")
# Text and names that redaction leaves alone: what it takes away has tests of its own.
WORDS = st.text(string.ascii_lowercase[:6] + " äß€𝄞/", max_size=40)
NAMES = st.text("abcdef.", min_size=1, max_size=12)
SCALARS = (
    WORDS
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.sampled_from([0, 1, True, False, 1.0, "1"])
)
VALUES = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=3).map(tuple), max_leaves=4
) | st.dictionaries(NAMES, SCALARS, max_size=3)
ATTRIBUTES = st.dictionaries(NAMES, VALUES, max_size=6)
NANOS = st.integers(1, 2**63)
CONTEXTS = st.builds(
    SpanContext,
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.booleans(),
    st.just(TraceFlags(1)),
    st.sampled_from([TraceState(), TraceState([("vendor", "x"), ("b", "2")])]),
)
SPANS = st.builds(
    ReadableSpan,
    name=WORDS,
    context=CONTEXTS,
    parent=st.none() | CONTEXTS,
    resource=st.just(RESOURCE),
    attributes=ATTRIBUTES,
    events=st.lists(st.builds(Event, WORDS, ATTRIBUTES, NANOS), max_size=2),
    links=st.lists(st.builds(Link, CONTEXTS, ATTRIBUTES), max_size=2),
    kind=st.sampled_from(list(SpanKind)),
    status=st.sampled_from(
        [
            Status(StatusCode.UNSET),
            Status(StatusCode.OK),
            Status(StatusCode.ERROR, "broken"),
            Status(StatusCode.ERROR),
        ]
    ),
    start_time=NANOS,
    end_time=NANOS,
    instrumentation_scope=st.sampled_from(
        [InstrumentationScope("a"), InstrumentationScope("b", "1", "https://s", {"k": "v"})]
    ),
)


@given(st.lists(SPANS, min_size=1, max_size=4))
def test_spans_are_what_opentelemetry_would_send(spans: list[ReadableSpan]) -> None:
    body = encode.request(RESOURCE, [encode.span(span) for span in spans])
    assert ExportTraceServiceRequest.FromString(body) == encode_spans(spans)


def test_span_of_a_tracer_is_what_opentelemetry_would_send() -> None:
    provider = TracerProvider(resource=RESOURCE)
    ended: list[ReadableSpan] = []
    provider.add_span_processor(_Keep(ended))
    tracer = provider.get_tracer("test", "2")
    with tracer.start_as_current_span("outer", attributes={"a": [1, 2]}) as span:
        span.add_event("happened", {"b": 1.5})
        with tracer.start_as_current_span("inner", kind=SpanKind.CLIENT):
            pass
    body = encode.request(RESOURCE, [encode.span(span) for span in ended])
    assert ExportTraceServiceRequest.FromString(body) == encode_spans(ended)


class _Keep(SpanProcessor):
    def __init__(self, ended: list[ReadableSpan]) -> None:
        self.ended = ended

    def on_end(self, span: ReadableSpan) -> None:
        self.ended.append(span)


def of_opentelemetry(record: logging.LogRecord) -> Any:
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    inner = InMemoryLogRecordExporter()
    provider.add_log_record_processor(SimpleLogRecordProcessor(inner))
    LoggingHandler(logger_provider=provider).emit(record)
    return encode_logs(inner.get_finished_logs())


def of_ours(record: logging.LogRecord, context: SpanContext) -> Any:
    body = encode.request(RESOURCE, [encode.log(record, context)])
    return ExportLogsServiceRequest.FromString(body)


def assert_alike(record: logging.LogRecord, context: SpanContext) -> None:
    ours, theirs = of_ours(record, context), of_opentelemetry(record)
    for request in (ours, theirs):
        [found] = request.resource_logs[0].scope_logs[0].log_records
        assert abs(found.observed_time_unix_nano - time.time_ns()) < 60 * 10**9
        found.observed_time_unix_nano = 0
    assert ours == theirs


@given(WORDS, ATTRIBUTES, st.sampled_from([10, 20, 30, 40, 50]))
def test_log_records_are_what_opentelemetry_would_send(
    message: str, extra: dict[str, Any], level: int
) -> None:
    record = logging.LogRecord("orders.cart", level, __file__, 1, message, None, None)
    vars(record).update({f"x.{name}": value for name, value in extra.items()})
    assert_alike(record, INVALID_SPAN_CONTEXT)


def test_log_record_has_its_trace_and_its_exception() -> None:
    context = SpanContext(7, 9, is_remote=False, trace_flags=TraceFlags(1))
    try:
        raise ValueError("no such order")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("orders", 40, __file__, 1, "bad %d", (3,), info)
    from opentelemetry import context as contexts

    token = contexts.attach(set_span_in_context(NonRecordingSpan(context)))
    try:
        assert_alike(record, context)
    finally:
        contexts.detach(token)
    [found] = of_ours(record, context).resource_logs[0].scope_logs[0].log_records
    assert (found.trace_id.hex(), found.span_id.hex()) == (f"{7:032x}", f"{9:016x}")


def test_text_that_is_no_unicode_and_numbers_that_are_too_large_are_written_all_the_same() -> None:
    record = logging.LogRecord("orders", 20, __file__, 1, "lone \ud800", None, None)
    vars(record).update(many=2**70, odd=object(), surrogate="\ud800")
    [found] = of_ours(record, INVALID_SPAN_CONTEXT).resource_logs[0].scope_logs[0].log_records
    assert found.body.string_value == "lone ?"
    attributes = {pair.key: pair.value.string_value for pair in found.attributes}
    assert attributes["many"] == str(2**70)
    assert attributes["odd"].startswith("<object object")


@given(WORDS, CONTEXTS, st.integers(1, 2**64 - 1), NANOS, NANOS, st.dictionaries(NAMES, WORDS))
def test_leaf_is_what_the_span_would_be(
    name: str, parent: SpanContext, span_id: int, start: int, end: int, attributes: dict[str, str]
) -> None:
    fixed = Fixed(attributes)
    context = SpanContext(
        parent.trace_id, span_id, False, parent.trace_flags, trace_state=parent.trace_state
    )
    scope = InstrumentationScope("a")
    span = ReadableSpan(
        name,
        context,
        parent,
        RESOURCE,
        fixed,
        kind=SpanKind.CLIENT,
        start_time=start,
        end_time=end,
        instrumentation_scope=scope,
    )
    leaf = encode.leaf(name, parent, span_id, (start, end), fixed)
    body = encode.request(RESOURCE, [(encode.scope_field(scope), leaf)])
    assert ExportTraceServiceRequest.FromString(body) == encode_spans([span])
