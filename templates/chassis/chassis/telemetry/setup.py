"""Starts the telemetry of one process."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from functools import cache

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from . import database, process
from .logging_json import JsonFormatter
from .metrics import readers, serve_metrics

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
    _instrument_libraries(provider)
    if role in ("relay", "inbox", "monolith"):
        serve_metrics()
    return provider


def _setup_traces(resource: Resource, otlp: bool) -> TracerProvider:
    provider = TracerProvider(resource=resource)
    if otlp:
        from .export import SpanProcessor

        provider.add_span_processor(SpanProcessor(resource))
    trace.set_tracer_provider(provider)
    return provider


def _setup_metrics(resource: Resource, otlp: bool) -> None:
    metrics.set_meter_provider(MeterProvider(metric_readers=readers(otlp), resource=resource))
    process.observe()


def _setup_logs(resource: Resource, otlp: bool, service_name: str, role: str) -> None:
    stream = logging.StreamHandler(sys.stdout)
    stream.setFormatter(JsonFormatter(service_name, role))
    handlers: list[logging.Handler] = [stream]
    if otlp:
        from .export import LogHandler

        handler = LogHandler(resource)
        atexit.register(handler.stop)
        handlers.append(handler)
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO").upper(), handlers=handlers, force=True
    )
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.captureWarnings(True)


def _instrument_libraries(provider: TracerProvider) -> None:
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

    HTTPXClientInstrumentor().instrument()
    database.instrument(provider)
