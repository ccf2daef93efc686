"""Spans, durations and pools of SQLAlchemy, by the names of the database conventions.

Our own listeners, not the instrumentor's: that one reads engine and settings anew for
each statement, makes a span of each checkout from the pool, and knows no SQLAlchemy above 2.0.
"""

from __future__ import annotations

import time
import weakref
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Histogram, Observation
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context

from .redaction import sanitize_sql

# What the database semantic conventions advise for operation durations, in seconds.
_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
_POOL = "db.client.connection.pool.name"
_pools: weakref.WeakSet[Any] = weakref.WeakSet()
_tracer = trace.get_tracer("chassis.database")


def instrument() -> None:
    """Spans and metrics of every statement and pool of this process."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    meter = metrics.get_meter("chassis.database")
    duration = meter.create_histogram(
        "db.client.operation.duration",
        unit="s",
        description="Duration of database statements.",
        explicit_bucket_boundaries_advisory=_BUCKETS,
    )
    meter.create_observable_up_down_counter(
        "db.client.connection.count", [_count], unit="{connection}"
    )
    meter.create_observable_up_down_counter("db.client.connection.max", [_max], unit="{connection}")
    watch = _Statements(duration)
    event.listen(Engine, "before_cursor_execute", watch.before)
    event.listen(Engine, "after_cursor_execute", watch.after)
    event.listen(Engine, "handle_error", watch.failed)
    event.listen(Engine, "engine_connect", _remember)


class _Statements:
    """Times each statement, and gives it a span where something above it is traced.

    A statement outside of any trace (a poll of the relay, say) is counted, but would make a trace
    of its own that tells nothing.
    """

    def __init__(self, duration: Histogram) -> None:
        self._duration = duration

    def before(
        self, connection: Any, _cursor: Any, sql: str, _given: Any, context: Any, _many: bool
    ) -> None:
        """Called by SQLAlchemy before each statement."""
        span: Span | None = None
        if trace.get_current_span().is_recording():
            about = _about(connection.dialect.name, connection.engine.url, sql)
            span = _tracer.start_span(about.name, kind=SpanKind.CLIENT, attributes=about.attributes)
        context._chassis_statement = (time.perf_counter(), span)

    def after(
        self, connection: Any, _cursor: Any, sql: str, _given: Any, context: Any, _many: bool
    ) -> None:
        """Called by SQLAlchemy after each statement that succeeded."""
        self._record(context, _measured(connection.dialect.name, sql))

    def failed(self, error: Any) -> None:
        """Called by SQLAlchemy with the context of each error."""
        context = error.execution_context
        if context is None:
            return
        cause = error.original_exception
        sqlstate = getattr(cause, "sqlstate", None)
        kind = sqlstate or type(cause).__name__
        _, span = context.__dict__.get("_chassis_statement", (0.0, None))
        if span is not None:
            span.set_attribute("error.type", kind)
            if sqlstate:
                span.set_attribute("db.response.status_code", sqlstate)
            span.set_status(Status(StatusCode.ERROR, str(cause)))
        measured = _measured(error.dialect.name, error.statement or "")
        self._record(context, {**measured, "error.type": kind})

    def _record(self, context: Any, attributes: dict[str, str]) -> None:
        started, span = context.__dict__.pop("_chassis_statement", (None, None))
        if started is None:
            return
        seconds = time.perf_counter() - started
        if span is None:
            self._duration.record(seconds, attributes)
            return
        # The statement's own span, so that an exemplar leads to it.
        self._duration.record(seconds, attributes, context=set_span_in_context(span))
        span.end()


class _About(NamedTuple):
    name: str
    attributes: dict[str, str | int]


@lru_cache(maxsize=1024)
def _about(system: str, url: Any, sql: str) -> _About:
    operation = _operation(sql)
    host = url.host or url.query.get("host")
    known = {
        "db.system.name": system,
        "db.namespace": url.database,
        "db.operation.name": operation,
        "db.query.text": sanitize_sql(sql),
        "server.address": host if isinstance(host, str) else None,
        "server.port": url.port,
    }
    attributes = {name: value for name, value in known.items() if value is not None}
    return _About(f"{operation} {url.database}" if url.database else operation, attributes)


@lru_cache(maxsize=1024)
def _measured(system: str, sql: str) -> dict[str, str]:
    return {"db.system.name": system, "db.operation.name": _operation(sql)}


def _operation(sql: str) -> str:
    words = sql.split(None, 1)
    word = words[0].upper() if words else ""
    # A closed set: whatever else a statement begins with must not become a label's value.
    return word if word in _OPERATIONS else "OTHER"


_OPERATIONS = frozenset(
    (
        "SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "MERGE", "CALL", "COPY", "SET", "SHOW",
        "LOCK", "SAVEPOINT", "RELEASE", "ROLLBACK",
    )
)  # fmt: skip


def _remember(connection: Any) -> None:
    _pools.add(connection.engine.pool)


def _count(_: CallbackOptions) -> Iterable[Observation]:
    states: Counter[tuple[str, str]] = Counter()
    for pool in _counting_pools():
        states[_name(pool), "used"] += pool.checkedout()
        states[_name(pool), "idle"] += pool.checkedin()
    for (name, state), count in states.items():
        yield Observation(count, {_POOL: name, "db.client.connection.state": state})


def _max(_: CallbackOptions) -> Iterable[Observation]:
    most: Counter[str] = Counter()
    for pool in _counting_pools():
        # An overflow of -1 is without limit: then there is no maximum to tell.
        if pool._max_overflow >= 0:
            most[_name(pool)] += pool.size() + pool._max_overflow
    for name, count in most.items():
        yield Observation(count, {_POOL: name})


def _counting_pools() -> list[Any]:
    return [pool for pool in list(_pools) if hasattr(pool, "checkedout")]


def _name(pool: Any) -> str:
    return pool.logging_name or "default"
