"""Runs a part of the sample's own tests under OpenTelemetry and writes the spans as OTLP JSON.

    python record_traces.py FILE TEST…      in the sample's folder, TEST_DATABASE_URL set

Flask and SQLAlchemy are instrumented by OpenTelemetry's own packages; each public function of a
``service`` module has a span that names it, as people add by hand.
"""

from __future__ import annotations

import base64
import functools
import inspect
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

EXPORTER = InMemorySpanExporter()


class WithSpans:
    """A pytest plugin: names the functions once the sample can be imported."""

    def pytest_collection(self) -> None:
        import jobmarket.app

        assert jobmarket.app
        own = {n: m for n, m in sys.modules.items() if n.partition(".")[0] == "jobmarket"}
        wrapped = {
            id(f): _with_span(f)
            for name, module in own.items()
            if name.endswith(".service")
            for f in vars(module).values()
            if inspect.isfunction(f) and f.__module__ == name and not f.__name__.startswith("_")
        }
        for module in own.values():
            for name, value in list(vars(module).items()):
                if id(value) in wrapped:
                    setattr(module, name, wrapped[id(value)])


def _with_span(function: Callable[..., Any]) -> Callable[..., Any]:
    name = f"{function.__module__}.{function.__qualname__}"
    tracer = trace.get_tracer("sample")

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        attributes = {"code.function.name": name}
        with tracer.start_as_current_span(name, attributes=attributes):
            return function(*arguments, **named)

    return call


def main(output: str, *tests: str) -> int:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(EXPORTER))
    trace.set_tracer_provider(provider)
    FlaskInstrumentor().instrument()
    SQLAlchemyInstrumentor().instrument()
    result = pytest.main(["-q", "-p", "no:cacheprovider", *tests], plugins=[WithSpans()])
    document = MessageToDict(encode_spans(EXPORTER.get_finished_spans()))
    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for key in ("traceId", "spanId", "parentSpanId"):  # OTLP JSON has them as hex
                    if key in span:
                        span[key] = base64.b64decode(span[key]).hex()
    Path(output).write_text(json.dumps(document))
    return int(result)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
