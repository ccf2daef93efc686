"""Spans, durations and pools of SQLAlchemy, by the names of the database conventions.

Our own listeners, not the instrumentor's: that one reads engine and settings anew for
each statement, makes a span of each checkout from the pool, and knows no SQLAlchemy above 2.0.
"""

from __future__ import annotations

import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache, wraps
from typing import Any, NamedTuple

from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanContext

from .durations import Labels, durations
from .leaf import Leaves
from .redaction import sanitize_sql
from .wire import Fixed

# What the database semantic conventions advise for operation durations, in seconds.
_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
_POOL = "db.client.connection.pool.name"
_engines: weakref.WeakSet[Any] = weakref.WeakSet()


def instrument(provider: TracerProvider) -> None:
    """Spans and metrics of every statement and pool of the engines that will be made."""
    from sqlalchemy.engine import Dialect

    meter = metrics.get_meter("chassis.database")
    meter.create_observable_up_down_counter(
        "db.client.connection.count", [_count], unit="{connection}"
    )
    meter.create_observable_up_down_counter("db.client.connection.max", [_max], unit="{connection}")
    statements = _Statements(Leaves(provider, "chassis.database"))

    def created(_: type[Dialect], engine: Any) -> None:
        _engines.add(engine)
        statements.watch(engine)

    # SQLAlchemy calls this of each engine's dialect, whoever makes the engine.
    Dialect.engine_created = classmethod(created)  # type: ignore[assignment]


class _Statements:
    """Times each statement, and gives it a span where something above it is traced.

    A statement outside of any trace (a poll of the relay, say) is counted, but would make a trace
    of its own that tells nothing. Around the dialect's own methods, not by SQLAlchemy's events: a
    single listener makes it look for listeners of every kind, at every statement.
    """

    def __init__(self, leaves: Leaves) -> None:
        self._leaves = leaves
        self._duration = durations(
            "db.client.operation.duration", "Duration of database statements.", _BUCKETS
        )

    def watch(self, engine: Any) -> None:
        """Time what `engine` will execute, once its dialect knows the database: what it asks for
        that, at the first connection, is not of the request that happens to come first."""
        dialect = engine.dialect
        target = _Target(dialect.name, engine.url)
        initialize = dialect.initialize

        def initialized(connection: Any) -> None:
            initialize(connection)
            dialect.initialize = initialize
            for name in ("do_execute", "do_executemany", "do_execute_no_params"):
                # A dialect belongs to one engine; those with other options share both.
                setattr(dialect, name, self._timed(getattr(dialect, name), target))

        dialect.initialize = initialized

    def _timed(self, execute: Callable[..., Any], target: _Target) -> Callable[..., Any]:
        @wraps(execute)
        def timed(cursor: Any, statement: str, *given: Any, **named: Any) -> Any:
            within = trace.get_current_span()
            parent = within.get_span_context() if within.is_recording() else None
            at = time.time_ns()
            began = time.perf_counter()
            try:
                result = execute(cursor, statement, *given, **named)
            except Exception as error:
                seconds = time.perf_counter() - began
                self._failed(error, seconds, at, parent, target, statement)
                raise
            seconds = time.perf_counter() - began
            leaf = None
            if parent is not None:
                name, attributes = _about(target, statement)
                leaf = self._leaves.ended(name, parent, attributes, (at, at + int(seconds * 1e9)))
            # The statement's own span, so that an exemplar leads to it.
            self._duration.record(seconds, _labels(target.system, statement), leaf)
            return result

        return timed

    def _failed(
        self,
        error: Exception,
        seconds: float,
        at: int,
        parent: SpanContext | None,
        target: _Target,
        statement: str,
    ) -> None:
        sqlstate = getattr(error, "sqlstate", None)
        kind = sqlstate or type(error).__name__
        leaf = None
        if parent is not None:
            name, known = _about(target, statement)
            attributes = {**known, "error.type": kind}
            if sqlstate:
                attributes["db.response.status_code"] = sqlstate
            times = at, at + int(seconds * 1e9)
            leaf = self._leaves.failed(name, parent, attributes, times, str(error))
        labels = _labels(target.system, statement)
        self._duration.record(seconds, (*labels, ("error.type", kind)), leaf)


class _About(NamedTuple):
    name: str
    attributes: Fixed


class _Target:
    """The database of an engine; equal to itself alone, since to compare URLs costs as much as
    a span."""

    __slots__ = ("namespace", "of_each", "system")

    def __init__(self, system: str, url: Any) -> None:
        self.system = system
        self.namespace: str | None = url.database
        host = url.host or url.query.get("host")
        self.of_each: dict[str, str | int | None] = {
            "db.system.name": system,
            "db.namespace": url.database,
            "server.address": host if isinstance(host, str) else None,
            "server.port": url.port,
        }


@lru_cache(maxsize=1024)
def _about(target: _Target, sql: str) -> _About:
    operation = _operation(sql)
    known = {
        **target.of_each,
        "db.operation.name": operation,
        "db.query.text": sanitize_sql(sql),
    }
    attributes = Fixed({name: value for name, value in known.items() if value is not None})
    name = f"{operation} {target.namespace}" if target.namespace else operation
    return _About(name, attributes)


@lru_cache(maxsize=1024)
def _labels(system: str, sql: str) -> Labels:
    return (("db.system.name", system), ("db.operation.name", _operation(sql)))


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
    # An engine that is disposed of gets a new pool.
    pools = {id(engine.pool): engine.pool for engine in list(_engines)}
    return [pool for pool in pools.values() if hasattr(pool, "checkedout")]


def _name(pool: Any) -> str:
    return pool.logging_name or "default"
