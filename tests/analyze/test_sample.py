"""What the analyzer sees of the sample, against what the sample itself declares."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from migrator.analyze.pipeline import analyze
from migrator.model.graph import Graph
from migrator.model.graph_file import dump_graph, read_graph

SAMPLE = Path(__file__).parents[2] / "sample_monolith"

ASK = """
import json
from jobmarket.app import create_app
from jobmarket.db import Base
app = create_app()
tables = {
    t.name: {
        "columns": {c.name: [bool(c.nullable), bool(c.primary_key)] for c in t.columns},
        "keys": sorted([k.parent.name, k.target_fullname] for k in t.foreign_keys),
    }
    for t in Base.metadata.tables.values()
}
routes = sorted(
    [m, r.rule] for r in app.url_map.iter_rules() if r.endpoint != "static"
    for m in r.methods - {"HEAD", "OPTIONS"}
)
print(json.dumps({"tables": tables, "routes": routes}))
"""


@cache
def graph() -> Graph:
    return analyze(SAMPLE)


@cache
def declared() -> dict[str, dict[str, dict[str, object]]]:
    """Tables and routes as the running application knows them."""
    result = subprocess.run(
        [sys.executable, "-c", ASK], cwd=SAMPLE, capture_output=True, text=True, check=True
    )
    found: dict[str, dict[str, dict[str, object]]] = json.loads(result.stdout)
    return found


def test_tables_and_columns_are_those_of_the_metadata() -> None:
    found = {
        t.name: {c.name: [c.nullable, c.primary_key] for c in t.columns} for t in graph().tables
    }
    assert found == {name: t["columns"] for name, t in declared()["tables"].items()}


def test_foreign_keys_are_those_of_the_metadata() -> None:
    found = sorted(
        [k.source, k.columns[0], f"{k.target}.{k.referred_columns[0]}"]
        for k in graph().foreign_keys
    )
    expected = sorted(
        [table, *key]
        for table, facts in declared()["tables"].items()
        for key in facts["keys"]  # type: ignore[attr-defined]
    )
    assert found == expected


def test_routes_are_those_of_the_url_map() -> None:
    found = sorted([p.method, p.path] for p in graph().entry_points if p.kind == "route")
    assert found == declared()["routes"]


def tangles() -> list[tuple[str, str, str]]:
    """The rows of the table in the sample's README: kind, where, what."""
    lines = (SAMPLE / "README.md").read_text("utf-8").splitlines()
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines if line[:2] == "| "]
    return [(c[0], c[1], c[2]) for c in cells if len(c) == 3 and c[1].startswith("jobmarket")]


WIDE = [where for kind, where, _ in tangles() if kind == "wide_transaction"]
LAZY = [where for kind, where, _ in tangles() if kind == "lazy_import"]
DYNAMIC = [where for kind, where, _ in tangles() if kind == "dynamic_import"]
RAW = [where for kind, where, _ in tangles() if kind == "raw_sql"]
JOINS = [where for kind, where, _ in tangles() if kind.startswith("cross_context")]
HANDLERS = [where for kind, where, _ in tangles() if kind == "signal_handler"]


def test_the_table_of_tangles_is_read() -> None:
    assert len(tangles()) >= 20
    assert all([WIDE, LAZY, DYNAMIC, RAW, JOINS, HANDLERS])


@pytest.mark.parametrize("where", WIDE)
def test_wide_transaction_is_seen(where: str) -> None:
    written = {t for u in graph().transactions if u.definition == where for t in u.tables}
    assert len(written) > 1


def test_apply_to_job_writes_what_four_contexts_own() -> None:
    found = [
        u
        for u in graph().transactions
        if u.definition == "jobmarket.applications.service:apply_to_job"
    ]
    assert {u.entry_point for u in found} == {"POST /api/jobs/<int:job_id>/applications"}
    assert {"applications", "quotas", "ledger_entries", "notifications"} <= set(found[0].tables)


@pytest.mark.parametrize("where", LAZY)
def test_lazy_import_is_seen(where: str) -> None:
    module = where.partition(":")[0]
    assert any(i.source == module and i.kind == "lazy" for i in graph().imports)


@pytest.mark.parametrize("where", DYNAMIC)
def test_dynamic_import_is_resolved(where: str) -> None:
    module = where.partition(":")[0]
    assert any(i.source == module and i.kind == "dynamic" for i in graph().imports)


@pytest.mark.parametrize("where", RAW)
def test_raw_sql_is_seen_or_told(where: str) -> None:
    """Its tables are known, or the text is among what was not resolved."""
    [definition] = [d for d in graph().definitions if d.id == where] or [None]
    assert definition is not None
    lines = range(definition.line, definition.end_line + 1)
    told = any(u.path == definition.path and u.line in lines for u in graph().unresolved)
    assert told or any(a.definition == where and a.how == "sql" for a in graph().accesses)


@pytest.mark.parametrize("where", JOINS)
def test_reads_across_contexts_are_seen(where: str) -> None:
    assert any(a.definition == where and a.mode == "read" for a in graph().accesses)


@pytest.mark.parametrize("where", HANDLERS)
def test_signal_leads_to_its_handler(where: str) -> None:
    assert any(d.target == where and d.kind == "signals" for d in graph().dependencies)


def test_same_input_same_bytes_and_back(tmp_path: Path) -> None:
    text = dump_graph(graph())
    assert dump_graph(analyze(SAMPLE)) == text
    path = tmp_path / "graph.json"
    path.write_text(text, "utf-8")
    assert read_graph(path) == graph()
