"""The page that Prometheus reads, and the instruments that no instrumentor brings."""

from __future__ import annotations

import os
from typing import Any

from opentelemetry import metrics
from opentelemetry.metrics import Histogram

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


def request_duration() -> Histogram:
    """The standard histogram of served requests, for a server that no instrumentor covers."""
    return metrics.get_meter("chassis").create_histogram(
        "http.server.request.duration",
        unit="s",
        description="Duration of HTTP server requests.",
        explicit_bucket_boundaries_advisory=DURATION_BUCKETS,
    )


def serve_metrics() -> None:
    """Answer Prometheus on ``CHASSIS_METRICS_PORT``, in a process without a web server."""
    if port := os.environ.get("CHASSIS_METRICS_PORT"):
        from prometheus_client import start_http_server

        start_http_server(int(port), addr=os.environ.get("CHASSIS_METRICS_HOST", "127.0.0.1"))
