"""Durations are counted as OpenTelemetry's histogram counts them, and reach both readers."""

from __future__ import annotations

import threading
from typing import Any

from chassis.telemetry.durations import Durations, durations, with_durations
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData, ResourceMetrics
from opentelemetry.sdk.resources import Resource

BOUNDS = (0.005, 0.1, 1.0)
ROUTES = st.sampled_from(["/a", "/b"])
SECONDS = st.floats(0, 10) | st.sampled_from(BOUNDS)


def points(metrics: Any) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    return {
        tuple(sorted(point.attributes.items())): (
            point.count,
            round(point.sum, 9),
            tuple(point.bucket_counts),
            tuple(point.explicit_bounds),
            point.min,
            point.max,
        )
        for point in metrics.data.data_points
    }


@given(st.lists(st.tuples(ROUTES, SECONDS), min_size=1, max_size=20))
def test_counts_are_those_of_opentelemetry(measured: list[tuple[str, float]]) -> None:
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("test")
    theirs = meter.create_histogram("d", "s", explicit_bucket_boundaries_advisory=BOUNDS)
    ours = Durations("d", "", BOUNDS)
    for route, seconds in measured:
        theirs.record(seconds, {"http.route": route})
        ours.record(seconds, (("http.route", route),))
    data = reader.get_metrics_data()
    assert data is not None
    [metric] = data.resource_metrics[0].scope_metrics[0].metrics
    assert points(ours.metric(1, take_exemplars=True)) == points(metric)


def test_exemplars_are_given_once_and_to_the_export() -> None:
    made = durations("test.exemplars", "", BOUNDS)
    made.record(0.05, (("a", 1),), (7, 9))
    made.record(0.06, (("a", 1),), (8, 10))
    made.record(2.0, (("a", 1),))
    read = MetricsData([ResourceMetrics(Resource({}), [], "")])

    def exemplars(*, take: bool) -> list[tuple[int | None, int | None]]:
        given = with_durations(read, take_exemplars=take).resource_metrics[0].scope_metrics
        [metric] = [m for m in given[0].metrics if m.name == "test.exemplars"]
        [point] = metric.data.data_points
        assert point.count == 3  # type: ignore[union-attr]
        return [(found.trace_id, found.span_id) for found in point.exemplars]

    # A page that is read in between takes none from the export.
    assert exemplars(take=False) == []
    # The last of each bucket.
    assert exemplars(take=True) == [(8, 10)]
    assert exemplars(take=True) == []


def test_no_measurement_is_lost_between_threads() -> None:
    made = Durations("d", "", BOUNDS)

    def record() -> None:
        for number in range(2000):
            made.record(0.01, (("n", number % 3),), (1, number))

    threads = [threading.Thread(target=record) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    metric: Any = made.metric(1, take_exemplars=True)
    assert sum(point.count for point in metric.data.data_points) == 8000
