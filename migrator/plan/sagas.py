"""Transactions that the boundaries cut: the steps and what undoes each, or: keep them together."""

from __future__ import annotations

from collections import Counter

from migrator.model.graph import Graph
from migrator.model.plan import Assignment, Saga, SagaStep
from migrator.plan.reachability import Edges
from migrator.plan.work import Unit, units

_OFTEN = 3  # So many transactions over the same two services tell that they are one.
_STEPS = 3  # A saga of more services than this is nothing that people get right.


def sagas(assignment: Assignment, graph: Graph, edges: Edges) -> tuple[Saga, ...]:
    """One for each unit of work that has to wait for writes of other services, by its start.

    What is only inserted elsewhere, or written by a handler, goes as a message of the same
    transaction and needs none.
    """
    owner, tables = assignment.owner_of, assignment.table_owner
    cut = []
    for unit in units(graph, edges):
        others = unit.steps(owner, tables)
        home = _home(unit, owner, tables)
        if home and others - {home}:
            cut.append((unit, home, others - {home}))
    often = Counter((home, other) for _, home, others in cut for other in others)
    return tuple(_saga(unit, home, others, assignment, edges, often) for unit, home, others in cut)


def _home(unit: Unit, owner: dict[str, str], tables: dict[str, str]) -> str | None:
    """The service that begins the unit; where that writes nothing itself (glue, shared code, a
    command over others), the first owner of its tables."""
    home = owner.get(unit.start)
    if home in {tables.get(t) for t in unit.tables}:
        return home
    return min((tables[t] for t in unit.awaited if t in tables), default=None)


def _saga(
    unit: Unit,
    home: str,
    others: frozenset[str],
    assignment: Assignment,
    edges: Edges,
    often: Counter[tuple[str, str]],
) -> Saga:
    steps = [_step(unit, service, assignment, edges) for service in (home, *sorted(others))]
    shared = [o for o in sorted(others) if often[home, o] >= _OFTEN]
    if shared:
        count = max(often[home, o] for o in shared)
        advice, reason = (
            "keep",
            (
                f"{count} transactions of {home} change tables of {' and '.join(shared)} as well: "
                f"think of joining them (--merge {home} {shared[0]})"
            ),
        )
    elif len(others) > _STEPS:
        advice, reason = (
            "keep",
            (
                f"{len(others)} other services would have to answer and to be undone: "
                "keep these tables together, or let most of it happen by events"
            ),
        )
    else:
        advice, reason = (
            "saga",
            (f"{home} asks {' and '.join(sorted(others))}; when one refuses, the rest is undone"),
        )
    points = unit.entry_points
    return Saga(unit.start, home, points, advice, reason, tuple(s for s in steps if s.writes))  # type: ignore[arg-type]


def _step(unit: Unit, service: str, assignment: Assignment, edges: Edges) -> SagaStep:
    writes = tuple(t for t in unit.tables if assignment.table_owner.get(t) == service)
    by = sorted({d for t in writes for d in unit.writers.get(t, ())})
    modes = {
        (a.mode, a.table)
        for d in by
        for a in edges.accesses.get(d, ())
        if a.writes and a.table in writes
    }
    told = [d.rpartition(":")[2] for d in by if d != unit.start] or [unit.start.rpartition(":")[2]]
    name = min(told, key=lambda n: (n.startswith("_"), n)).strip("_")
    undone = [
        f"{_UNDO[mode]} {', '.join(sorted(t for m, t in modes if m == mode))}"
        for mode in ("insert", "update", "delete")
        if any(m == mode for m, _ in modes)
    ]
    return SagaStep(service, tuple(by), writes, f"undo_{name}: {'; '.join(undone)}")


_UNDO = {
    "insert": "delete or cancel the new rows of",
    "update": "write back the former values of",
    "delete": "mark instead of delete, and unmark, in",
}
