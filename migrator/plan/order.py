"""Which service to take out first: the strangler fig starts where little pulls back."""

from __future__ import annotations

from migrator.model.graph import Graph
from migrator.model.plan import Cut, Plan, Step


def ordered(plan: Plan, cuts: tuple[Cut, ...], graph: Graph) -> tuple[Step, ...]:
    """Least risk first: work for a person, then synchronous calls, then replicas to fill."""
    del graph
    costs = {s.name: _cost(s.name, cuts) for s in plan.services}
    names = sorted(costs, key=lambda n: (_weight(costs[n]), n))
    return tuple(Step(name, _reason(costs[name])) for name in names)


def _cost(service: str, cuts: tuple[Cut, ...]) -> dict[str, int]:
    mine = [c for c in cuts if service in (c.source, c.target)]
    return {
        "to decide by hand": sum(c.decision == "manual" for c in mine),
        "synchronous calls": sum(c.decision == "call" for c in mine),
        "replicas": sum(c.kind == "read" for c in mine),
        "messages": sum(c.decision == "event" for c in mine),
    }


def _weight(cost: dict[str, int]) -> int:
    return (
        8 * cost["to decide by hand"]
        + 4 * cost["synchronous calls"]
        + 2 * cost["replicas"]
        + cost["messages"]
    )


def _reason(cost: dict[str, int]) -> str:
    told = [f"{count} {name}" for name, count in cost.items() if count]
    return ", ".join(told) or "nothing crosses its boundary"
