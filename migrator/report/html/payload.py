"""What the page knows: the Graph as compact JSON-able lists. `assets/data.js` reads it.

Rows are lists, and modules, tables and definitions are told by index, so that a graph of 5,000
nodes stays a page of a few megabytes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from migrator.model.graph import Column, Graph
from migrator.model.plan import Assignment, Plan
from migrator.report.grouping import Grouping, grouping
from migrator.report.html.layout import CELL, layout

MODES = ("read", "insert", "update", "delete")
_TABLE_TIE = {"read": 1.0, "insert": 2.0, "update": 2.0, "delete": 2.0}


@dataclass(frozen=True, slots=True)
class _Index:
    """Numbers of modules, tables, definitions and groups. Node numbers: modules, then tables."""

    modules: dict[str, int]
    tables: dict[str, int]
    definitions: dict[str, int]
    groups: dict[str, int]


def payload(graph: Graph, plan: Plan | None, assignment: Assignment | None) -> dict[str, Any]:
    """Everything that the page shows. Keys: see the functions below, in the same order."""
    groups = grouping(graph, assignment)
    index = _index(graph, groups)
    calls = _calls(graph, index)
    placed = layout(
        _group_numbers(graph, groups, index),
        len(groups.names),
        _ties(graph, index, calls),
    )
    shift = len(graph.modules)
    return {
        "title": PurePosixPath(graph.root).name or graph.root,
        "cell": CELL,
        "kind": groups.kind,
        "stats": graph.stats,
        "groups": _groups(plan, groups, placed.discs),
        "modules": _modules(graph, groups, index, placed.nodes[:shift]),
        "tables": _tables(graph, groups, index, placed.nodes[shift:]),
        "definitions": _definitions(graph, groups, index),
        "accesses": _accesses(graph, index),
        "calls": [[a, b, weight] for (a, b), weight in sorted(calls.items())],
        "keys": _keys(graph, index),
        "entries": _entries(graph, index),
        "transactions": _transactions(graph, index),
        "cuts": _cuts(plan),
        "unresolved": [[u.path, u.line, u.what, u.why] for u in graph.unresolved],
        "discrepancies": [
            [d.kind, d.subject, d.detail, d.path, d.line] for d in graph.discrepancies
        ],
        "observations": _observations(graph, index),
        "cochanges": [
            [index.modules[c.source], index.modules[c.target], c.commits, round(c.weight, 2)]
            for c in graph.co_changes
            if c.source in index.modules and c.target in index.modules
        ],
    }


def _index(graph: Graph, groups: Grouping) -> _Index:
    return _Index(
        {m.name: i for i, m in enumerate(graph.modules)},
        {t.id: i for i, t in enumerate(graph.tables)},
        {d.id: i for i, d in enumerate(graph.definitions)},
        {name: i for i, name in enumerate(groups.names)},
    )


def _group_numbers(graph: Graph, groups: Grouping, index: _Index) -> list[int]:
    names = [groups.modules[m.name] for m in graph.modules]
    names += [groups.tables[t.id] for t in graph.tables]
    return [index.groups[name] for name in names]


def _calls(graph: Graph, index: _Index) -> Counter[tuple[int, int]]:
    """Places in module a's code that need module b, by module numbers."""
    found: Counter[tuple[int, int]] = Counter()
    for edge in graph.dependencies:
        a = index.modules.get(edge.source.partition(":")[0])
        b = index.modules.get(edge.target.partition(":")[0])
        if a is not None and b is not None and a != b:
            found[a, b] += edge.weight
    return found


def _ties(
    graph: Graph, index: _Index, calls: Counter[tuple[int, int]]
) -> dict[tuple[int, int], float]:
    """What draws two nodes together on the map."""
    shift = len(graph.modules)
    ties: dict[tuple[int, int], float] = defaultdict(float)
    for (a, b), weight in calls.items():
        ties[min(a, b), max(a, b)] += weight
    for access in graph.accesses:
        module = index.modules.get(access.definition.partition(":")[0])
        table = index.tables.get(access.table)
        if module is not None and table is not None:
            ties[module, shift + table] += _TABLE_TIE[access.mode]
    for key in graph.foreign_keys:
        source, target = index.tables.get(key.source), index.tables.get(key.target)
        if source is not None and target is not None and source != target:
            ties[shift + min(source, target), shift + max(source, target)] += 1.0
    return ties


def _groups(plan: Plan | None, groups: Grouping, discs: Any) -> list[list[Any]]:
    """[name, purpose, place in the order of migration or 0, its reason, x, y, r]"""
    purposes = {s.name: s.purpose for s in plan.services} if plan else {}
    order = {s.service: (n, s.reason) for n, s in enumerate(plan.order, 1)} if plan else {}
    rows = []
    for name, disc in zip(groups.names, discs, strict=True):
        number, reason = order.get(name, (0, ""))
        place = [round(v, 1) for v in (disc.x, disc.y, disc.r)]
        rows.append([name, purposes.get(name, ""), number, reason, *place])
    return rows


