"""The live table and the journey of a request: pure parts, and a terminal that shows them."""

from __future__ import annotations

import io
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from migrator.run.journey import Span, farthest, services, tree
from migrator.run.live import Board, Sample, parse, quantile
from migrator.run.otlp import OtlpReceiver
from migrator.run.processes import Process
from migrator.run.screen import TerminalScreen

PAGE = """\
# TYPE http_server_request_duration_seconds histogram
http_server_request_duration_seconds_bucket{http_response_status_code="200",le="0.1"} 8.0
http_server_request_duration_seconds_bucket{http_response_status_code="200",le="+Inf"} 9.0
http_server_request_duration_seconds_count{http_response_status_code="200"} 9.0
http_server_request_duration_seconds_sum{http_response_status_code="200"} 1.0
http_server_request_duration_seconds_bucket{http_response_status_code="503",le="0.1"} 1.0
http_server_request_duration_seconds_bucket{http_response_status_code="503",le="+Inf"} 1.0
http_server_request_duration_seconds_count{http_response_status_code="503"} 1.0
http_server_request_duration_seconds_sum{http_response_status_code="503"} 0.01
# TYPE chassis_outbox_pending gauge
chassis_outbox_pending 4.0
# TYPE chassis_outbox_published_total counter
chassis_outbox_published_total 7.0
"""


def process(service: str, role: str) -> Process:
    return Process(service, role, (), Path(), (), metrics=f"http://x/{service}/{role}")


def test_page_tells_requests_failures_latency_and_messages() -> None:
    found = parse(PAGE)
    assert (found.requests, found.failed, found.pending, found.messages) == (10, 1, 4, 7)
    assert found.buckets == ((0.1, 9.0), (float("inf"), 10.0))


def test_rows_are_of_the_last_seconds() -> None:
    board = Board([process("jobs", "web"), process("jobs", "relay")])
    old, new = ((1.0, 10.0),), ((1.0, 30.0),)
    board.add(0.0, {"jobs-web": Sample(10, 1, old), "jobs-relay": Sample(pending=9, messages=1)})
    board.add(4.0, {"jobs-web": Sample(20, 1, new), "jobs-relay": Sample(pending=0, messages=5)})
    board.add(10.0, {"jobs-web": Sample(30, 5, new), "jobs-relay": Sample(pending=3, messages=5)})
    [row] = board.rows()
    assert row.rate == pytest.approx(2.0)
    assert row.errors == pytest.approx(0.2)
    assert row.p95 == pytest.approx(0.95)
    assert (row.pending, row.last_message, row.processes) == (3, 6.0, "2/2")


def test_process_that_is_away_or_began_anew_spoils_nothing() -> None:
    board = Board([process("jobs", "web"), process("jobs", "relay")])
    board.add(0.0, {"jobs-web": Sample(100, 50, ((1.0, 100.0),))})
    board.add(5.0, {"jobs-web": Sample(10, 0, ((1.0, 10.0),))})
    [row] = board.rows()
    assert (row.rate, row.errors, row.processes) == (2.0, 0.0, "1/2")
    assert (row.pending, row.last_message) == (None, None)


