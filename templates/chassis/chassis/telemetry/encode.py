"""Spans and log records as OTLP, redacted, encoded when they end: what waits to be sent is bytes.

Encoding by the batch would hold the interpreter for milliseconds, against requests; and thousands
of objects in a queue are as many for the garbage collector to look at.
"""

from __future__ import annotations

import logging
import struct
import time
import traceback
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.instrumentation.log_utils import std_to_otel
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceState

from . import wire
from .redaction import redact, redact_kept

_TIMES = struct.Struct("<BQBQ")
_HAS_IS_REMOTE, _IS_REMOTE = 0x100, 0x200


# The instrumentation scope it is filed under, and the span or log record: both as OTLP writes them.
Encoded = tuple[bytes, bytes]


def request(resource: Resource, items: Iterable[Encoded]) -> bytes:
    """An export request of `items`: their forms are alike for spans and log records."""
    by_scope: dict[bytes, list[bytes]] = defaultdict(list)
    for scope, content in items:
        by_scope[scope].append(content)
    scopes = [wire.block(2, scope + b"".join(found)) for scope, found in by_scope.items()]
    about = wire.block(1, wire.attributes(1, resource.attributes))
    schema = wire.text(3, resource.schema_url)
    return wire.block(1, about + b"".join(scopes) + schema)


def span(given: ReadableSpan) -> Encoded:
    """The ended span `given`."""
    context: SpanContext = given.context
    parent = given.parent
    scope = given.instrumentation_scope
    parts = [
        b"\x0a\x10", context.trace_id.to_bytes(16, "big"),
        b"\x12\x08", context.span_id.to_bytes(8, "big"),
        _name(given.name),
        _KINDS[given.kind.name],
        _TIMES.pack(0x39, given.start_time or 0, 0x41, given.end_time or 0),
        _STATUS_UNSET if given.status.status_code is StatusCode.UNSET else _status(given.status),
        _FLAGS_REMOTE if parent and parent.is_remote else _FLAGS,
    ]  # fmt: skip
    if parent:
        parts += (b"\x22\x08", parent.span_id.to_bytes(8, "big"))
    if context.trace_state:
        parts.append(_trace_state(context.trace_state))
    # Not `given.attributes`, which wraps them for each who asks; and a copy is a plain dict, which
    # is read ten times as fast.
    attributes = given._attributes
    if type(attributes) is wire.Fixed:
        parts.append(attributes.of_span)
    elif attributes:
        plain = attributes.copy() if isinstance(attributes, BoundedAttributes) else attributes
        parts += [wire.attribute(9, name, value) for name, value in plain.items()]
    if dropped := given.dropped_attributes:
        parts.append(wire.number(10, dropped))
    if events := given.events:
        parts += (_events(events), wire.number(12, given.dropped_events))
    if links := given.links:
        parts += (_links(links), wire.number(14, given.dropped_links))
    return scope_field(scope) if scope else b"", wire.block(2, b"".join(parts))


def leaf(
    name: str, parent: SpanContext, span_id: int, times: tuple[int, int], attributes: wire.Fixed
) -> bytes:
    """As `span`, without its scope: a client span of `parent`'s trace that succeeded."""
    state = parent.trace_state
    content = (
        b"\x0a\x10", parent.trace_id.to_bytes(16, "big"),
        b"\x12\x08", span_id.to_bytes(8, "big"),
        b"\x22\x08", parent.span_id.to_bytes(8, "big"),
        _name(name),
        _TIMES.pack(0x39, times[0], 0x41, times[1]),
        _CLIENT_REMOTE if parent.is_remote else _CLIENT,
        attributes.of_span,
        _trace_state(state) if state else b"",
    )  # fmt: skip
    return wire.block(2, b"".join(content))


@lru_cache(maxsize=1024)
def _name(name: str) -> bytes:
    return wire.text(5, redact(name))


# The API counts kinds from 0, OTLP from 1.
_KINDS = {kind.name: wire.number(6, kind.value + 1) for kind in SpanKind}


@lru_cache(maxsize=256)
def scope_field(scope: InstrumentationScope) -> bytes:
    """What spans of `scope` are filed under."""
    content = (
        wire.text(1, scope.name)
        + wire.text(2, scope.version or "")
        + wire.attributes(3, scope.attributes or {})
    )
    return wire.block(1, content) + wire.text(3, scope.schema_url or "")


