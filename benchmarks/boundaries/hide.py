"""A Graph with every name taken away, so that only structure is left to plan from.

Done on the Graph, not on the source: the planner sees nothing but the Graph, so what is not in it
cannot give anything away; and a source whose files are renamed is no longer the application
(Django's labels, string references and template paths hang on the names), which would measure the
analyzer. Modules become ``m0001`` in one flat folder, in an order drawn by lot, definitions
``d00001``, tables ``t001``, columns ``c01``, entry points ``e0001``; docstrings, annotations,
expressions, names of constraints and texts of unresolved places are dropped.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from migrator.model.graph import Column, Constraint, Graph

_T = TypeVar("_T")


class Hidden:
    """`graph` without names; `names` maps each definition id there to the true one."""

    def __init__(self, graph: Graph, seed: int = 7) -> None:
        lot = random.Random(seed)
        modules = {m.name for m in graph.modules} | {d.module for d in graph.definitions}
        modules |= {i.target for i in graph.imports} | {i.source for i in graph.imports}
        self._modules = _renamed(modules, "m", lot)
        paths = {m.path: f"{self._modules[m.name]}.py" for m in graph.modules}
        self._paths = _renamed({d.path for d in graph.definitions}, "x", lot) | paths
        plain = _renamed((d.id for d in graph.definitions), "d", lot)
        self._definitions = {
            d.id: f"{self._modules[d.module]}:{plain[d.id]}" for d in graph.definitions
        }
        self._tables = _renamed((t.id for t in graph.tables), "t", lot)
        columns = {c.name for t in graph.tables for c in t.columns}
        columns |= {c for k in graph.foreign_keys for c in (*k.columns, *k.referred_columns)}
        columns |= {c for t in graph.tables for k in t.constraints for c in k.columns}
        self._columns = _renamed(columns, "c", lot)
        self._points = _renamed((f"{p.kind} {p.name}" for p in graph.entry_points), "e", lot)
        self.graph = self._hidden(graph)
        self.names = {hidden: true for true, hidden in self._definitions.items()}

    def _path(self, path: str) -> str:
        return self._paths.get(path, "x.py")

    def _table(self, name: str) -> str:
        return self._tables.get(name, "t_unknown")

    def _hidden(self, graph: Graph) -> Graph:
        ids, modules, points = self._definitions, self._modules, self._points
        return replace(
            graph,
            root="hidden",
            modules=_ordered(
                replace(m, name=modules[m.name], path=self._path(m.path)) for m in graph.modules
            ),
            definitions=_ordered(
                replace(
                    d,
                    id=ids[d.id],
                    path=self._path(d.path),
                    doc=None,
                    raises=tuple(sorted(ids[r] for r in d.raises if r in ids)),
                    parameters=(),
                    returns=None,
                )
                for d in graph.definitions
            ),
            tables=_ordered(
                replace(
                    t,
                    name=self._table(t.id),
                    schema=None,
                    columns=tuple(self._column(c) for c in t.columns),
                    path=self._path(t.path),
                    definition=ids.get(t.definition) if t.definition else None,
                    constraints=tuple(self._constraint(c) for c in t.constraints),
                )
                for t in graph.tables
            ),
            foreign_keys=_ordered(
                replace(
                    k,
                    source=self._table(k.source),
                    target=self._table(k.target),
                    columns=tuple(self._columns[c] for c in k.columns),
                    referred_columns=tuple(self._columns[c] for c in k.referred_columns),
                    path=self._path(k.path),
                    name=None,
                )
                for k in graph.foreign_keys
            ),
            relationships=_ordered(
                replace(
                    r,
                    definition=ids[r.definition],
                    attribute="r",
                    source=self._table(r.source),
                    target=self._table(r.target),
                    path=self._path(r.path),
                    secondary=self._table(r.secondary) if r.secondary else None,
                )
                for r in graph.relationships
                if r.definition in ids
            ),
            accesses=_ordered(
                replace(
                    a,
                    definition=ids[a.definition],
                    table=self._table(a.table),
                    path=self._path(a.path),
                )
                for a in graph.accesses
            ),
            dependencies=_ordered(
                replace(e, source=ids[e.source], target=ids[e.target]) for e in graph.dependencies
            ),
            imports=_ordered(
                replace(i, source=modules[i.source], target=modules[i.target])
                for i in graph.imports
            ),
            entry_points=_ordered(
                replace(
                    p,
                    name=points[f"{p.kind} {p.name}"],
                    path=f"/{points[f'{p.kind} {p.name}']}" if p.path else None,
                    definition=ids[p.definition],
                )
                for p in graph.entry_points
            ),
            transactions=_ordered(
                replace(
                    t,
                    definition=ids[t.definition],
                    entry_point="e" if t.entry_point else None,
                    tables=tuple(sorted(self._table(x) for x in t.tables)),
                    definitions=tuple(sorted(ids[x] for x in t.definitions)),
                )
                for t in graph.transactions
            ),
            unresolved=(),
        )

    def _column(self, column: Column) -> Column:
        return replace(column, name=self._columns[column.name], type="Integer", server_default=None)

    def _constraint(self, constraint: Constraint) -> Constraint:
        columns = tuple(self._columns[c] for c in constraint.columns)
        return replace(constraint, columns=columns, name=None, expression=None)


def _renamed(names: Iterable[str], letter: str, lot: random.Random) -> dict[str, str]:
    order = sorted(set(names))
    lot.shuffle(order)
    width = len(str(len(order)))
    return {name: f"{letter}{number:0{width}}" for number, name in enumerate(order, 1)}


def _ordered(items: Iterable[_T]) -> tuple[_T, ...]:
    """By what the renamed things are called now: the order of the source is a name as well."""
    return tuple(sorted(items, key=repr))