@given(st.lists(st.floats(0, 9.9), min_size=1, max_size=200), st.floats(0.01, 1))
def test_quantile_lies_in_the_bucket_of_the_true_one(values: list[float], share: float) -> None:
    bounds = [float(bound) for bound in range(1, 11)]
    histogram = [(bound, float(sum(v <= bound for v in values))) for bound in bounds]
    rank = min(len(values) - 1, max(0, -int(-share * len(values) // 1) - 1))
    true = sorted(values)[rank]
    found = quantile(share, [histogram])
    assert found is not None
    assert abs(found - true) <= 1.0 + 1e-9


def span(identity: str, parent: str | None, service: str, name: str, **more: object) -> Span:
    given_: dict[str, object] = {"kind": "internal", "start": 1.0, "end": 2.0, "role": "web"} | more
    return Span("t", identity, parent, service, name=name, **given_)  # type: ignore[arg-type]


JOURNEY = (
    span("c", "b", "jobs", "SELECT", start=1.2, attributes={"db.system.name": "postgresql"}),
    span("d", "b", "jobs", "SELECT", start=1.3, attributes={"db.system.name": "postgresql"}),
    span("a", None, "gateway", "GET /jobs", kind="server", start=1.0),
    span("b", "a", "jobs", "GET /jobs", start=1.1, attributes={"http.response.status_code": 200}),
    span("e", "a", "search", "process jobs", start=1.5, role="inbox", failed=True),
)


def test_tree_follows_parents_and_counts_equal_statements() -> None:
    found = [(line.indent, line.span.place, line.text, line.repeated) for line in tree(JOURNEY)]
    assert found == [
        ("", "gateway", "GET /jobs", 1),
        ("├─ ", "jobs", "GET /jobs → 200", 1),
        ("│  └─ ", "jobs", "SELECT", 2),
        ("└─ ", "search-inbox", "process jobs", 1),
    ]
    assert services(JOURNEY) == ("gateway", "jobs", "search")


def test_tree_folds_the_statements_by_which_the_chassis_keeps_its_books() -> None:
    texts = (
        "SET LOCAL synchronous_commit = off",
        "INSERT INTO inbox (consumer, message_id) VALUES (%s, %s)",
        "SELECT inbox_retry.position FROM inbox_retry",
        "INSERT INTO users (id) VALUES (%s)",
        "UPDATE partition_lease SET position=%s",
        "SELECT inboxes.id FROM inboxes",
    )
    spans = [
        span(str(i), None, "jobs", "SQL", start=float(i), end=i + 0.5,
             attributes={"db.system.name": "postgresql", "db.query.text": text})
        for i, text in enumerate(texts)
    ]  # fmt: skip
    lines = [(line.text, line.repeated) for line in tree(spans)]
    books = "(outbox and inbox bookkeeping)"
    assert lines == [(books, 3), (texts[3], 1), (books, 1), (texts[5], 1)]


def test_farthest_request_wins_and_background_work_does_not() -> None:
    short = (span("x", None, "gateway", "GET /", kind="server"),)
    lonely = (*JOURNEY[:2], span("y", None, "a", "x"), span("z", None, "b", "y"))
    assert farthest({"1": short, "2": JOURNEY, "3": lonely}) == JOURNEY
    assert farthest({"3": lonely}) == ()
    assert tree(()) == ()


@given(
    st.lists(st.tuples(st.integers(0, 9), st.none() | st.integers(0, 9)), unique_by=lambda p: p[0])
)
def test_every_span_outside_a_circle_is_told_once(pairs: list[tuple[int, int | None]]) -> None:
    spans = [
        span(str(i), None if p is None or p >= i else str(p), "s", f"n{i}", start=float(i))
        for i, p in pairs
    ]
    assert sum(line.repeated for line in tree(spans)) == len(spans)


def screen(terminal: bool) -> tuple[TerminalScreen, io.StringIO]:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=120, highlight=False)
    return TerminalScreen(console), stream


def test_table_is_for_terminals_and_a_pipe_stays_quiet() -> None:
    board = Board([process("jobs", "web")])
    board.add(0.0, {"jobs-web": Sample()})
    board.add(2.0, {"jobs-web": Sample(20, 2, ((0.5, 20.0),))})
    shown, stream = screen(terminal=True)
    assert shown.watches
    shown.figures(board.rows())
    shown.step("stopping")
    text = stream.getvalue()
    assert "requests/s" in text
    assert "10.0%" in text
    assert "475" in text
    assert not screen(terminal=False)[0].watches


def test_journey_is_printed_as_a_tree() -> None:
    shown, stream = screen(terminal=False)
    shown.journey(JOURNEY)
    text = stream.getvalue()
    assert "trace t: 5 spans in gateway, jobs, search" in text
    assert "│  └─ SELECT ×2" in text
    assert "process jobs failed" in text


def test_receiver_takes_what_the_sdk_exports() -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    with OtlpReceiver() as receiver:
        provider = TracerProvider(
            resource=Resource({"service.name": "jobs", "service.role": "web"})
        )
        exporter = OTLPSpanExporter(f"{receiver.url}/v1/traces")
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        tracer = provider.get_tracer("test")
        with tracer.start_as_current_span("outer"), tracer.start_as_current_span("inner"):
            pass
        assert httpx.post(f"{receiver.url}/v1/unknown", content=b"x").status_code == 200
        [spans] = receiver.traces().values()
    by_name = {found.name: found for found in spans}
    assert by_name["inner"].parent == by_name["outer"].id
    assert {found.service for found in spans} == {"jobs"}
