"""What the gateway does with paths that no route names."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from gateway.app import Upstreams, create_app
from gateway.routing import Route, Table
from starlette.testclient import TestClient

ROUTES = Table([Route("GET", "/jobs", "jobs"), Route("GET", "/users/<int:id>", "accounts")])


class Echo(BaseHTTPRequestHandler):
    """Answers every request with the name of its server and the path."""

    def do_GET(self) -> None:
        body = json.dumps([self.server.name, self.path]).encode()  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def urls() -> Iterator[dict[str, str]]:
    servers = {
        name: ThreadingHTTPServer(("127.0.0.1", 0), Echo) for name in ("jobs", "accounts", "old")
    }
    for name, server in servers.items():
        server.name = name  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {name: f"http://127.0.0.1:{s.server_address[1]}" for name, s in servers.items()}
    for server in servers.values():
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("method", "path", "answers"),
    [
        ("GET", "/jobs", "jobs"),
        ("GET", "/ping", "accounts"),
        ("POST", "/jobs", "jobs"),
        ("POST", "/users/1", "accounts"),
    ],
)
def test_a_service_answers_what_no_route_names(
    urls: dict[str, str], method: str, path: str, answers: str
) -> None:
    services = {name: urls[name] for name in ("jobs", "accounts")}
    with TestClient(create_app(ROUTES, Upstreams(services))) as client:
        assert client.request(method, path).json() == [answers, path]
        for own in ("/readyz", "/internal/calls/x"):
            assert client.get(own).status_code == 404


def test_the_monolith_answers_while_it_is_there(urls: dict[str, str]) -> None:
    upstreams = Upstreams({"jobs": urls["jobs"], "accounts": urls["accounts"]}, urls["old"])
    with TestClient(create_app(ROUTES, upstreams)) as client:
        assert client.get("/ping").json() == ["old", "/ping"]
        assert client.get("/jobs").json() == ["jobs", "/jobs"]


def test_with_nobody_to_ask_the_gateway_says_so_itself() -> None:
    with TestClient(create_app(ROUTES, Upstreams({}))) as client:
        assert client.get("/ping").status_code == 404
        assert client.post("/jobs").status_code == 405
        assert client.get("/jobs").status_code == 502


def test_every_request_is_counted_by_who_answers(
    urls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``gateway_requests_total`` tells how much of the traffic has left the monolith."""
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(metrics, "get_meter", provider.get_meter)
    application = create_app(ROUTES, Upstreams({"jobs": urls["jobs"]}, urls["old"]))
    with TestClient(application) as client:
        for path in ("/jobs", "/jobs", "/jobs", "/elsewhere", "/users/1"):
            client.get(path)
    data = reader.get_metrics_data()
    assert data is not None
    found = {
        metric.name: {dict(p.attributes).get("upstream"): p.value for p in metric.data.data_points}
        for scope in data.resource_metrics[0].scope_metrics
        for metric in scope.metrics
        if metric.name.startswith(("gateway.", "chassis.event"))
    }
    assert found["gateway.requests"] == {"jobs": 3, "monolith": 1, "accounts": 1}
    assert found["chassis.event_loop.delay"][None] >= 0
