"""Plan, graph and what is carved -> how far the migration is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from migrator.model.graph import Graph
from migrator.model.plan import GLUE, Assignment, Plan
from migrator.model.progress import EVERYWHERE, UNASSIGNED, Progress, ServiceProgress, Share

Route = tuple[str, str]


def progress(
    plan: Plan,
    assignment: Assignment,
    graph: Graph,
    routed: Mapping[Route, str],
    owned: Mapping[str, Collection[str]],
) -> Progress:
    """`routed` maps (method, rule) to the service that the gateway sends it to, `owned` the
    carved services to their tables. What the plan does not know does not count.

    A route of the application's own factory has moved when no service is left in the monolith:
    then the gateway lets any of them answer it.
    """
    names = [service.name for service in plan.services]
    routes: dict[Route, str] = {}
    for entry in graph.entry_points:
        if entry.kind == "route":
            owner = assignment.owner_of.get(entry.definition, "")
            route = (entry.method or "GET", entry.path or "/")
            known = EVERYWHERE if owner == GLUE else UNASSIGNED
            routes.setdefault(route, owner if owner in names else known)
    if names and set(names) <= set(owned):
        routed = {**dict.fromkeys(routes, EVERYWHERE), **routed}
    tables = {t.id: assignment.table_owner.get(t.id, UNASSIGNED) for t in graph.tables}
    cuts = Counter(cut.source for cut in plan.cuts if cut.decision == "manual")
    found = [
        ServiceProgress(
            name=name,
            carved=name in owned,
            routes=_share(
                [route for route, owner in routes.items() if owner == name],
                {route for route, target in routed.items() if target == name},
            ),
            tables=_share(
                [table for table, owner in tables.items() if owner == name],
                set(owned.get(name, ())),
            ),
            manual_cuts=cuts[name],
        )
        for name in (*names, EVERYWHERE, UNASSIGNED)
    ]
    return Progress(tuple(s for s in found if s.name in names or s.routes.total or s.tables.total))


def _share(planned: Collection[object], moved: Collection[object]) -> Share:
    return Share(sum(thing in moved for thing in planned), len(planned))
