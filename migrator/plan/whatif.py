"""What would be if: a plan with things moved or services joined, with nothing written."""

from __future__ import annotations

from dataclasses import replace

from migrator.model.errors import MigratorError
from migrator.model.graph import Graph
from migrator.model.plan import Cut, Pin, Plan, Service
from migrator.plan.propose import completed
from migrator.plan.resolve import matches


def moved(plan: Plan, graph: Graph, moves: tuple[tuple[str, str], ...]) -> Plan:
    """Each (name or glob, service): a table takes its model along. A service that the plan has not
    is a new one. Raises MigratorError for a name that the graph has not."""
    pins: list[Pin] = []
    services = list(plan.services)
    for what, goal in moves:
        tables = [t for t in graph.tables if matches(t.id, what)]
        names = {t.id for t in tables} | {t.definition for t in tables if t.definition}
        named = {d.id for d in graph.definitions if matches(d.id, what)}
        names |= named | {t.id for t in graph.tables if t.definition in named}
        if not names:
            raise MigratorError(f"--move {what}={goal}: no table or definition is called {what!r}")
        if goal not in {s.name for s in services}:
            services.append(Service(goal, f"Split off by hand: {what}.", (), ()))
        pins += [Pin(name, goal) for name in sorted(names)]
    taken = {p.what: p.service for p in pins}
    owned = {t.id for t in graph.tables} & taken.keys()
    kept = tuple(
        replace(
            s,
            tables=tuple(t for t in s.tables if t not in owned)
            + tuple(sorted(t for t in owned if taken[t] == s.name)),
        )
        for s in services
    )
    old = tuple(p for p in plan.pins if p.what not in taken)
    return completed(replace(plan, services=kept, pins=old + tuple(pins), order=()), graph)


def joined(plan: Plan, graph: Graph, one: str, other: str) -> Plan:
    """`other` becomes part of `one`. Raises MigratorError for a service that the plan has not."""
    known = {s.name: s for s in plan.services}
    for given in (one, other):
        if given not in known:
            raise MigratorError(f"--merge: no service {given!r}", hint=f"there are {_told(known)}")
    if one == other:
        raise MigratorError(f"--merge {one} {other}: two services expected")
    a, b = known[one], known[other]
    both = replace(
        a, tables=tuple(sorted({*a.tables, *b.tables})), definitions=a.definitions + b.definitions
    )
    services = tuple(both if s.name == one else s for s in plan.services if s.name != other)

    def name(service: str) -> str:
        return one if service == other else service

    cuts = tuple(_renamed(c, name(c.source), name(c.target)) for c in plan.cuts)
    pins = tuple(replace(p, service=name(p.service)) for p in plan.pins)
    kept = tuple(c for c in cuts if c.source != c.target)
    return completed(replace(plan, services=services, cuts=kept, pins=pins, order=()), graph)


def _renamed(cut: Cut, source: str, target: str) -> Cut:
    return replace(cut, source=source, target=target)


def _told(known: dict[str, Service]) -> str:
    return ", ".join(sorted(known))