def _modules(graph: Graph, groups: Grouping, index: _Index, places: Any) -> list[list[Any]]:
    """[name, path, lines, group, x, y, [[group, definitions], …]]"""
    split: dict[str, Counter[int]] = defaultdict(Counter)
    for d in graph.definitions:
        split[d.module][index.groups[groups.of(d.id)]] += 1
    return [
        [
            m.name,
            m.path,
            m.lines,
            index.groups[groups.modules[m.name]],
            round(x, 1),
            round(y, 1),
            [list(part) for part in split[m.name].most_common()],
        ]
        for m, (x, y) in zip(graph.modules, places, strict=True)
    ]


def _tables(graph: Graph, groups: Grouping, index: _Index, places: Any) -> list[list[Any]]:
    """[id, path, line, group, x, y, source, definition, rows, columns]"""
    return [
        [
            t.id,
            t.path,
            t.line,
            index.groups[groups.tables[t.id]],
            round(x, 1),
            round(y, 1),
            t.source,
            t.definition,
            t.rows,
            [[c.name, c.type, _flags(c)] for c in t.columns],
        ]
        for t, (x, y) in zip(graph.tables, places, strict=True)
    ]


def _flags(column: Column) -> str:
    told = [
        "primary key" if column.primary_key else "",
        "unique" if column.unique else "",
        "" if column.nullable or column.primary_key else "not null",
        "index" if column.index else "",
    ]
    return ", ".join(t for t in told if t)


def _definitions(graph: Graph, groups: Grouping, index: _Index) -> list[list[Any]]:
    """[name, module, line, group]"""
    return [
        [d.name, index.modules.get(d.module, -1), d.line, index.groups[groups.of(d.id)]]
        for d in graph.definitions
    ]


def _accesses(graph: Graph, index: _Index) -> list[list[Any]]:
    """[definition, table, mode, line, how, 1 where likely, path where it is not the module's]"""
    paths = {d.id: d.path for d in graph.definitions}
    rows = []
    for a in graph.accesses:
        if a.definition not in index.definitions or a.table not in index.tables:
            continue
        row = [
            index.definitions[a.definition],
            index.tables[a.table],
            MODES.index(a.mode),
            a.line,
            a.how,
            int(a.confidence == "likely"),
        ]
        rows.append(row if paths[a.definition] == a.path else [*row, a.path])
    return rows


def _keys(graph: Graph, index: _Index) -> list[list[Any]]:
    """[table, referred table, columns, referred columns, place, known from]"""
    return [
        [
            index.tables[k.source],
            index.tables[k.target],
            list(k.columns),
            list(k.referred_columns),
            f"{k.path}:{k.line}" if k.path else "",
            k.known_from,
        ]
        for k in graph.foreign_keys
        if k.source in index.tables and k.target in index.tables
    ]


def _entries(graph: Graph, index: _Index) -> list[list[Any]]:
    """[kind, label, definition]"""
    return [
        [p.kind, f"{p.method} {p.path}" if p.kind == "route" else p.name, number]
        for p in graph.entry_points
        if (number := index.definitions.get(p.definition)) is not None
    ]


def _transactions(graph: Graph, index: _Index) -> list[list[Any]]:
    """[definition, [entry point, …], [table, …], [writing definition, …]], the widest first."""
    points: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for unit in graph.transactions:
        found = points[unit.definition, unit.tables, unit.definitions]
        if unit.entry_point:
            found.append(unit.entry_point)
    rows = [
        [
            index.definitions[definition],
            sorted(entry_points),
            [index.tables[t] for t in tables if t in index.tables],
            [index.definitions[d] for d in writers if d in index.definitions],
        ]
        for (definition, tables, writers), entry_points in points.items()
        if definition in index.definitions
    ]
    return sorted(rows, key=lambda r: (-len(r[2]), r[0]))


def _cuts(plan: Plan | None) -> list[list[Any]]:
    """[from, to, what, kind, decision, reason, [place, …]]"""
    return [
        [c.source, c.target, c.what, c.kind, c.decision, c.reason, list(c.places)]
        for c in (plan.cuts if plan else ())
    ]


def _observations(graph: Graph, index: _Index) -> list[list[Any]]:
    """[kind, definition, target text, mode, count, milliseconds, exact, in code, [SQL, …]]"""
    return [
        [
            o.kind,
            index.definitions.get(o.source, -1),
            o.target,
            o.mode,
            o.count,
            round(o.milliseconds, 1),
            int(o.exact),
            int(o.in_code),
            list(o.statements),
        ]
        for o in graph.observations
    ]
