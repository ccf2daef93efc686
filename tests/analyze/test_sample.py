"""What the analyzer sees of the sample, against what the sample itself declares."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

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


def test_apply_to_job_writes_what_four_contexts_own() -> None:
    found = [
        u
        for u in graph().transactions
        if u.definition == "jobmarket.applications.service:apply_to_job"
    ]
    assert {u.entry_point for u in found} == {"POST /api/jobs/<int:job_id>/applications"}
    assert {"applications", "quotas", "ledger_entries", "notifications"} <= set(found[0].tables)


def test_same_input_same_bytes_and_back(tmp_path: Path) -> None:
    text = dump_graph(graph())
    assert dump_graph(analyze(SAMPLE)) == text
    path = tmp_path / "graph.json"
    path.write_text(text, "utf-8")
    assert read_graph(path) == graph()
