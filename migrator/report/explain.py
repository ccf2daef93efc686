"""`analyze --explain NAME`: what the Graph knows of one table, definition or module."""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from migrator.model.errors import MigratorError
from migrator.model.graph import (
    Access,
    CoChange,
    Dependency,
    Discrepancy,
    EntryPoint,
    ForeignKey,
    Graph,
    Observation,
    Table,
    Transaction,
)

_FLOWS = ("calls", "signals")


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that touches `name`. For a table: who reads and writes it. For a definition or module:
    what it reads and writes, calls and is called by. `entry_points` are those from which calls or
    signals lead here."""

    kind: str
    name: str
    path: str
    line: int
    table: Table | None
    writes: tuple[Access, ...]
    reads: tuple[Access, ...]
    points_to: tuple[ForeignKey, ...]
    pointed_to_by: tuple[ForeignKey, ...]
    calls: tuple[Dependency, ...]
    called_by: tuple[Dependency, ...]
    transactions: tuple[Transaction, ...]
    entry_points: tuple[str, ...]
    observations: tuple[Observation, ...]
    co_changes: tuple[CoChange, ...]
    discrepancies: tuple[Discrepancy, ...]


def explain(graph: Graph, name: str) -> tuple[Explanation, ...]:
    """One explanation for each thing of that name: tables before modules before definitions.

    Raises MigratorError with the nearest names where there is none.
    """
    tables = [t for t in graph.tables if t.id == name] or [
        t for t in graph.tables if t.name == name
    ]
    found = [_table(graph, table) for table in tables]
    found += [
        _code(
            graph,
            "module",
            m.name,
            m.path,
            1,
            {d.id for d in graph.definitions if d.module == m.name},
        )
        for m in graph.modules
        if name in (m.name, m.path)
    ]
    definitions = [d for d in graph.definitions if d.id == name]
    if not found and not definitions:
        definitions = [d for d in graph.definitions if d.name == name]
    found += [_code(graph, d.kind, d.id, d.path, d.line, {d.id}) for d in definitions]
    if not found:
        raise MigratorError(f"--explain {name}: nothing of that name", hint=_hint(graph, name))
    return tuple(found)


def as_json(explanations: Iterable[Explanation]) -> str:
    """A list of explanations, each with the fields of `Explanation`."""
    return (
        json.dumps([dataclasses.asdict(e) for e in explanations], indent=1, ensure_ascii=False)
        + "\n"
    )


def _table(graph: Graph, table: Table) -> Explanation:
    accesses = [a for a in graph.accesses if a.table == table.id]
    return Explanation(
        "table",
        table.id,
        table.path,
        table.line,
        table,
        writes=tuple(a for a in accesses if a.writes),
        reads=tuple(a for a in accesses if not a.writes),
        points_to=tuple(k for k in graph.foreign_keys if k.source == table.id),
        pointed_to_by=tuple(k for k in graph.foreign_keys if k.target == table.id),
        calls=(),
        called_by=(),
        transactions=tuple(t for t in graph.transactions if table.id in t.tables),
        entry_points=_entry_points(graph, {a.definition for a in accesses}),
        observations=tuple(o for o in graph.observations if o.target == table.id),
        co_changes=(),
        discrepancies=tuple(
            d
            for d in graph.discrepancies
            if table.id in (d.subject, d.subject.partition(" ")[2], d.subject.rpartition(".")[0])
        ),
    )


def _code(
    graph: Graph, kind: str, name: str, path: str, line: int, inside: set[str]
) -> Explanation:
    accesses = [a for a in graph.accesses if a.definition in inside]
    edges = graph.dependencies
    return Explanation(
        kind,
        name,
        path,
        line,
        None,
        writes=tuple(a for a in accesses if a.writes),
        reads=tuple(a for a in accesses if not a.writes),
        points_to=(),
        pointed_to_by=(),
        calls=tuple(e for e in edges if e.source in inside and e.target not in inside),
        called_by=tuple(e for e in edges if e.target in inside and e.source not in inside),
        transactions=tuple(
            t for t in graph.transactions if inside & {t.definition, *t.definitions}
        ),
        entry_points=_entry_points(graph, inside),
        observations=tuple(
            o for o in graph.observations if o.source in inside or o.target in inside
        ),
        co_changes=tuple(c for c in graph.co_changes if name in (c.source, c.target)),
        discrepancies=tuple(
            d for d in graph.discrepancies if d.subject.partition(" ")[0] in inside
        ),
    )


def label(point: EntryPoint) -> str:
    """How an entry point is called in lists: ``GET /jobs``, ``task close_month``."""
    return f"{point.method} {point.path}" if point.kind == "route" else f"{point.kind} {point.name}"


def _entry_points(graph: Graph, targets: set[str]) -> tuple[str, ...]:
    """The entry points from which `targets` can be reached: backwards, so once for all."""
    before: dict[str, list[str]] = defaultdict(list)
    for edge in graph.dependencies:
        if edge.kind in _FLOWS:
            before[edge.target].append(edge.source)
    reached, waiting = set(targets), list(targets)
    while waiting:
        for source in before[waiting.pop()]:
            if source not in reached:
                reached.add(source)
                waiting.append(source)
    points = [p for p in graph.entry_points if p.definition in reached and p.kind != "signal"]
    return tuple(sorted({label(p) for p in points}))


def _hint(graph: Graph, name: str) -> str:
    names = [t.id for t in graph.tables] + [m.name for m in graph.modules]
    names += [d.name for d in graph.definitions] + [d.id for d in graph.definitions]
    known = dict.fromkeys(names)
    lower: dict[str, str] = {}
    for known_name in known:
        lower.setdefault(known_name.lower(), known_name)
    near = [lower[n] for n in difflib.get_close_matches(name.lower(), lower, 5, 0.6)]
    near += [n for n in known if len(name) > 2 and name.lower() in n.lower() and n not in near]
    if not near:
        return "a table, a module (package.module) or a definition (package.module:Name) expected"
    return f"did you mean {', '.join(near[:5])}?"
