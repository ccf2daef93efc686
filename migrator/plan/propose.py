"""Graph -> Plan: services, shared code, glue, cuts, order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from migrator.model.graph import Graph
from migrator.model.plan import GLUE, SHARED, Cut, Pin, Plan, Service
from migrator.plan.cluster import contexts
from migrator.plan.decide import decided
from migrator.plan.naming import named, purpose
from migrator.plan.order import ordered
from migrator.plan.reachability import Edges
from migrator.plan.resolve import assign, best
from migrator.plan.roles import roles


def propose(graph: Graph, services: int | None = None, pins: tuple[Pin, ...] = ()) -> Plan:
    """A Plan from nothing but the Graph; `services` wanted, or as many as the ties show."""
    found = roles(graph)
    shared = _used_by_several(graph, found.pure, found.glue)
    parts = contexts(graph, found.glue | shared, services)
    names = named(parts)
    owner_of = {d: name for name, part in zip(names, parts, strict=True) for d in part}
    moved = _pinned(owner_of, pins)
    home = {d.id: owner for d in graph.definitions if (owner := moved.get(d.id))}
    home |= {d.id: SHARED for d in graph.definitions if d.id in shared}
    home |= {d.id: GLUE for d in graph.definitions if d.id in found.glue}
    tables = {n.removeprefix("table:"): s for n, s in moved.items() if n.startswith("table:")}
    for table in graph.tables:
        if table.definition:
            home[table.definition] = tables[table.id]
    bare = _plan(graph, home, tables, pins)
    return completed(bare, graph)


def completed(plan: Plan, graph: Graph) -> Plan:
    """The plan with all its cuts and its order; decisions that people changed are kept."""
    assignment = assign(plan, graph)
    edges = Edges.of(graph)
    known = {(c.source, c.what, c.kind): c for c in plan.cuts}
    cuts: list[Cut] = []
    for service in plan.services:
        for cut in decided(service.name, assignment, graph, edges).cuts:
            before = known.get((cut.source, cut.what, cut.kind))
            if before and (before.target, before.decision) != (cut.target, cut.decision):
                cut = Cut(
                    cut.source, cut.target, cut.what, cut.kind,
                    before.decision, before.reason, cut.places,
                )  # fmt: skip
            cuts.append(cut)
    cuts.sort(key=lambda c: (c.source, c.target, c.kind, c.what))
    order = ordered(plan, tuple(cuts), graph)
    return Plan(plan.services, plan.shared, plan.glue, tuple(cuts), order, plan.pins, plan.version)


def _used_by_several(graph: Graph, pure: frozenset[str], glue: frozenset[str]) -> frozenset[str]:
    """Pure code that is used from more than one place that may part, and what it needs itself."""
    edges = Edges.of(graph)
    modules = {d.id: ".".join(d.module.split(".")[:2]) for d in graph.definitions}
    # A module below no package that holds only pure code belongs to no context.
    whole = {modules[n] for n in pure} - {
        modules[d.id] for d in graph.definitions if d.id not in pure
    }
    found = set()
    for name in pure:
        places = {modules[user] for user in edges.users(name)}
        drawer = modules[name] in whole and bool(edges.users(name))
        if len(places - {modules[name]}) > 1 or edges.users(name) & glue or drawer:
            found.add(name)
    while True:
        more = {n for name in found for n in edges.needs(name) if n in pure} - found
        if not more:
            return frozenset(found)
        found |= more


def _pinned(owner_of: Mapping[str, str], pins: tuple[Pin, ...]) -> dict[str, str]:
    rules = [(pin.what, pin.service) for pin in pins]
    return {
        name: best(name.removeprefix("table:"), rules) or owner for name, owner in owner_of.items()
    }


def _plan(
    graph: Graph, home: Mapping[str, str], tables: Mapping[str, str], pins: tuple[Pin, ...]
) -> Plan:
    names = sorted({*tables.values(), *home.values()} - {SHARED, GLUE})
    patterns = globs(graph, home)
    services = tuple(
        Service(
            name,
            purpose(name, [d for d in graph.definitions if home.get(d.id) == name], graph),
            tuple(sorted(t for t, owner in tables.items() if owner == name)),
            tuple(p for p, owner in patterns if owner == name),
        )
        for name in names
    )
    shared = tuple(p for p, owner in patterns if owner == SHARED)
    glue = tuple(p for p, owner in patterns if owner == GLUE)
    return Plan(services, shared, glue, pins=pins)


def globs(graph: Graph, home: Mapping[str, str]) -> list[tuple[str, str]]:
    """The shortest readable patterns that say `home`: a package or module where most agree, then
    the exceptions by name."""
    ids = [d.id for d in graph.definitions if d.id in home]
    found: list[tuple[str, str]] = []
    for prefix in sorted({p for name in ids for p in _prefixes(name)}):
        inside = [n for n in ids if _below(n, prefix)]
        owner, count = Counter(home[n] for n in inside).most_common(1)[0]
        pattern = f"{prefix}.*"
        if len(inside) > 2 and count * 4 >= len(inside) * 3 and owner != best(f"{prefix}:x", found):
            found.append((pattern, owner))
    found += [(name, home[name]) for name in sorted(ids) if best(name, found) != home[name]]
    return found


def _prefixes(name: str) -> Iterable[str]:
    parts = name.partition(":")[0].split(".")
    return (".".join(parts[:length]) for length in range(2, len(parts) + 1))


def _below(name: str, prefix: str) -> bool:
    return name.startswith((f"{prefix}.", f"{prefix}:"))