def _trace_state(state: TraceState) -> bytes:
    return (
        wire.text(3, ",".join(f"{key}={value}" for key, value in state.items())) if state else b""
    )


def _events(events: Iterable[Event]) -> bytes:
    return b"".join(
        wire.block(
            11,
            wire.fixed64(1, event.timestamp)
            + wire.text(2, event.name)
            + wire.attributes(3, event.attributes or {})
            + wire.number(4, event.dropped_attributes),
        )
        for event in events
    )


def _links(links: Iterable[Link]) -> bytes:
    return b"".join(
        wire.block(
            13,
            wire.block(1, link.context.trace_id.to_bytes(16, "big"))
            + wire.block(2, link.context.span_id.to_bytes(8, "big"))
            + wire.attributes(4, link.attributes or {})
            + wire.number(5, link.dropped_attributes)
            + _flags(6, link.context),
        )
        for link in links
    )


def _status(status: Status) -> bytes:
    content = wire.text(2, redact(status.description or ""))
    return wire.block(15, content + wire.number(3, status.status_code.value))


def _flags(field: int, context: SpanContext | None) -> bytes:
    remote = context is not None and context.is_remote
    return wire.fixed32(field, _HAS_IS_REMOTE | _IS_REMOTE if remote else _HAS_IS_REMOTE)


_FLAGS = wire.fixed32(16, _HAS_IS_REMOTE)
_FLAGS_REMOTE = wire.fixed32(16, _HAS_IS_REMOTE | _IS_REMOTE)
_STATUS_UNSET = wire.block(15, b"")
_CLIENT = _KINDS["CLIENT"] + _STATUS_UNSET + _FLAGS
_CLIENT_REMOTE = _KINDS["CLIENT"] + _STATUS_UNSET + _FLAGS_REMOTE

# What `logging` itself puts on each record, and what instrumentors add of what OTLP has fields for.
_NOT_EXTRA = frozenset(vars(logging.makeLogRecord({}))) | {
    "message", "asctime", "taskName",
    "otelTraceID", "otelSpanID", "otelServiceName", "otelTraceSampled",
}  # fmt: skip
_SEVERITY_TEXTS = {"WARNING": "WARN", "CRITICAL": "FATAL"}


def extra_fields(record: logging.LogRecord) -> dict[str, object]:
    """What the caller, not `logging`, put on `record`."""
    return {name: value for name, value in vars(record).items() if name not in _NOT_EXTRA}


def log(record: logging.LogRecord, context: SpanContext) -> Encoded:
    """The log record `record`, written within the span `context`."""
    body = wire.any_value(redact_kept("", record.getMessage()))
    parts = [
        wire.fixed64(1, int(record.created * 1e9)),
        _severity(record.levelno, record.levelname),
        wire.block(5, body),
        wire.attributes(6, extra_fields(record)),
        wire.fixed64(11, time.time_ns()),
    ]
    if record.exc_info and record.exc_info[0] is not None:
        parts.append(wire.attributes(6, _exception(record)))
    if context.is_valid:
        parts += (
            wire.fixed32(8, context.trace_flags),
            b"\x4a\x10", context.trace_id.to_bytes(16, "big"),
            b"\x52\x08", context.span_id.to_bytes(8, "big"),
        )  # fmt: skip
    return _logger_scope(record.name), wire.block(2, b"".join(parts))


@lru_cache(maxsize=256)
def _logger_scope(name: str) -> bytes:
    return wire.block(1, wire.text(1, name))


@lru_cache(maxsize=64)
def _severity(level: int, name: str) -> bytes:
    severity = std_to_otel(level).value
    return wire.number(2, severity) + wire.text(3, _SEVERITY_TEXTS.get(name, name))


def _exception(record: logging.LogRecord) -> Mapping[str, object]:
    kind, error, where = record.exc_info or (None, None, None)
    found: dict[str, object] = {"exception.type": kind.__name__ if kind else None}
    if error is not None and error.args:
        found["exception.message"] = str(error.args[0])
    if where is not None:
        found["exception.stacktrace"] = "".join(traceback.format_exception(kind, error, where))
    return found
