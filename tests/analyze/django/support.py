"""Small Django projects, written to a folder and analysed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from migrator.analyze.pipeline import analyze
from migrator.model.graph import Graph, Table

HEAD = "from django.db import models\n"


def project(folder: Path, files: Mapping[str, str]) -> Graph:
    """The graph of these files; packages get their ``__init__.py``, ``models.py`` its import."""
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        head = HEAD if file.name == "models.py" else ""
        file.write_text(head + dedent(text))
    for file in list(folder.rglob("*.py")):
        for above in file.relative_to(folder).parents:
            if above != Path():
                (folder / above / "__init__.py").touch()
    return analyze(folder, workers=1)


def tables(graph: Graph) -> dict[str, Table]:
    return {t.id: t for t in graph.tables}


def columns(graph: Graph, table: str) -> set[str]:
    return {c.name for c in tables(graph)[table].columns}


def keys(graph: Graph) -> set[tuple[str, str, str, str]]:
    """(table, column, table, column) of every foreign key."""
    return {(k.source, k.columns[0], k.target, k.referred_columns[0]) for k in graph.foreign_keys}


def touched(graph: Graph, name: str) -> set[tuple[str, str]]:
    """(table, mode) of the definition with this name."""
    return {(a.table, a.mode) for a in graph.accesses if a.definition.endswith(f":{name}")}


def untold(graph: Graph) -> list[str]:
    return [f"{u.path}:{u.line} {u.what}: {u.why}" for u in graph.unresolved]
