"""OpenTelemetry for one process: traces, metrics and logs, set up together.

Metrics are always readable in the Prometheus format; traces and logs leave the process only when
``OTEL_EXPORTER_OTLP_ENDPOINT`` names a collector. Log lines are JSON on standard output.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
from functools import cache
from typing import Any

# The instrumentors read this once, when they are imported: without it they emit the names of
# before the semantic conventions were stable (`http.server.duration`, in milliseconds).
os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")

from opentelemetry import metrics, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Histogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from chassis.logging_json import JsonFormatter, RedactingFilter

# What the HTTP semantic conventions advise for request durations, in seconds.
DURATION_BUCKETS = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip


@cache
def setup(service_name: str, role: str) -> TracerProvider:
    """Start the telemetry of this process, once; `role` is web, relay, inbox or gateway."""
    resource = Resource.create(
        {"service.name": service_name, "service.namespace": "migrator", "service.role": role}
    )
    otlp = bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
    provider = _setup_traces(resource, otlp)
    _setup_metrics(resource, otlp)
    _setup_logs(resource, otlp, service_name, role)
    _instrument_libraries()
    _serve_metrics(role)
    return provider


def instrument_flask(app: Any) -> None:
    """Spans and ``http.server.request.duration`` for every request of `app`."""
    from opentelemetry.instrumentation.flask import FlaskInstrumentor

    instrumentor: Any = FlaskInstrumentor()
    instrumentor.instrument_app(app, excluded_urls="/healthz,/readyz,/metrics")


def metrics_page(accept: str = "") -> tuple[bytes, str]:
    """The metrics of this process in the Prometheus text format, and its content type."""
    import prometheus_client
    from prometheus_client import openmetrics

    if "application/openmetrics-text" in accept:
        exposition: Any = openmetrics.exposition
        return exposition.generate_latest(
            prometheus_client.REGISTRY
        ), openmetrics.exposition.CONTENT_TYPE_LATEST
    page = prometheus_client.generate_latest()
    return page, prometheus_client.CONTENT_TYPE_LATEST


def request_duration() -> Histogram:
    """The standard histogram of served requests, for a server that no instrumentor covers."""
    return metrics.get_meter("chassis").create_histogram(
        "http.server.request.duration",
        unit="s",
        description="Duration of HTTP server requests.",
        explicit_bucket_boundaries_advisory=DURATION_BUCKETS,
    )


def _setup_traces(resource: Resource, otlp: bool) -> TracerProvider:
    provider = TracerProvider(resource=resource)
    if otlp:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider


def _setup_metrics(resource: Resource, otlp: bool) -> None:
    readers: list[MetricReader] = [PrometheusMetricReader()]
    if otlp:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
    metrics.set_meter_provider(MeterProvider(metric_readers=readers, resource=resource))


def _setup_logs(resource: Resource, otlp: bool, service_name: str, role: str) -> None:
    stream = logging.StreamHandler(sys.stdout)
    stream.setFormatter(JsonFormatter(service_name, role))
    handlers: list[logging.Handler] = [stream]
    if otlp:
        handlers.append(_otlp_log_handler(resource))
    for handler in handlers:
        handler.addFilter(RedactingFilter())
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO").upper(), handlers=handlers, force=True
    )
    # One line a request is the chassis' own access line; these would double it.
    for noisy in ("httpx", "httpcore", "werkzeug", "uvicorn.access", "gunicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.captureWarnings(True)


def _otlp_log_handler(resource: Resource) -> logging.Handler:
    from opentelemetry._logs import set_logger_provider
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.instrumentation.logging.handler import LoggingHandler
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider(resource=resource)
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    set_logger_provider(provider)
    atexit.register(provider.shutdown)
    return LoggingHandler(logger_provider=provider)


def _instrument_libraries() -> None:
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

    HTTPXClientInstrumentor().instrument()
    SQLAlchemyInstrumentor().instrument()


def _serve_metrics(role: str) -> None:
    """Processes without a web server answer Prometheus on a port of their own."""
    port = os.environ.get("CHASSIS_METRICS_PORT")
    if port and role in ("relay", "inbox"):
        from prometheus_client import start_http_server

        start_http_server(int(port), addr=os.environ.get("CHASSIS_METRICS_HOST", "127.0.0.1"))
