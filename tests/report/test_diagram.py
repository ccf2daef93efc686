"""Mermaid and DOT: what is drawn, and that their own parsers take it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from support.graphs import big, sample, sample_plan

from migrator.model.graph import Graph
from migrator.report.diagram import MOST_EDGES, MOST_TABLES, diagram, dot, mermaid

MERMAID = Path(__file__).parents[2] / ".venv/mermaid/node_modules/mermaid/dist/mermaid.min.js"
EVIL = 'a"]; b --> c %% <b>&quot; `x` \\ # } end'


def evil() -> Graph:
    """The sample with a table and a package whose names are syntax everywhere."""
    graph = sample()
    tables = tuple(replace(t, name=EVIL) if t.name == "users" else t for t in graph.tables)
    accesses = tuple(replace(a, table=EVIL) if a.table == "users" else a for a in graph.accesses)
    return replace(graph, tables=tables, accesses=accesses)


GRAPHS = {"sample": sample, "big": lambda: big(600, 300), "evil": evil}


def test_what_crosses_services_is_drawn() -> None:
    plan = sample_plan()[1]
    drawn = diagram(sample(), plan)
    nodes = {node: table for *_, tables in drawn.groups for node, table in tables}
    names = {number: name for number, name, *_ in drawn.groups}
    found = {(names[e.source], nodes[e.target]) for e in drawn.edges if e.kind == "write"}
    expected = {
        (plan.owner_of[a.definition], a.table)
        for a in sample().accesses
        if a.writes and plan.owner_of[a.definition] != plan.table_owner[a.table]
    }
    assert found == expected


def test_big_graphs_stay_readable_and_say_what_is_left_out() -> None:
    drawn = diagram(big())
    assert len(drawn.edges) <= MOST_EDGES
    assert sum(len(tables) for *_, tables in drawn.groups) <= MOST_TABLES
    assert f"{1000 - MOST_TABLES} tables" in mermaid(drawn)
    assert "lighter edges" in dot(drawn)


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.skipif(not shutil.which("dot"), reason="needs Debian's graphviz")
def test_graphviz_reads_the_dot(name: str) -> None:
    drawn = diagram(GRAPHS[name]())
    done = subprocess.run(
        ["dot", "-Tplain"], input=dot(drawn), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "syntax" not in done.stderr
    heads = [line.split()[0] for line in done.stdout.splitlines()]
    assert heads.count("edge") == len(drawn.edges)
    tables = sum(len(t) for *_, t in drawn.groups)
    assert heads.count("node") == len(drawn.groups) + tables


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.skipif(
    not MERMAID.exists() or not shutil.which("chromedriver"),
    reason="needs chromium and: npm install --prefix .venv/mermaid mermaid@11",
)
def test_mermaid_reads_and_draws_the_mermaid(name: str, tmp_path: Path, browser: object) -> None:
    drawn = diagram(GRAPHS[name]())
    page = tmp_path / "page.html"
    page.write_text(
        f'<meta charset="utf-8"><body><script src="{MERMAID.as_uri()}"></script></body>'
    )
    browser.get(page.as_uri())  # type: ignore[attr-defined]
    asked = (
        "const [text, done] = arguments; mermaid.initialize({startOnLoad: false});"
        "mermaid.parse(text).then(() => mermaid.render('m', text))"
        ".then(r => { document.body.innerHTML = r.svg; done('drawn'); }, e => done(String(e)))"
    )
    assert browser.execute_async_script(asked, mermaid(drawn)) == "drawn"  # type: ignore[attr-defined]
    count = "return document.querySelectorAll('.node').length"
    tables = sum(len(t) for *_, t in drawn.groups)
    assert browser.execute_script(count) == len(drawn.groups) + tables  # type: ignore[attr-defined]
    if name == "evil":
        shown = browser.execute_script("return document.body.textContent")  # type: ignore[attr-defined]
        assert 'a"]; b --> c' in shown
