"""Traces as evidence: the formats, the conventions old and new, and what is concluded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from support import record_traces
from support.graphs import SAMPLE, sample

from migrator.analyze.evidence.spans import Span, read_spans
from migrator.analyze.evidence.traces import with_traces
from migrator.model.errors import MigratorError
from migrator.model.graph import (
    Access,
    Definition,
    Dependency,
    EntryPoint,
    Graph,
    Module,
    Observation,
    Table,
)

ROUTE, PAY, SAVE, IDLE = "shop.web:buy", "shop.pay:pay", "shop.pay:save", "shop.pay:idle"
PATHS = {"shop.web": "shop/web.py", "shop.pay": "shop/pay.py"}


def shop() -> Graph:
    """A route that calls `pay`, which calls `save`, which inserts into `orders`."""

    def definition(id_: str, line: int) -> Definition:
        return Definition(id_, "function", PATHS[id_.partition(":")[0]], line, line + 9)

    return Graph(
        root="shop",
        modules=tuple(Module(name, path, 50) for name, path in PATHS.items()),
        definitions=(
            definition(PAY, 1), definition(SAVE, 11), definition(IDLE, 21), definition(ROUTE, 1)
        ),
        tables=tuple(Table(n, None, (), "m.py", 1, "orm") for n in ("orders", "users", "stock")),
        accesses=(
            Access(SAVE, "orders", "insert", "shop/pay.py", 12, "orm", "certain"),
            Access(SAVE, "stock", "update", "shop/pay.py", 13, "orm", "certain"),
            Access(IDLE, "stock", "read", "shop/pay.py", 22, "orm", "certain"),
        ),
        dependencies=(
            Dependency(ROUTE, PAY, "calls", 1, 3),
            Dependency(PAY, SAVE, "calls", 1, 4),
            Dependency(SAVE, IDLE, "references", 1, 14),
        ),
        entry_points=(
            EntryPoint("route", "buy", "POST", "/orders/<int:id>", ROUTE, 1),
            EntryPoint("route", "list", "GET", "/orders", IDLE, 9),
        ),
    )  # fmt: skip


PG = "postgresql"
INSERT_NEW = {"db.query.text": "INSERT INTO orders VALUES (7, 'Eve')", "db.system.name": PG}
INSERT_OLD = {"db.statement": "INSERT INTO orders VALUES (%(a)s::INT, 'Eve')", "db.system": PG}
SELECT_NEW = {"db.query.text": "SELECT * FROM users WHERE id = ?", "db.system.name": PG}
NEW = [
    Span("t", "1", None, "a", 9.0, {"http.route": "/orders/{x}", "http.request.method": "POST"}),
    Span("t", "2", "1", "pay", 6.0, {"code.function.name": "shop.pay.pay"}),
    Span("t", "3", "2", "save", 5.0, {"code.function.name": "shop.pay.save"}),
    Span("t", "4", "3", "INSERT", 2.0, INSERT_NEW),
    Span("t", "5", "2", "SELECT", 1.0, SELECT_NEW),
]
OLD = [
    Span("t", "1", None, "a", 9.0, {"http.route": "/orders/<int:id>", "http.method": "POST"}),
    Span("t", "2", "1", "pay", 6.0, {"code.function": "pay", "code.namespace": "shop.pay"}),
    Span("t", "3", "2", "save", 5.0, {"code.filepath": "/srv/shop/pay.py", "code.lineno": 15}),
    Span("t", "4", "3", "INSERT", 2.0, INSERT_OLD),
    Span("t", "5", "2", "SELECT", 1.0, {"db.operation": "SELECT", "db.sql.table": "users"}),
]


def edges(graph: Graph) -> set[tuple[str, str, str, str | None, bool, bool]]:
    return {(o.kind, o.source, o.target, o.mode, o.exact, o.in_code) for o in graph.observations}


@pytest.mark.parametrize("spans", [NEW, OLD], ids=["stable names", "names before them"])
def test_what_ran_is_found_by_either_convention(spans: list[Span]) -> None:
    graph = with_traces(shop(), spans)
    assert edges(graph) == {
        ("request", ROUTE, "POST /orders/<int:id>", None, False, True),
        ("call", ROUTE, PAY, None, False, True),
        ("call", PAY, SAVE, None, True, True),
        ("access", SAVE, "orders", "insert", True, True),
        ("access", PAY, "users", "read", True, False),
    }
    added = [a for a in graph.accesses if a.how == "trace"]
    assert added == [Access(PAY, "users", "read", "shop/pay.py", 1, "trace", "likely")]


def test_what_was_never_seen_is_told_only_below_what_ran() -> None:
    told = {(d.kind, d.subject) for d in with_traces(shop(), NEW).discrepancies}
    assert told == {
        ("access_without_code", PAY),
        ("access_never_seen", SAVE),  # stock, in a function that ran
        ("entry_point_never_seen", "GET /orders"),
    }


def test_statements_are_kept_without_what_people_wrote() -> None:
    texts = [t for o in with_traces(shop(), NEW).observations for t in o.statements]
    assert texts
    assert not any("Eve" in t or "7" in t for t in texts)


def test_counts_and_times_are_summed() -> None:
    twice = [*NEW, *(Span("u", s.id, s.parent, s.name, s.milliseconds, s.attributes) for s in NEW)]
    (insert,) = [o for o in with_traces(shop(), twice).observations if o.mode == "insert"]
    assert (insert.count, insert.milliseconds) == (2, 4.0)


def test_what_is_not_there_is_not_guessed() -> None:
    spans = [
        Span("t", "1", None, "x", 1.0, {"code.function.name": "other.module.pay"}),
        Span("t", "2", "1", "y", 1.0, {"db.statement": "SELECT 1 FROM nowhere"}),
        Span("t", "3", "1", "z", 1.0, {"db.statement": "SELECT FROM WHERE ((", "db.system": "x"}),
        Span("t", "4", "4", "own parent", 1.0, {"http.route": "/none", "http.method": "GET"}),
    ]
    graph = with_traces(shop(), spans)
    assert graph.observations == ()
    assert [(d.kind, d.subject) for d in graph.discrepancies] == [("table_without_code", "nowhere")]
    assert [u.path for u in graph.unresolved] == ["(traces)"]


def jaeger(spans: list[Span]) -> dict[str, Any]:
    """The spans as Jaeger's query service writes them. Written here after its documented JSON;
    no Jaeger can run where these tests do."""
    return {
        "data": [
            {
                "traceID": "t",
                "spans": [
                    {
                        "traceID": s.trace,
                        "spanID": s.id,
                        "operationName": s.name,
                        "references": [
                            {"refType": "CHILD_OF", "traceID": s.trace, "spanID": s.parent}
                        ]
                        if s.parent
                        else [],
                        "startTime": 1_700_000_000_000_000,
                        "duration": int(s.milliseconds * 1000),
                        "tags": [
                            {"key": k, "type": "string", "value": v}
                            for k, v in s.attributes.items()
                        ],
                        "processID": "p1",
                    }
                    for s in spans
                ],
                "processes": {"p1": {"serviceName": "shop", "tags": []}},
            }
        ],
        "total": 0,
        "errors": None,
    }


def otlp(spans: list[Span]) -> dict[str, Any]:
    """The spans in the OTLP JSON encoding."""

    def value(held: Any) -> dict[str, Any]:
        return {"intValue": str(held)} if isinstance(held, int) else {"stringValue": held}

    encoded = [
        {
            "traceId": s.trace,
            "spanId": s.id,
            **({"parentSpanId": s.parent} if s.parent else {}),
            "name": s.name,
            "kind": 1,
            "startTimeUnixNano": "1700000000000000000",
            "endTimeUnixNano": str(1700000000000000000 + int(s.milliseconds * 1e6)),
            "attributes": [{"key": k, "value": value(v)} for k, v in s.attributes.items()],
        }
        for s in spans
    ]
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": encoded}]}]}


@pytest.mark.parametrize("spans", [NEW, OLD])
@pytest.mark.parametrize("write", [jaeger, otlp])
def test_files_of_either_format(tmp_path: Path, spans: list[Span], write: Any) -> None:
    path = tmp_path / "traces.json"
    path.write_text(json.dumps(write(spans)))
    assert read_spans(str(path)) == tuple(spans)


def test_a_document_a_line_and_a_folder_of_them(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(otlp([s])) for s in NEW) + "\n")
    (tmp_path / "b.json").write_text(json.dumps(jaeger(NEW[:2])))
    (tmp_path / "c.txt").write_text("not read")
    assert read_spans(str(tmp_path)) == tuple(NEW)


class _Jaeger(BaseHTTPRequestHandler):
    """Two of the paths of Jaeger's query service, answering with fixed documents."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        answers = {"/ui/api/services": {"data": ["shop", "jaeger"], "total": 2}}
        if query.get("service") == ["shop"] and query.get("limit"):
            answers["/ui/api/traces"] = jaeger(NEW)
        body = json.dumps(answers.get(url.path, {})).encode()
        self.send_response(200 if url.path in answers else 404)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def jaeger_url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Jaeger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/ui"
        server.shutdown()


