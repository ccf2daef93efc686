"""The whole workspace as it is generated, with the real programs of the pinned versions: traces in
Jaeger, logs in Loki, metrics and exemplars in Prometheus, alerts in Alertmanager.

Of the traces only errors and slow ones are kept here (``TRACE_SAMPLING_PERCENTAGE=0``): what is to
be seen whole is asked for slowly, and what is quick and good must not be in Jaeger.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import httpx
import psycopg
import pytest
from support.monitoring import load, tool
from support.services import Services, scaffolded, started
from support.watching import PROGRAMS, Watching, place, watching

pytestmark = [
    pytest.mark.skipif(
        not all(tool(name) for name in PROGRAMS),
        reason=f"OBSERVABILITY_BIN names no folder with {', '.join(PROGRAMS)}",
    ),
    pytest.mark.xdist_group("whole-stack"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, Watching]]:
    folder = tmp_path_factory.mktemp("whole")
    workspace = scaffolded(folder)
    (folder / "run").mkdir()
    here = place()
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": here.url("collector", 4318),
        "OTEL_METRIC_EXPORT_INTERVAL": "5000",
    }
    with (
        started(workspace, folder / "run", environment) as services,
        watching(workspace, folder / "run", services.table, here),
    ):
        services.play_scenario()
        with services.load():
            yield services, here


def wait_for(what: Callable[[], Any], seconds: float = 60) -> Any:
    """What `what` returns, once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, what
        time.sleep(1)
    return found


def query(here: Watching, expression: str) -> list[dict[str, Any]]:
    answer = httpx.get(
        f"{here.url('prometheus', 9090)}/api/v1/query", params={"query": expression}, timeout=10
    )
    return list(answer.json()["data"]["result"])


def in_jaeger(here: Watching, trace: str) -> list[dict[str, Any]]:
    """Spans of the trace: name, kind, service, role, id, parent and attributes."""
    answer = httpx.get(f"{here.url('jaeger', 16686)}/api/v3/traces/{trace}", timeout=10)
    if answer.status_code != 200:
        return []
    found = []
    for resource in answer.json()["result"].get("resourceSpans", []):
        about = pairs(resource["resource"]["attributes"])
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                found.append({**span, "about": about, "attributes": pairs(span["attributes"])})
    return found


