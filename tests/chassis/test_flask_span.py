"""Each request of a Flask application has one span, one measurement and one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

RUN = """
import json
from chassis import telemetry
provider = telemetry.setup("orders", "web")
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
provider.add_span_processor(SimpleSpanProcessor(exporter))
from flask import Flask, abort

app = Flask("orders")
telemetry.instrument_flask(app)

@app.before_request
def refuse():
    from flask import request
    if request.args.get("refuse"):
        abort(403)

@app.get("/orders/<int:number>")
def order(number):
    return {"number": number}

@app.get("/fails")
def fails():
    raise ValueError("on purpose")

@app.get("/reset/<token>")
def reset(token):
    return "done"

@app.get("/slowly")
def slowly():
    def parts():
        yield "a"
        yield "b"
    return parts()

client = app.test_client()
parent = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
client.get("/orders/7?page=2", headers=parent)
client.get("/orders/7?refuse=1")
client.get("/nowhere")
client.get("/fails")
client.get("/reset/abc123")
client.get("/slowly")
client.open("/orders/7", method="BREW")
client.get("/healthz")
spans = [
    {
        "name": span.name,
        "kind": span.kind.name,
        "trace": f"{span.context.trace_id:032x}",
        "parent": span.parent and f"{span.parent.span_id:016x}",
        "status": span.status.status_code.name,
        "words": span.status.description,
        "events": [event.name for event in span.events],
        **span.attributes,
    }
    for span in exporter.get_finished_spans()
]
from prometheus_client import REGISTRY
samples = [(s.name, s.labels, s.value) for f in REGISTRY.collect() for s in f.samples]
print(json.dumps({"spans": spans, "samples": samples}))
"""


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("OTEL_EXPORTER_OTLP_ENDPOINT", None)
    done = subprocess.run(
        [sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {**lines.pop(), "lines": lines}


def test_span_continues_the_callers_trace_and_tells_of_the_request(seen: dict[str, Any]) -> None:
    span = seen["spans"][0]
    assert (span["name"], span["kind"]) == ("GET /orders/<int:number>", "SERVER")
    assert span["trace"] == "0af7651916cd43dd8448eb211c80319c"
    assert span["parent"] == "b7ad6b7169203331"
    assert span["http.route"] == "/orders/<int:number>"
    assert (span["url.path"], span["url.query"]) == ("/orders/7", "page=2")
    assert (span["http.response.status_code"], span["status"]) == (200, "UNSET")


def test_exception_is_recorded_and_the_span_failed(seen: dict[str, Any]) -> None:
    [span] = [span for span in seen["spans"] if span["name"] == "GET /fails"]
    assert (span["status"], span["http.response.status_code"]) == ("ERROR", 500)
    assert span["words"] == "ValueError: on purpose"
    assert span["events"] == ["exception"]
    assert span["error.type"] == "500"


def test_refusals_are_no_failures(seen: dict[str, Any]) -> None:
    refused = {
        (s["name"], s["http.response.status_code"], s["status"])
        for s in seen["spans"]
        if 400 <= s["http.response.status_code"] < 500
    }
    assert refused == {
        ("GET /orders/<int:number>", 403, "UNSET"),
        ("GET", 404, "UNSET"),
        ("_OTHER", 405, "UNSET"),
    }


def test_secret_in_the_path_is_hidden(seen: dict[str, Any]) -> None:
    [span] = [span for span in seen["spans"] if span["name"] == "GET /reset/<token>"]
    assert span["url.path"] == "/reset/[redacted]"
    assert "abc123" not in json.dumps(seen)


def test_request_is_measured_once_and_operation_is_not(seen: dict[str, Any]) -> None:
    counts = {
        (
            labels["http_request_method"],
            labels["http_route"],
            labels["http_response_status_code"],
        ): n
        for name, labels, n in seen["samples"]
        if name == "http_server_request_duration_seconds_count"
    }
    assert counts == {
        ("GET", "/orders/<int:number>", "200"): 1,
        ("GET", "/orders/<int:number>", "403"): 1,
        ("GET", "", "404"): 1,
        ("GET", "/fails", "500"): 1,
        ("GET", "/reset/<token>", "200"): 1,
        ("GET", "/slowly", "200"): 1,
        ("_OTHER", "", "405"): 1,
    }
    active = [n for name, _, n in seen["samples"] if name == "http_server_active_requests"]
    assert active
    assert set(active) == {0}


def test_lines_carry_the_trace_of_their_request(seen: dict[str, Any]) -> None:
    lines = [line for line in seen["lines"] if line["message"] == "request"]
    assert [line["status"] for line in lines] == [200, 403, 404, 500, 200, 200, 405]
    assert [line["trace_id"] for line in lines] == [span["trace"] for span in seen["spans"]]
