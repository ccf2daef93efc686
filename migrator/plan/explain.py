"""Why a table or definition is where it is, and what would have to change for it to move."""

from __future__ import annotations

from dataclasses import dataclass

from migrator.model.errors import MigratorError
from migrator.model.graph import Graph
from migrator.model.plan import GLUE, SHARED, Assignment, Cut, Plan
from migrator.plan.named import Names
from migrator.plan.reachability import Edges
from migrator.plan.resolve import Patterns
from migrator.plan.settings import Settings
from migrator.plan.ties import PLACE, TABLE, node_of, ties
from migrator.plan.work import units

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Tie:
    """To `other` (a table, definition, or a file or folder it lies in) of `service`; `kinds` says
    what it is made of; weights are those of the search, shared out over many users."""

    other: str
    service: str
    weight: float
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reasons:
    """`inside`: the heaviest ties to its own service, `outside` to others. `pull` sums the ties by
    service. `change` says what would have to change for it to move; `cuts` are those that it
    makes: who else needs it, at what cost, what could be done instead, and where."""

    name: str
    service: str
    because: str
    inside: tuple[Tie, ...]
    outside: tuple[Tie, ...]
    pull: dict[str, float]
    change: str
    cuts: tuple[Cut, ...] = ()


def reasons(
    name: str, plan: Plan, assignment: Assignment, graph: Graph, settings: Settings
) -> Reasons:
    """Raises MigratorError where `name` is nothing in the graph, or several things."""
    node, shown = _resolve(name, graph)
    whole = ties(graph, frozenset(), settings.weights)
    owner = _owners(assignment, graph)
    mine = owner.get(node, "(nobody)")
    found = []
    for other, weight in whole.near.get(node, {}).items():
        service = owner.get(other) if not other.startswith(PLACE) else _of_place(other, owner)
        if service is not None:
            told = other.removeprefix(TABLE).replace(PLACE, "file ")
            found.append(Tie(told, service, round(weight, 3), _kinds(node, other, graph)))
    found.sort(key=lambda t: (-t.weight, t.other))
    pull: dict[str, float] = {}
    for tie in found:
        if tie.service not in (SHARED, GLUE):
            pull[tie.service] = round(pull.get(tie.service, 0.0) + tie.weight, 3)
    pinned = Patterns((p.what, p.service) for p in plan.pins).best(shown)
    return Reasons(
        shown,
        mine,
        _because(mine, pinned, pull),
        tuple(t for t in found if t.service == mine)[:_SHOWN],
        tuple(t for t in found if t.service != mine)[:_SHOWN],
        dict(sorted(pull.items(), key=lambda item: (-item[1], item[0]))),
        _change(mine, pinned, pull, found),
        _cuts(shown, plan, graph),
    )


def _cuts(name: str, plan: Plan, graph: Graph) -> tuple[Cut, ...]:
    """Of a table those of its model as well, and of its keys."""
    names = {name} | {t.id for t in graph.tables if name == t.definition}
    names |= {t.definition or "" for t in graph.tables if name == t.id}
    return tuple(
        c
        for c in plan.cuts
        if c.what in names
        or (c.kind == "foreign_key" and names & {c.what.partition(".")[0], c.what.split()[-1]})
    )


def _resolve(name: str, graph: Graph) -> tuple[str, str]:
    node = node_of(graph)
    tables = {t.id: TABLE + t.id for t in graph.tables}
    if name in tables:
        return tables[name], name
    if name in node:
        return node[name], name
    ends = [d for d in node if d.rpartition(":")[2] == name or d.endswith(f".{name}")]
    ends += [t for t in tables if t.rpartition(".")[2] == name]
    if len(ends) == 1:
        return node.get(ends[0]) or tables[ends[0]], ends[0]
    if ends:
        told = ", ".join(sorted(ends)[:5])
        raise MigratorError(f"{name} is the name of {len(ends)} things", hint=f"one of {told}")
    close = Names(graph).near(name)
    hint = "a table's name, module:Name, or a Name that is there once"
    raise MigratorError(
        f"no table or definition is called {name!r}",
        hint=f"did you mean {' or '.join(close)}?" if close else hint,
    )


def _owners(assignment: Assignment, graph: Graph) -> dict[str, str]:
    node = node_of(graph)
    owner = {node[d]: o for d, o in assignment.owner_of.items() if d in node}
    return owner | {TABLE + t: o for t, o in assignment.table_owner.items()}


def _of_place(place: str, owner: dict[str, str]) -> str | None:
    """The service that owns most of a file."""
    inside: dict[str, int] = {}
    for name, service in owner.items():
        if name.startswith(place.removeprefix(PLACE) + ":"):
            inside[service] = inside.get(service, 0) + 1
    return max(inside, key=lambda s: (inside[s], s)) if inside else None


def _kinds(node: str, other: str, graph: Graph) -> tuple[str, ...]:
    if other.startswith(PLACE):
        return ("lies in",)
    name = node_of(graph)
    found: set[str] = set()
    for edge in graph.dependencies:
        if (name.get(edge.source), name.get(edge.target)) == (node, other):
            found.add(edge.kind)
        elif (name.get(edge.source), name.get(edge.target)) == (other, node):
            found.add(f"{edge.kind} (from there)")
    for access in graph.accesses:
        if {name.get(access.definition, ""), TABLE + access.table} == {node, other}:
            found.add(access.mode)
    for key in graph.foreign_keys:
        if {TABLE + key.source, TABLE + key.target} == {node, other}:
            found.add("foreign key" + (" with cascade" if key.on_delete == "CASCADE" else ""))
    if node.startswith(TABLE) and other.startswith(TABLE):
        pair = {node.removeprefix(TABLE), other.removeprefix(TABLE)}
        count = sum(pair <= set(u.tables) for u in units(graph, Edges.of(graph)))
        if count:
            found.add(f"written in {count} common transaction{'s' * (count != 1)}")
    return tuple(sorted(found)) or ("seen in evidence",)


def _because(service: str, pinned: str | None, pull: dict[str, float]) -> str:
    if pinned:
        return f"a pin says so ({pinned})"
    if service == SHARED:
        return "it is pure code that several services use: no table, no request, no session"
    if service == GLUE:
        return "it is the framework's glue: each service gets its own copy"
    others = max((w for s, w in pull.items() if s != service), default=0.0)
    mine = pull.get(service, 0.0)
    if mine >= others:
        return f"its ties to {service} weigh {mine:.2f}, to any other at most {others:.2f}"
    return (
        f"its ties to {service} weigh {mine:.2f} only, yet moving it would cut more between "
        "services, or a rule, the plan's own word, or its file keeps it there"
    )


def _change(service: str, pinned: str | None, pull: dict[str, float], found: list[Tie]) -> str:
    if pinned:
        return f"take the pin to {pinned} out of the plan"
    others = {s: w for s, w in pull.items() if s != service}
    if not others:
        return "nothing outside its service is tied to it; a pin would move it"
    goal = max(others, key=lambda s: (others[s], s))
    gap = pull.get(service, 0.0) - others[goal]
    if gap <= 0:
        return f"{goal} pulls more already: a pin moves it (--move shows what that costs)"
    cut, told = 0.0, []
    for tie in found:
        if tie.service == service and cut <= gap:
            cut += tie.weight
            told.append(f"{tie.other} ({', '.join(tie.kinds)})")
    named = "; ".join(told[:_SHOWN])
    return f"to go to {goal} it would have to lose ties of {gap:.2f} to {service}, such as {named}"
