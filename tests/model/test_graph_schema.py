"""The published schema is the model's, and what `analyze` writes keeps to it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from support.graphs import big, sample

from migrator.model.graph import CoChange, Discrepancy, Graph, Observation
from migrator.model.graph_file import dump_graph, graph_bytes, read_graph
from migrator.model.graph_schema import dump_schema, graph_schema

PUBLISHED = Path(__file__).parents[2] / "docs/schemas/graph.schema.json"


def with_evidence() -> Graph:
    """A graph with something of every kind that evidence adds."""
    return replace(
        sample(),
        observations=(
            Observation("access", "a:b", "users", "read", 3, 1.5, True, False, ("SELECT ?",)),
            Observation("call", "a:b", "a:c", None, 1, 2.0, False, True),
        ),
        co_changes=(CoChange("a", "b", 2, 1.0),),
        discrepancies=(Discrepancy("table_without_code", "x", "no code names it"),),
        tables=tuple(replace(t, rows=7) for t in sample().tables),
    )


def test_the_published_schema_is_in_step_with_the_model() -> None:
    """If this fails: python -m migrator.model.graph_schema > docs/schemas/graph.schema.json"""
    assert PUBLISHED.read_text("utf-8") == dump_schema()


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(graph_schema())


@pytest.mark.parametrize("graph", [sample, with_evidence, lambda: big(50, 20), lambda: Graph("x")])
def test_what_is_written_validates(graph: Any) -> None:
    written = json.loads(dump_graph(graph()))
    errors = list(Draft202012Validator(graph_schema()).iter_errors(written))
    assert errors == []


def test_evidence_survives_the_file(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text(dump_graph(with_evidence()), "utf-8")
    assert read_graph(path) == with_evidence()


@pytest.mark.parametrize("doc", ["one\nline\tmore \x00", "\u2028 é 漢 \U0001f600", "half \ud800"])
def test_any_string_survives_the_file(doc: str, tmp_path: Path) -> None:
    first, *rest = sample().definitions
    graph = replace(sample(), definitions=(replace(first, doc=doc), *rest))
    path = tmp_path / "graph.json"
    path.write_bytes(graph_bytes(graph))
    assert read_graph(path) == graph
    assert len(path.read_bytes().splitlines()) == len(dump_graph(sample()).splitlines())


@pytest.mark.parametrize(
    "damage",
    [
        {"schema_version": 99},
        {"tables": [{"name": "x"}]},
        {"accesses": [{"definition": "a:b", "table": "t", "mode": "peek", "path": "", "line": 1}]},
        {"unresolved": "nothing"},
    ],
)
def test_what_is_no_graph_does_not_validate(damage: dict[str, Any]) -> None:
    written = json.loads(dump_graph(sample())) | damage
    assert not Draft202012Validator(graph_schema()).is_valid(written)
