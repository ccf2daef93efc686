"""Graph -> Plan: services, shared code, glue, cuts, order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from migrator.model.graph import Definition, Graph
from migrator.model.plan import GLUE, SHARED, Cut, Pin, Plan, Service
from migrator.model.plan_cuts import COPIED
from migrator.plan.candidates import Choice, choose
from migrator.plan.constraints import constraints
from migrator.plan.costs import priced
from migrator.plan.decide import decided
from migrator.plan.files import whole_files
from migrator.plan.moves import settled
from migrator.plan.naming import named, purpose
from migrator.plan.order import ordered
from migrator.plan.reachability import Edges
from migrator.plan.resolve import Patterns, assign
from migrator.plan.roles import Roles, homes, roles, unowned
from migrator.plan.sagas import sagas
from migrator.plan.search import Search, as_sets
from migrator.plan.settings import Settings
from migrator.plan.ties import TABLE, drawers, ties
from migrator.plan.work import units


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan, and the candidates that it was chosen from."""

    plan: Plan
    choice: Choice


def propose(
    graph: Graph,
    services: int | None = None,
    pins: tuple[Pin, ...] = (),
    settings: Settings | None = None,
) -> Plan:
    """A Plan from nothing but the Graph; `services` wanted, or as many as the knee shows.

    Raises MigratorError where pins or rules name what is not there, or contradict each other.
    """
    return proposal(graph, services, pins, settings).plan


def proposal(
    graph: Graph,
    services: int | None = None,
    pins: tuple[Pin, ...] = (),
    settings: Settings | None = None,
) -> Proposal:
    """As `propose`, with the candidates beside it."""
    plan, choice = drawn(graph, services, pins, settings or Settings())
    return Proposal(completed(plan, graph), choice)


def drawn(
    graph: Graph, services: int | None, pins: tuple[Pin, ...], settings: Settings
) -> tuple[Plan, Choice]:
    """Who owns what, without cuts and order."""
    edges = Edges.of(graph)
    found = roles(graph, edges)
    limits = constraints(graph, settings.rules, pins)
    out = found.glue - _pinned_definitions(graph, pins)
    work = units(graph, edges)
    first = ties(graph, out, settings.weights, work=work)
    scattered = drawers(first, Search(first, limits, settings.seed).several())
    whole = ties(graph, out, settings.weights, scattered, work) if scattered else first
    filed = whole_files(graph, whole, scattered, limits)
    choice = choose(Search(whole, filed, settings.seed), whole, services)
    parts = settled(graph, whole, choice.chosen.parts, filed, settings.weights, found.pure, work)
    sets = as_sets(parts)
    fixed = {head: service for head, service in limits.pinned.items() if head in parts}
    names = named(sets, graph, {parts[head]: service for head, service in fixed.items()}, parts)
    home = {node: name for name, nodes in zip(names, sets, strict=True) for node in nodes}
    return _plan(graph, _owners(graph, edges, found, home, pins), _tables(home), pins), choice


def _pinned_definitions(graph: Graph, pins: tuple[Pin, ...]) -> frozenset[str]:
    rules = Patterns((pin.what, pin.service) for pin in pins)
    return frozenset(d.id for d in graph.definitions if rules.best(d.id))


def _tables(home: Mapping[str, str]) -> dict[str, str]:
    return {n.removeprefix(TABLE): s for n, s in home.items() if n.startswith(TABLE)}


def _owners(
    graph: Graph, edges: Edges, found: Roles, home: Mapping[str, str], pins: tuple[Pin, ...]
) -> dict[str, str]:
    """The owner of each definition: a service, ``SHARED`` or ``GLUE``."""
    owners = {d.id: home[d.id] for d in graph.definitions if d.id in home}
    owners |= {
        t.definition: home[TABLE + t.id] for t in graph.tables if t.definition in edges.known
    }
    owners = homes(graph, edges, found, owners)
    shared, glue = unowned(graph, edges, found, owners)
    pinned = _pinned_definitions(graph, pins)
    owners |= dict.fromkeys(shared - pinned, SHARED) | dict.fromkeys(glue - pinned, GLUE)
    return {d.id: owners[d.id] for d in graph.definitions if d.id in owners}


def completed(plan: Plan, graph: Graph) -> Plan:
    """The plan with all its cuts, its sagas and its order; decisions that it has with their
    reasons, and its order, are kept."""
    assignment = assign(plan, graph)
    edges = Edges.of(graph)
    known = {(c.source, c.what, c.kind): c for c in plan.cuts}
    cuts: list[Cut] = []
    for service in plan.services:
        for cut in decided(service.name, assignment, graph, edges).cuts:
            before = known.get((cut.source, cut.what, cut.kind))
            if before:
                reason = cut.reason if before.reason == COPIED else before.reason
                cut = replace(cut, decision=before.decision, reason=reason)
            cuts.append(priced(cut))
    cuts.sort(key=lambda c: (c.source, c.target, c.kind, c.what))
    order = ordered(plan, tuple(cuts), assignment, graph)
    parted = sagas(assignment, graph, edges)
    return replace(plan, cuts=tuple(cuts), order=order, sagas=parted)


def _plan(
    graph: Graph, home: Mapping[str, str], tables: Mapping[str, str], pins: tuple[Pin, ...]
) -> Plan:
    names = sorted({*tables.values(), *home.values()} - {SHARED, GLUE})
    patterns = globs(graph, home)
    members: dict[str, list[Definition]] = {}
    for definition in graph.definitions:
        members.setdefault(home.get(definition.id, ""), []).append(definition)

    def kept(name: str) -> list[str]:
        return sorted(t for t, owner in tables.items() if owner == name)

    services = tuple(
        Service(
            name,
            purpose(name, kept(name), members.get(name, []), graph),
            tuple(kept(name)),
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
    # ``shop.*`` would give all new code to who happens to own what `shop/__init__.py` holds.
    outermost = {name.partition(".")[0] for name in ids if "." in name.partition(":")[0]}
    inside: dict[str, Counter[str]] = {}
    for name in ids:
        for prefix in set(_prefixes(name)) - outermost:
            inside.setdefault(prefix, Counter())[home[name]] += 1
    found: list[tuple[str, str]] = []
    known = Patterns()
    for prefix in sorted(inside):
        counts = inside[prefix]
        owner, count = max(counts.items(), key=lambda item: (item[1], item[0]))
        total = counts.total()
        if total > 2 and count * 4 >= total * 3 and owner != known.best(f"{prefix}:"):
            found.append((f"{prefix}.*", owner))
            known.add(f"{prefix}.*", owner)
    found += [(name, home[name]) for name in sorted(ids) if known.best(name) != home[name]]
    return found


def _prefixes(name: str) -> Iterable[str]:
    parts = name.partition(":")[0].split(".")
    return (".".join(parts[:length]) for length in range(min(2, len(parts)), len(parts) + 1))
