"""Starts the telemetry of one process."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from functools import cache

from opentelemetry import metrics, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from . import database, process
from .export import RedactingLogExporter, RedactingSpanExporter
from .logging_json import JsonFormatter
from .metrics import serve_metrics

# One line a request is the access log's; these would double it.
_NOISY = ("httpx", "httpcore", "werkzeug", "uvicorn.access", "gunicorn.access")
# Exporters compute in threads of their own for milliseconds, and a request waits for the
# interpreter anew after each statement: by default 5 ms each time, which was the slowest per cent.
_SWITCH_SECONDS = 0.0005


@cache
def setup(service_name: str, role: str) -> TracerProvider:
    """Start the telemetry of this process, once; `role` is web, relay, inbox,
    gateway or monolith."""
    resource = Resource.create(
        {
            "service.name": service_name,
            "service.namespace": os.environ.get("SERVICE_NAMESPACE", "migrator"),
            "service.role": role,
        }
    )
    otlp = bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
    if otlp:
        sys.setswitchinterval(_SWITCH_SECONDS)
    provider = _setup_traces(resource, otlp)
    _setup_metrics(resource, otlp)
    _setup_logs(resource, otlp, service_name, role)
    _instrument_libraries()
    if role in ("relay", "inbox", "monolith"):
        serve_metrics()
    return provider


def _setup_traces(resource: Resource, otlp: bool) -> TracerProvider:
    provider = TracerProvider(resource=resource)
    if otlp:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = RedactingSpanExporter(OTLPSpanExporter())
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider


def _setup_metrics(resource: Resource, otlp: bool) -> None:
    readers: list[MetricReader] = [PrometheusMetricReader(scope_info_enabled=False)]
    if otlp:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
    metrics.set_meter_provider(MeterProvider(metric_readers=readers, resource=resource))
    process.observe()


def _setup_logs(resource: Resource, otlp: bool, service_name: str, role: str) -> None:
    stream = logging.StreamHandler(sys.stdout)
    stream.setFormatter(JsonFormatter(service_name, role))
    handlers: list[logging.Handler] = [stream]
    if otlp:
        handlers.append(_otlp_log_handler(resource))
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO").upper(), handlers=handlers, force=True
    )
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.captureWarnings(True)


def _otlp_log_handler(resource: Resource) -> logging.Handler:
    from opentelemetry._logs import set_logger_provider
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.instrumentation.logging.handler import LoggingHandler
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider(resource=resource)
    exporter = RedactingLogExporter(OTLPLogExporter())
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    set_logger_provider(provider)
    atexit.register(provider.shutdown)
    return LoggingHandler(logger_provider=provider)


def _instrument_libraries() -> None:
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

    HTTPXClientInstrumentor().instrument()
    database.instrument()
