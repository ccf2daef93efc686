"""What reads the metrics of a process: the page for Prometheus, the export by OTLP."""

from __future__ import annotations

import os
from typing import Any

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics.export import (
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
)

from .durations import Durations, durations, with_durations

# What the HTTP semantic conventions advise for request durations, in seconds.
DURATION_BUCKETS = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip


def metrics_page(accept: str = "") -> tuple[bytes, str]:
    """The metrics of this process in the Prometheus text format, and its content type."""
    import prometheus_client
    from prometheus_client import openmetrics

    if "application/openmetrics-text" in accept:
        exposition: Any = openmetrics.exposition
        page = exposition.generate_latest(prometheus_client.REGISTRY)
        return page, exposition.CONTENT_TYPE_LATEST
    return prometheus_client.generate_latest(), prometheus_client.CONTENT_TYPE_LATEST


def readers(otlp: bool) -> list[MetricReader]:
    """The page's reader and, with `otlp`, one that exports every so often."""
    found: list[MetricReader] = [_PageReader(scope_info_enabled=False)]
    if otlp:
        from .export import MetricExporter

        found.append(PeriodicExportingMetricReader(MetricExporter()))
    return found


class _PageReader(PrometheusMetricReader):
    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **more: Any
    ) -> None:
        data = with_durations(metrics_data, take_exemplars=False)
        super()._receive_metrics(data, timeout_millis, **more)


def request_duration() -> Durations:
    """The standard histogram of served requests."""
    return durations(
        "http.server.request.duration", "Duration of HTTP server requests.", DURATION_BUCKETS
    )


def serve_metrics() -> None:
    """Answer Prometheus on ``CHASSIS_METRICS_PORT``, in a process without a web server."""
    if port := os.environ.get("CHASSIS_METRICS_PORT"):
        from prometheus_client import start_http_server

        start_http_server(int(port), addr=os.environ.get("CHASSIS_METRICS_HOST", "127.0.0.1"))