def test_the_http_api_of_jaeger(jaeger_url: str) -> None:
    assert read_spans(jaeger_url) == tuple(NEW)
    assert read_spans(f"{jaeger_url}/?service=shop") == tuple(NEW)
    with pytest.raises(MigratorError, match="HTTP 404"):
        read_spans(f"{jaeger_url}?service=nobody")


@pytest.mark.parametrize("text", ["{}", "[]", "{broken", '{"data": [{}]}', '{"resourceSpans": 3}'])
def test_a_file_that_holds_no_traces_is_one_message(tmp_path: Path, text: str) -> None:
    path = tmp_path / "traces.json"
    path.write_text(text)
    with pytest.raises(MigratorError, match="Jaeger's JSON") as caught:
        read_spans(str(path))
    assert caught.value.where == f"{path}:1"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, postgres_server: Any) -> Graph:
    """The sample's graph with real spans: its own tests of jobs, run under OpenTelemetry."""
    output = tmp_path_factory.mktemp("traces") / "spans.json"
    url = postgres_server.create_database(f"traces_{os.getpid()}")
    url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    done = subprocess.run(
        [sys.executable, record_traces.__file__, str(output), "tests/test_jobs.py"],
        cwd=SAMPLE, env=os.environ | {"TEST_DATABASE_URL": url}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return with_traces(sample(), read_spans(str(output)))


def observed(graph: Graph, source: str) -> dict[tuple[str, str | None], Observation]:
    return {(o.target, o.mode): o for o in graph.observations if o.source == source and o.exact}


def test_real_traces_of_the_sample_agree_with_the_analysis(recorded: Graph) -> None:
    publish = observed(recorded, "jobmarket.jobs.service:publish_job")
    assert publish["jobs", "update"].in_code
    assert publish["jobs", "update"].count > 10
    assert any("UPDATE jobs" in s for s in publish["jobs", "update"].statements)
    requests = {o.target: o.count for o in recorded.observations if o.kind == "request"}
    assert requests["POST /api/jobs/<int:job_id>/publish"] > 10
    assert not [u for u in recorded.unresolved if u.path == "(traces)"]


def test_real_traces_say_what_did_not_run(recorded: Graph) -> None:
    never = {d.subject for d in recorded.discrepancies if d.kind == "entry_point_never_seen"}
    assert "DELETE /api/me" in never
    assert "POST /api/jobs/<int:job_id>/publish" not in never


def test_what_the_analysis_misses_is_few(recorded: Graph) -> None:
    accesses = [o for o in recorded.observations if o.kind == "access"]
    missed = [o for o in accesses if not o.in_code]
    assert len(accesses) > 50
    assert len(missed) <= 0.15 * len(accesses)
