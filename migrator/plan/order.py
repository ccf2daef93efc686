"""Which service to take out first: the strangler fig starts where little pulls back."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from migrator.model.graph import Graph
from migrator.model.plan import Assignment, Cut, Plan, Step

_RISK = {"manual": 8.0, "call": 4.0, "replica": 2.0, "event": 1.0}
_TOLD = {
    "manual": "to decide by hand",
    "call": "synchronous call",
    "replica": "replica",
    "event": "message",
}


def ordered(
    plan: Plan, cuts: tuple[Cut, ...], assignment: Assignment, graph: Graph
) -> tuple[Step, ...]:
    """Least risk for most value first, and no service before one that it must wait for.

    Risk counts what crosses its boundary, work for a person heaviest; value is what it takes out of
    the monolith: its entry points, as a logarithm. A service waits for those whose functions it
    calls and for those whose tables it still writes in place, so that each call is pointed at its
    last address once; where services wait for each other, the one with less risk goes first. The
    order of a plan that has one already is kept, and new services come last.
    """
    costs = {s.name: _cost(s.name, cuts) for s in plan.services}
    points = Counter(assignment.owner_of.get(p.definition, "") for p in graph.entry_points)
    rank = {n: _risk(costs[n]) / (1 + math.log1p(points[n])) for n in costs}
    waits: dict[str, set[str]] = {n: set() for n in costs}
    for cut in cuts:
        if cut.decision in ("call", "manual") and cut.target in waits and cut.source in waits:
            waits[cut.source].add(cut.target)
    steps: list[Step] = []
    left = set(costs)
    said = [s.service for s in plan.order if s.service in costs]
    while left:
        free = [n for n in left if not waits[n] & left - {n}]
        name = min(free or left, key=lambda n: (rank[n], n))
        if said and set(said) & left:
            name = next(n for n in said if n in left)
        left.discard(name)
        after = tuple(s.service for s in steps if s.service in waits[name])
        reason = _reason(costs[name], points[name])
        steps.append(Step(name, reason, after, _leaves(name, cuts, left)))
    return tuple(steps)


def _cost(service: str, cuts: tuple[Cut, ...]) -> Counter[str]:
    found: Counter[str] = Counter()
    for cut in cuts:
        if service in (cut.source, cut.target):
            kind = cut.decision if cut.decision != "replicate" else cut.kind
            found["replica" if kind == "read" else kind] += 1
    return Counter({kind: found[kind] for kind in _RISK if found[kind]})


def _risk(cost: Mapping[str, int]) -> float:
    return sum(_RISK[kind] * count for kind, count in cost.items())


def _reason(cost: Mapping[str, int], points: int) -> str:
    told = [_counted(cost[kind], name) for kind, name in _TOLD.items() if cost.get(kind)]
    value = "no entry points"
    if points:
        value = f"takes {_counted(points, 'entry point')} out of the monolith"
    return f"{value}; " + (", ".join(told) or "nothing crosses its boundary")


def _counted(number: int, what: str) -> str:
    plural = number != 1 and not what.endswith("by hand")
    return f"{number} {what}{'s' * plural}"


def _leaves(name: str, cuts: tuple[Cut, ...], left: set[str]) -> str:
    """How the system works once this step is done and those of `left` are still to come."""
    told = ["the gateway sends its routes here"]
    asked = sorted({c.target for c in cuts if c.source == name and c.decision == "call"} & left)
    copied = sorted({c.target for c in cuts if c.source == name and c.kind == "read"} & left)
    back = sorted({c.source for c in cuts if c.target == name and c.decision == "call"} & left)
    by_hand = sum(c.decision == "manual" for c in cuts if c.source == name)
    if copied:
        told.append(f"its replicas of {_listed(copied)} are fed by the monolith")
    if asked:
        told.append(f"the monolith still answers for {_listed(asked)}")
    if back:
        told.append(f"the monolith calls it for {_listed(back)}")
    if by_hand:
        told.append(f"{_counted(by_hand, 'write')} to others to be changed before")
    told.append("the monolith serves the rest" if left else "nothing is left in the monolith")
    return "; ".join(told)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
