"""Duration of statements and use of connection pools, by the names of the database conventions.

The SQLAlchemy instrumentor makes the spans; it has no duration, and its pool metric is of before
the conventions were stable.
"""

from __future__ import annotations

import time
import weakref
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Histogram, Observation
from opentelemetry.trace import set_span_in_context

# What the database semantic conventions advise for operation durations, in seconds.
_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
_POOL = "db.client.connection.pool.name"
_pools: weakref.WeakSet[Any] = weakref.WeakSet()


def instrument() -> None:
    """Spans and metrics of every SQLAlchemy engine that is made from now on."""
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    SQLAlchemyInstrumentor().instrument(meter_provider=metrics.NoOpMeterProvider())
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
    _time_statements(event, Engine, duration)
    event.listen(Engine, "engine_connect", _remember)


def _time_statements(event: Any, engine: type[Any], duration: Histogram) -> None:
    def before(
        _connection: Any, _cursor: Any, _sql: str, _given: Any, context: Any, _: bool
    ) -> None:
        context._chassis_started = time.perf_counter()

    def after(connection: Any, _cursor: Any, sql: str, _given: Any, context: Any, _: bool) -> None:
        record(context, connection.dialect.name, sql, None)

    def failed(error: Any) -> None:
        context = error.execution_context
        if context is not None:
            record(context, error.dialect.name, error.statement or "", error.original_exception)

    def record(context: Any, system: str, sql: str, error: BaseException | None) -> None:
        started = context.__dict__.pop("_chassis_started", None)
        if started is None:
            return
        attributes = {"db.system.name": system, "db.operation.name": _operation(sql)}
        if error is not None:
            attributes["error.type"] = getattr(error, "sqlstate", None) or type(error).__name__
        # The statement's own span, so that an exemplar leads to it.
        span = getattr(context, "_otel_span", None) or trace.get_current_span()
        duration.record(
            time.perf_counter() - started, attributes, context=set_span_in_context(span)
        )

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    event.listen(engine, "handle_error", failed)


@lru_cache(maxsize=1024)
def _operation(sql: str) -> str:
    words = sql.split(None, 1)
    word = words[0].upper() if words else ""
    # A closed set: whatever else a statement begins with must not become a label's value.
    return word if word in _OPERATIONS else "OTHER"


_OPERATIONS = frozenset(
    ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "MERGE", "CALL", "COPY", "SET", "SHOW")
)


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