def pairs(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {a["key"]: next(iter(a["value"].values())) for a in attributes}


def register(services: Services, name: str, *, slowly: bool) -> str:
    """The trace of a registration; `slowly` holds the table for more than a second."""
    body = {"email": f"{name}@example.com", "name": name, "password": "long enough"}
    url = services.database_urls["accounts"].replace("+psycopg", "")
    client = httpx.Client(timeout=30, trust_env=False)
    if not slowly:
        return str(
            client.post(f"{services.gateway}/api/auth/register", json=body).headers["x-trace-id"]
        )
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        threading.Timer(1.5, connection.rollback).start()
        answer = client.post(f"{services.gateway}/api/auth/register", json=body)
        assert answer.status_code == 201
        return str(answer.headers["x-trace-id"])


def timed(services: Services) -> tuple[str, float]:
    """The trace of a read, and the seconds it took."""
    answer = httpx.get(f"{services.gateway}/api/companies", timeout=30)
    return str(answer.headers["x-trace-id"]), answer.elapsed.total_seconds()


SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
WAY = {
    ("gateway", SERVER), ("gateway", CLIENT),
    ("web", SERVER), ("web", CLIENT), ("relay", PRODUCER),
    ("inbox", CONSUMER), ("inbox", CLIENT),
}  # fmt: skip


def test_slow_trace_is_in_jaeger_with_all_its_spans(run: tuple[Services, Watching]) -> None:
    services, here = run
    trace = register(services, "slow", slowly=True)

    def whole() -> list[dict[str, Any]]:
        spans = in_jaeger(here, trace)
        way = {(span["about"].get("service.role"), span["kind"]) for span in spans}
        return spans if way >= WAY else []

    spans = wait_for(whole, 90)
    known = {span["spanId"] for span in spans}
    roots = [span for span in spans if span.get("parentSpanId", "") not in known]
    assert [root["about"]["service.name"] for root in roots] == ["gateway"]
    assert all("deployment.environment.name" in span["about"] for span in spans)


def test_quick_good_trace_is_not_kept_and_an_error_is(run: tuple[Services, Watching]) -> None:
    services, here = run
    quick = [seen for seen in (timed(services) for _ in range(10)) if seen[1] < 0.5]
    url = services.database_urls["search"].replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE search_logs RENAME TO search_logs_away")
        answer = httpx.get(f"{services.gateway}/api/search?q=x", timeout=30)
        connection.execute("ALTER TABLE search_logs_away RENAME TO search_logs")
    assert answer.status_code == 500
    spans = wait_for(lambda: in_jaeger(here, answer.headers["x-trace-id"]), 60)
    assert {span["about"]["service.name"] for span in spans} == {"gateway", "search"}
    assert quick
    assert [trace for trace, _ in quick if in_jaeger(here, trace)] == []


def test_logs_are_in_loki_with_their_trace(run: tuple[Services, Watching]) -> None:
    services, here = run
    trace = register(services, "logged", slowly=False)

    def lines() -> list[dict[str, Any]]:
        answer = httpx.get(
            f"{here.url('loki', 3100)}/loki/api/v1/query_range",
            params={"query": f'{{service_name=~".+"}} | trace_id="{trace}"', "limit": "100"},
            timeout=10,
        )
        return list(answer.json().get("data", {}).get("result", []))

    wanted = {"gateway", "accounts"}
    found = wait_for(
        lambda: (r := lines()) and wanted <= {s["stream"]["service_name"] for s in r} and r
    )
    labels = httpx.get(f"{here.url('loki', 3100)}/loki/api/v1/labels", timeout=10).json()["data"]
    assert set(labels) == {
        "service_name", "service_role", "service_namespace", "deployment_environment_name",
    }  # fmt: skip
    assert all(stream["stream"]["severity_text"] for stream in found)
    assert "logged@example.com" not in str(found)


def test_metrics_exemplars_span_metrics_and_graph_are_in_prometheus(
    run: tuple[Services, Watching],
) -> None:
    services, here = run
    names = {process.service for process in services.table}
    by = "sum by (service_name, service_role) (http_server_request_duration_seconds_count)"
    wait_for(lambda: {r["metric"]["service_name"] for r in query(here, by)} >= names)
    wait_for(lambda: query(here, "up == 0") == [] and query(here, 'up{job="telemetry"}'))
    wait_for(lambda: query(here, "traces_span_metrics_calls_total"))
    wait_for(lambda: query(here, "traces_service_graph_request_total"))
    rows = [row["metric"] for row in query(here, "traces_service_graph_request_total")]
    assert ("gateway", "accounts") in {(row["client"], row["server"]) for row in rows}
    # Of several receivers of one message the connector counts the first alone.
    messages = [row for row in rows if row.get("connection_type") == "messaging_system"]
    assert "accounts" in {row["client"] for row in messages}
    assert {row["server"] for row in messages} - {"accounts"}
    assert "database" in {row.get("connection_type") for row in rows}
    now = time.time()

    def exemplars() -> set[str]:
        answer = httpx.get(
            f"{here.url('prometheus', 9090)}/api/v1/query_exemplars",
            params={
                "query": "http_server_request_duration_seconds_bucket",
                "start": str(now - 600),
                "end": str(time.time() + 60),
            },
            timeout=10,
        )
        return {e["labels"]["trace_id"] for s in answer.json()["data"] for e in s["exemplars"]}

    assert all(len(trace) == 32 for trace in wait_for(exemplars))


def test_every_rule_is_evaluated(
    run: tuple[Services, Watching],
) -> None:
    services, here = run
    answer = httpx.get(f"{here.url('prometheus', 9090)}/api/v1/rules", timeout=10).json()
    groups = answer["data"]["groups"]
    files = list((services.workspace / "observability/prometheus/rules").glob("*.yml"))
    wanted = {group["name"] for file in files for group in load(file)["groups"]}
    assert {group["name"] for group in groups} == wanted
    assert [r["lastError"] for g in groups for r in g["rules"] if r.get("lastError")] == []


def test_the_dead_mans_switch_is_fed_every_minute(run: tuple[Services, Watching]) -> None:
    """What calls when it hears nothing for some minutes must not call in between."""
    _, here = run

    def fed() -> int:
        return sum(found["path"] == "/dead-mans-switch" for found in here.notified)

    # The first may be late: what fires before Alertmanager is found is sent again a minute later.
    wait_for(lambda: fed() >= 1, 150)
    at = []
    for more in (fed() + 1, fed() + 2, fed() + 3):
        wait_for(lambda more=more: fed() >= more, 100)
        at.append(time.monotonic())
    assert max(later - earlier for earlier, later in pairwise(at)) < 75
