"""Small projects, and what of their entry points tests compare."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from migrator.analyze.pipeline import analyze
from migrator.model.graph import Graph


def graph_of(tmp_path: Path, **files: str) -> Graph:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for name, source in files.items():
        (package / f"{name}.py").write_text(dedent(source))
    return analyze(tmp_path)


def routes(graph: Graph) -> set[tuple[str | None, str | None, str]]:
    return {
        (p.method, p.path, p.definition.rpartition(":")[2])
        for p in graph.entry_points
        if p.kind == "route"
    }


def points(graph: Graph, kind: str) -> set[tuple[str, str]]:
    return {(p.name, p.definition.rpartition(":")[2]) for p in graph.entry_points if p.kind == kind}


def told(graph: Graph) -> set[tuple[str, str]]:
    return {(u.what, u.why) for u in graph.unresolved}
