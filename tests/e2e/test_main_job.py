"""The main job on the sample: real PostgreSQL, NATS, processes and requests."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from support.commands import succeeds
from support.dashboards import correlations, dashboards, queries, written_labels
from support.emission import missing, names
from support.otlp_series import Exported

SAMPLE = Path(__file__).parents[2] / "sample_monolith"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the main job was done, up to the check."""
    folder = tmp_path_factory.mktemp("project")
    succeeds(folder, "analyze", str(SAMPLE))
    succeeds(folder, "plan")
    succeeds(folder, "scaffold")
    files = {p: p.read_bytes() for p in (folder / "workspace").rglob("*") if p.is_file()}
    assert " unchanged" in succeeds(folder, "scaffold")
    assert {p: p.read_bytes() for p in files} == files
    port = str(20_000 + hash(str(folder)) % 20_000)
    with Exported() as exported, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", exported.url)
        patch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "2000")
        report = succeeds(folder, "up", "--check", "--port", port)
    assert " passed, 0 failed" in report
    (folder / "series.json").write_text(json.dumps(exported.series), "utf-8")
    spans = {trace: [asdict(s) for s in spans] for trace, spans in exported.traces().items()}
    (folder / "spans.json").write_text(json.dumps(spans, default=str), "utf-8")
    return folder


# What the Collector and Prometheus make, or a fault.
ELSEWHERE = re.compile(r"(slo|migration):.*|up|ALERTS|chassis_outbox_failed_total")


def test_every_metric_and_label_of_every_panel_is_exported(project: Path) -> None:
    """As the names and labels that Prometheus makes of what the processes send by OTLP."""
    series = json.loads((project / "series.json").read_text("utf-8"))
    workspace = project / "workspace"
    boards = dashboards(workspace)
    asked = [query for path, board in boards.items() for query in queries(path, board)]
    asked += correlations(workspace)
    known = {name for query in asked if query.kind == "prometheus" for name in names(query.text)[0]}
    recorded = {name for name in known if ELSEWHERE.fullmatch(name)}
    assert len(known - recorded) > 20
    gone: dict[str, list[str]] = {}
    for query in asked:
        if query.kind == "prometheus":
            written = {f"{{{label}}}" for label in written_labels(query.text)}
            found = missing(query.text, lambda name: series.get(name, []), recorded)
            if left := sorted(set(found) - written):
                gone[query.place] = left
    assert gone == {}


def lines(project: Path, process: str) -> list[dict[str, Any]]:
    log = project / "workspace" / ".migrator" / "run" / "logs" / f"{process}.log"
    texts = log.read_text("utf-8").splitlines()
    return [json.loads(text) for text in texts if text.startswith("{")]


def test_one_trace_from_the_request_to_the_consumers(project: Path) -> None:
    [request] = [
        line
        for line in lines(project, "applications-web")
        if line.get("method") == "POST" and line.get("status") == 201
    ]
    assert request["route"] == "/api/jobs/<int:job_id>/applications"
    for consumer in ("notifications-inbox", "billing-inbox"):
        followed = [
            line
            for line in lines(project, consumer)
            if line.get("trace_id") == request["trace_id"] and line.get("result") == "applied"
        ]
        assert followed, consumer
        assert len({line["message_id"] for line in followed}) == len(followed)


def test_exported_spans_are_one_tree_from_the_gateway_to_the_consumers_statements(
    project: Path,
) -> None:
    [request] = [
        line
        for line in lines(project, "applications-web")
        if line.get("method") == "POST" and line.get("status") == 201
    ]
    traces = json.loads((project / "spans.json").read_text("utf-8"))
    spans = {span["id"]: span for span in traces[request["trace_id"]]}
    roots = [span for span in spans.values() if span["parent"] not in spans]
    assert [(root["service"], root["parent"]) for root in roots] == [("gateway", None)]
    ways = {tuple(_way(span, spans)) for span in spans.values() if _is_write(span)}
    assert ("gateway", "gateway", "applications web", "applications web") in ways
    after = ("applications relay", "notifications inbox", "notifications inbox")
    assert any(way[:3] == ("gateway", "gateway", "applications web") and way[-3:] == after
               for way in ways)  # fmt: skip


def _is_write(span: dict[str, Any]) -> bool:
    return str(span["attributes"].get("db.operation.name")) in ("INSERT", "UPDATE")


def _way(span: dict[str, Any], spans: dict[str, dict[str, Any]]) -> list[str]:
    """The processes from the root down to `span`, one a span."""
    place = f"{span['service']} {span['role']}" if span["service"] != "gateway" else "gateway"
    above = spans.get(span["parent"])
    return [*(_way(above, spans) if above else ()), place]


def test_no_message_died_or_was_tried_again(project: Path) -> None:
    services = [p.name for p in (project / "workspace" / "services").iterdir()]
    troubles = [
        line
        for service in services
        for role in ("inbox", "relay")
        for line in lines(project, f"{service}-{role}")
        if line["severity"] in ("WARNING", "ERROR")
    ]
    assert troubles == []


def test_verify_finds_only_what_waits_for_a_person(project: Path) -> None:
    found = json.loads(succeeds(project, "verify", "--format", "json"))["findings"]
    assert {f["severity"] for f in found} == {"warning"}
    assert {f["source"] for f in found} == {"jobmarket.accounts.privacy:erase_user"}


def test_an_edit_of_a_generated_file_survives(project: Path) -> None:
    path = project / "workspace" / "services" / "billing" / "jobmarket" / "billing" / "plans.py"
    edited = path.read_text("utf-8") + "\nOURS = 1\n"
    path.write_text(edited, "utf-8")
    succeeds(project, "scaffold")
    assert path.read_text("utf-8") == edited
