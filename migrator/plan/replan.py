"""A plan that exists, held against the code of today: people's words stay."""

from __future__ import annotations

from dataclasses import replace

from migrator.model.graph import Graph
from migrator.model.plan import Plan
from migrator.plan.propose import completed, globs, propose
from migrator.plan.resolve import assign


def replan(before: Plan, graph: Graph) -> Plan:
    """Services, tables and definitions stay as written; what is new in the code is placed with
    what it belongs to, what is gone goes, cuts and order are computed anew."""
    assignment = assign(before, graph)
    tables = {t.id for t in graph.tables}
    fresh = propose(graph, len(before.services), before.pins)
    placed = assign(fresh, graph)
    translation = _same_services(assignment.table_owner, placed.table_owner)
    home = dict(assignment.owner_of)
    for definition in graph.definitions:
        if definition.id not in home and definition.id in placed.owner_of:
            owner = placed.owner_of[definition.id]
            home[definition.id] = translation.get(owner, owner)
    owners = dict(assignment.table_owner)
    known = {s.name for s in before.services}
    for table, owner in placed.table_owner.items():
        goal = translation.get(owner, owner)
        if table not in owners and goal in known:
            owners[table] = goal
    added = [p for p in globs(graph, home) if assign_differs(p[0], home, assignment.owner_of)]
    services = tuple(
        replace(
            s,
            tables=tuple(t for t in s.tables if t in tables)
            + tuple(sorted(t for t, o in owners.items() if o == s.name and t not in s.tables)),
            definitions=s.definitions + tuple(p for p, owner in added if owner == s.name),
        )
        for s in before.services
    )
    return completed(replace(before, services=services), graph)


def assign_differs(name: str, home: dict[str, str], before: dict[str, str]) -> bool:
    """Whether the definition `name` had no owner before."""
    return name in home and name not in before


def _same_services(old: dict[str, str], new: dict[str, str]) -> dict[str, str]:
    """New service names by the old ones that share most tables."""
    found: dict[str, dict[str, int]] = {}
    for table, owner in new.items():
        if table in old:
            counts = found.setdefault(owner, {})
            counts[old[table]] = counts.get(old[table], 0) + 1
    return {owner: max(sorted(c), key=lambda n: c[n]) for owner, c in found.items()}
