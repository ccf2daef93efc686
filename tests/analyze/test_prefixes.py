"""What people say of URLs that the code computes."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.analyze.pipeline import analyze
from migrator.model.errors import MigratorError
from migrator.model.graph import Graph
from migrator.model.plan import Assignment
from migrator.scaffold.routing import routes_of, without_prefix

APP = """
from flask import Flask
from settings import BASE
app = Flask(__name__)

@app.route(BASE + "/orders/<regex('[a-z]{3}'):code>")
def orders(): ...

@app.get("/health")
def health(): ...
"""


def graph_of(folder: Path, settings: str = "") -> Graph:
    (folder / "app.py").write_text(APP)
    (folder / "migrator.toml").write_text(settings)
    return analyze(folder, workers=1)


def paths(graph: Graph) -> set[str | None]:
    return {p.path for p in graph.entry_points}


def test_a_part_that_is_computed_is_filled_in(tmp_path: Path) -> None:
    settings = "[analyze.prefixes]\n'BASE' = 'shop'\n'nowhere' = ''\n"
    graph = graph_of(tmp_path, settings)
    assert paths(graph) == {"/shop/orders/<regex('[a-z]{3}'):code>", "/health"}
    told = {(u.path, u.what, u.why) for u in graph.unresolved}
    assert ("migrator.toml", "prefix nowhere", "no route has it") in told
    assert not any(what == "prefix BASE" for _, what, _ in told)


def test_the_gateway_is_not_told_what_nobody_knows(tmp_path: Path) -> None:
    graph = graph_of(tmp_path)
    assert paths(graph) == {"${BASE}/orders/<regex('[a-z]{3}'):code>", "/health"}
    owner = {"app:orders": "shop", "app:health": "shop"}
    assignment = Assignment(owner, {})
    assert routes_of(graph, assignment, "shop") == (("GET", "/health"),)
    assert [p.partition(",")[0] for p in without_prefix(graph, assignment, "shop")] == [
        "1 routes have ${BASE} in their URL"
    ]


def test_a_prefix_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MigratorError, match="BASE: a text expected, 3 found") as error:
        graph_of(tmp_path, "[analyze.prefixes]\nBASE = 3\n")
    assert error.value.where is not None and error.value.where.endswith("migrator.toml:2")
