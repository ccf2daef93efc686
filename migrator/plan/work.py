"""Units of work, and what of each can be handed over by a message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from migrator.model.graph import Graph
from migrator.plan.reachability import Edges


@dataclass(frozen=True, slots=True)
class Unit:
    """One transaction: begun by definition `start`, for `entry_points`; `tables` are written.

    Of these `awaited` are updated or deleted on the way by plain calls: parted from `start`, each
    is a step that must be answered and may have to be compensated. The others are only inserted,
    or written by a signal's handler: a message from the outbox of the same transaction does it.
    `writers` names the definitions that write each table.
    """

    start: str
    entry_points: tuple[str, ...]
    tables: tuple[str, ...]
    awaited: frozenset[str]
    writers: Mapping[str, tuple[str, ...]]

    def steps(self, owner_of: Mapping[str, str], table_owner: Mapping[str, str]) -> frozenset[str]:
        """The services beside its own that a saga would have to ask; empty where none is due."""
        owners = {table_owner[t] for t in self.awaited if t in table_owner}
        home = owner_of.get(self.start)
        if home not in {table_owner.get(t) for t in self.tables}:
            # It writes nothing itself: of the others the first commits alone.
            return frozenset(sorted(owners)[1:])
        return frozenset(owners - {home})


def units(graph: Graph, edges: Edges) -> list[Unit]:
    """Each unit of work once, however many entry points start it, by its start."""
    points: dict[str, set[str]] = {}
    tables: dict[str, set[str]] = {}
    parts: dict[str, set[str]] = {}
    for unit in graph.transactions:
        points.setdefault(unit.definition, set()).update({unit.entry_point or ""} - {""})
        tables.setdefault(unit.definition, set()).update(unit.tables)
        parts.setdefault(unit.definition, set()).update(unit.definitions)
    found = []
    for start in sorted(tables):
        called = edges.called(start) if len(tables[start]) > 1 else frozenset({start})
        awaited: set[str] = set()
        writers: dict[str, set[str]] = {}
        for definition in sorted(parts[start] | {start}):
            for access in edges.accesses.get(definition, ()):
                if access.writes:
                    writers.setdefault(access.table, set()).add(definition)
                    if access.mode != "insert" and definition in called:
                        awaited.add(access.table)
        found.append(
            Unit(
                start,
                tuple(sorted(points[start])),
                tuple(sorted(tables[start])),
                frozenset(awaited & tables[start]),
                {t: tuple(sorted(names)) for t, names in sorted(writers.items())},
            )
        )
    return found
