"""Histograms of durations for the hot path: requests and statements.

OpenTelemetry's histogram takes each measurement once a reader, copies, sorts and hashes its
attributes, and looks for an exemplar: a hundred calls for a statement. This one counts once, by a
key that the caller has at hand, and gives OpenTelemetry's own data points to whatever reads.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    ScopeMetrics,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Span

# (attribute, value) pairs, always in one order.
Labels = tuple[tuple[str, str | int], ...]
# The trace id and the span id of a sampled span.
Place = tuple[int, int]

_SCOPE = InstrumentationScope("chassis.durations")
_all: dict[str, Durations] = {}


class Durations:
    """A cumulative histogram of seconds, with the last sampled trace of each bucket as exemplar."""

    def __init__(self, name: str, description: str, bounds: Sequence[float]) -> None:
        self._name = name
        self._description = description
        self._bounds = tuple(bounds)
        self._series: dict[Labels, _Series] = {}
        self._lock = threading.Lock()

    def record(self, seconds: float, labels: Labels, place: Place | None = None) -> None:
        """Count `seconds`; `place` is where they were spent, and becomes an exemplar."""
        bucket = bisect_left(self._bounds, seconds)
        with self._lock:
            series = self._series.get(labels)
            if series is None:
                series = self._series[labels] = _Series(len(self._bounds) + 1)
            series.counts[bucket] += 1
            series.sum += seconds
            if seconds < series.min:
                series.min = seconds
            if seconds > series.max:
                series.max = seconds
            if place is not None:
                series.exemplars[bucket] = (seconds, time.time_ns(), place)

    def metric(self, now: int, *, take_exemplars: bool) -> Metric:
        """Everything counted, as of `now` (nanoseconds since the epoch)."""
        with self._lock:
            points = [
                series.point(labels, self._bounds, now, take_exemplars)
                for labels, series in self._series.items()
            ]
        data = Histogram(points, AggregationTemporality.CUMULATIVE)
        return Metric(self._name, self._description, "s", data)


class _Series:
    __slots__ = ("counts", "exemplars", "max", "min", "started", "sum")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.sum = 0.0
        self.min = float("inf")
        self.max = 0.0
        self.started = time.time_ns()
        self.exemplars: dict[int, tuple[float, int, Place]] = {}

    def point(
        self, labels: Labels, bounds: Sequence[float], now: int, take_exemplars: bool
    ) -> HistogramDataPoint:
        exemplars = []
        if take_exemplars:
            exemplars = [
                Exemplar({}, seconds, at, span_id, trace_id)
                for _, (seconds, at, (trace_id, span_id)) in sorted(self.exemplars.items())
            ]
            self.exemplars.clear()
        return HistogramDataPoint(
            attributes=dict(labels),
            start_time_unix_nano=self.started,
            time_unix_nano=now,
            count=sum(self.counts),
            sum=self.sum,
            bucket_counts=tuple(self.counts),
            explicit_bounds=bounds,
            min=self.min,
            max=self.max,
            exemplars=exemplars,
        )


def sampled(span: Span) -> Place | None:
    """Where `span` is, if it is sampled: an exemplar must lead to what is exported."""
    found = span.get_span_context()
    return (found.trace_id, found.span_id) if found.trace_flags.sampled else None


def durations(name: str, description: str, bounds: Sequence[float]) -> Durations:
    """The histogram `name` of this process, with upper `bounds` in seconds."""
    return _all.setdefault(name, Durations(name, description, bounds))


def with_durations(read: MetricsData, *, take_exemplars: bool) -> MetricsData:
    """`read` and all histograms of this module. Exemplars are given once: to who exports them."""
    now = time.time_ns()
    found = [made.metric(now, take_exemplars=take_exemplars) for made in _all.values()]
    metrics = [metric for metric in found if metric.data.data_points]
    if not metrics or not read.resource_metrics:
        return read
    first, *others = read.resource_metrics
    scope = ScopeMetrics(_SCOPE, metrics, schema_url="")
    return MetricsData([replace(first, scope_metrics=[*first.scope_metrics, scope]), *others])
