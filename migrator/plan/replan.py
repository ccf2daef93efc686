"""A plan that exists, held against the code of today: people's words stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from migrator.model.graph import Graph
from migrator.model.plan import GLUE, SHARED, Plan
from migrator.plan.propose import completed
from migrator.plan.reachability import Edges
from migrator.plan.resolve import assign
from migrator.plan.roles import roles, unowned
from migrator.plan.settings import Settings
from migrator.plan.ties import TABLE, Ties, node_of, ties

_PASSES = 10


def replan(before: Plan, graph: Graph, settings: Settings | None = None) -> Plan:
    """Services, tables and definitions stay as written; what is new in the code is placed with
    what it is tied to most, what is gone goes, cuts and order are computed anew."""
    assignment = assign(before, graph)
    known = {t.id for t in graph.tables}
    home, owners = _placed(before, graph, settings or Settings())
    added = _added(home, assignment.owner_of)

    def patterns(owner: str) -> tuple[str, ...]:
        return tuple(p for p, o in added if o == owner)

    services = tuple(
        replace(
            s,
            tables=tuple(t for t in s.tables if t in known and owners.get(t, s.name) == s.name)
            + tuple(sorted(t for t, o in owners.items() if o == s.name and t not in s.tables)),
            definitions=s.definitions + patterns(s.name),
        )
        for s in before.services
    )
    shared, glue = before.shared + patterns(SHARED), before.glue + patterns(GLUE)
    return completed(replace(before, services=services, shared=shared, glue=glue), graph)


def _added(home: Mapping[str, str], before: Mapping[str, str]) -> list[tuple[str, str]]:
    """Patterns for what is new: a module that is new as a whole in one, else each by name."""
    modules = {d.partition(":")[0] for d in before}
    held: dict[str, set[str]] = {}
    for definition in home:
        held.setdefault(definition.partition(":")[0], set()).add(definition)
    found = []
    for module, names in sorted(held.items()):
        new, owners = names - before.keys(), {home[n] for n in names}
        if module not in modules and len(owners) == 1 and len(new) > 1:
            found.append((f"{module}.*", owners.pop()))
        else:
            found += [(name, home[name]) for name in sorted(new)]
    return found


def _placed(
    before: Plan, graph: Graph, settings: Settings
) -> tuple[dict[str, str], dict[str, str]]:
    """Owners of all definitions and tables: as before, the new ones where their ties pull."""
    known = assign(before, graph)
    edges = Edges.of(graph)
    found = roles(graph, edges)
    named = node_of(graph)
    owner = {named[d]: o for d, o in known.owner_of.items() if o not in (SHARED, GLUE)}
    owner |= {TABLE + t: o for t, o in known.table_owner.items()}
    fixed = {d for d, o in known.owner_of.items() if o in (SHARED, GLUE)}
    whole = ties(graph, found.glue | fixed, settings.weights)
    _pull(whole, owner, [s.name for s in before.services])
    home = {d: owner[n] for d, n in named.items() if n in owner and d not in fixed}
    shared, glue = unowned(graph, edges, found, home)
    new = {d.id for d in graph.definitions} - known.owner_of.keys()
    home |= dict.fromkeys(shared & new, SHARED) | dict.fromkeys(glue & new, GLUE)
    owners = {t.id: owner[TABLE + t.id] for t in graph.tables if TABLE + t.id in owner}
    return home | known.owner_of, owners


def _pull(whole: Ties, owner: dict[str, str], services: list[str]) -> None:
    """Give each node of `whole` without owner to the service that its ties pull it to, through
    files and folders as well; what is tied to nothing goes to the biggest service."""
    sizes = Counter(owner.values())
    for _ in range(_PASSES):
        free = [n for n in whole.nodes if n not in owner]
        reached: dict[str, str] = {}
        for node in free:
            pulls = _pulls(whole.near[node], owner)
            if pulls:
                reached[node] = max(pulls, key=lambda s: (pulls[s], sizes[s], s))
        if not reached:
            break
        owner.update(reached)
    biggest = max(services, key=lambda s: (sizes[s], s), default="")
    for node in whole.nodes:
        owner.setdefault(node, biggest)


def _pulls(near: Mapping[str, float], owner: Mapping[str, str]) -> dict[str, float]:
    pulls: dict[str, float] = {}
    for other, weight in near.items():
        if other in owner:
            pulls[owner[other]] = pulls.get(owner[other], 0.0) + weight
    return pulls
