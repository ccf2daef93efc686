"""The decision for each crossing, and the reason that a person reads."""

from __future__ import annotations

from dataclasses import replace

from migrator.model.graph import Definition, Graph
from migrator.model.plan import Assignment, Cut
from migrator.plan.closure import Crossing, Needs, cut_of, follow
from migrator.plan.reachability import Edges

_PLAIN = {
    "int", "str", "bool", "float", "None", "list[int]", "list[str]", "set[int]", "int | None",
    "str | None", "bool | None", "dict[str, Any]", "list[dict[str, Any]]", "dict[str, int]",
    "dict[str, Any] | None", "dict[str, object]", "list[dict[str, object]]", "tuple[int, int]",
}  # fmt: skip


def decided(service: str, assignment: Assignment, graph: Graph, edges: Edges) -> Needs:
    """Every cut of a service with its decision.

    A function that only reads is copied once all that it reads is replicated here anyway, so the
    walk is repeated until the set of replicas stands still.
    """
    replicated: set[str] = set()
    while True:
        judge = _Judge(assignment, edges, frozenset(replicated))
        needs = follow(service, assignment, graph, edges, judge.decide)
        if set(needs.replicas) <= replicated:
            return replace(needs, cuts=tuple(_carried(cut, needs, edges) for cut in needs.cuts))
        replicated |= set(needs.replicas)


def _carried(cut: Cut, needs: Needs, edges: Edges) -> Cut:
    """A class comes with all its methods: that one of them writes is no work for anybody yet."""
    if cut.kind != "write" or cut.decision != "manual":
        return cut
    here = {name for name, told in needs.treatments.items() if told.kind in ("owned", "copied")}
    writers = sorted(here & edges.modes.get(cut.what, {}).keys())
    classes = [edges.definitions[name].kind == "class" for name in writers]
    if not all(classes) or any(needs.treatments[name].kind == "owned" for name in writers):
        return cut
    names = ", ".join(name.rpartition(":")[2] for name in writers[:2])
    reason = (
        f"only methods of {names}, copied whole, write it: refused where they run here, "
        f"{cut.target} does it"
    )
    return replace(cut, decision="replicate", reason=reason)


class _Judge:
    def __init__(self, assignment: Assignment, edges: Edges, replicated: frozenset[str]) -> None:
        self.assignment, self.edges, self.replicated = assignment, edges, replicated
        self.definitions, self.modes = edges.definitions, edges.modes

    def decide(self, crossing: Crossing) -> Cut:
        if crossing.kind == "foreign_key":
            reason = "a plain column; the owner's events keep it true"
            return cut_of(crossing, "replicate", reason)
        if crossing.kind == "signal":
            reason = f"the handler runs at {crossing.owner} when the message arrives"
            return cut_of(crossing, "event", reason)
        if crossing.kind in ("read", "write"):
            return self._table(crossing)
        return self._code(crossing)

    def _table(self, crossing: Crossing) -> Cut:
        if crossing.kind == "read":
            reason = f"read here, written at {crossing.owner}: a read-only copy kept by events"
            return cut_of(crossing, "replicate", reason)
        modes = self._write_modes(crossing)
        if modes == {"insert"}:
            reason = f"only inserted here: the row is sent to {crossing.owner} as a message"
            return cut_of(crossing, "event", reason)
        done = " and ".join(
            sorted(f"{mode}d" if mode[-1] == "e" else f"{mode}ed" for mode in modes)
        )
        reason = (
            f"{done} here in place: move it into a function of {crossing.owner} "
            "(a step of a saga), or keep the tables together"
        )
        return cut_of(crossing, "manual", reason)

    def _write_modes(self, crossing: Crossing) -> set[str]:
        return {
            mode
            for definition, modes in self.modes.get(crossing.what, {}).items()
            if self.assignment.owner_of.get(definition) == crossing.service
            for mode in modes
        } or {crossing.mode}

    def _code(self, crossing: Crossing) -> Cut:
        definition = self.definitions[crossing.what]
        if definition.kind != "function":
            return cut_of(crossing, "replicate", self._copied(definition))
        written, _ = self.edges.effects(definition.id)
        if {"request_context", "generator", "decorator"} & set(definition.traits):
            return cut_of(
                crossing, "replicate", "part of answering a request, runs where it is used: copied"
            )
        if not written:
            return self._reader(crossing, definition)
        if all(self.assignment.table_owner.get(t) == crossing.service for t in written):
            return cut_of(crossing, "replicate", "writes only what is owned here: copied")
        refused = self.edges.refusal(definition.id)
        if self._result_used(crossing) or refused:
            why = f"may refuse ({refused})" if refused else "its result is used"
            tables = ", ".join(sorted(written)[:3])
            return cut_of(crossing, "call", f"writes {tables} and {why}: the owner must answer")
        tables = ", ".join(sorted(written)[:3])
        return cut_of(crossing, "event", f"writes {tables}; nobody waits for the result")

    def _copied(self, definition: Definition) -> str:
        if definition.kind != "class":
            return "a value that carries no state: copied"
        touched = self.edges.accesses.get(definition.id, ())
        if any(access.writes for access in touched):
            return "a class: copied, over replicas; what it writes is decided table by table"
        if touched:
            return "a class that only reads: copied, over replicas"
        return "a class that carries no state: copied"

    def _reader(self, crossing: Crossing, definition: Definition) -> Cut:
        _, read = self.edges.effects(definition.id)
        foreign = {t for t in read if self.assignment.table_owner.get(t) != crossing.service}
        if not foreign:
            return cut_of(crossing, "replicate", "reads only what is here: copied")
        if definition.returns not in _PLAIN:
            reason = "only reads, and returns objects: copied, over replicas"
            return cut_of(crossing, "replicate", reason)
        if foreign <= self.replicated:
            reason = f"only reads {', '.join(sorted(foreign)[:3])}, replicated here anyway: copied"
            return cut_of(crossing, "replicate", reason)
        reason = f"only reads {', '.join(sorted(foreign)[:3])}, which nothing else here needs"
        return cut_of(crossing, "call", reason)

    def _result_used(self, crossing: Crossing) -> bool:
        return any(
            edge.result_used or edge.kind == "references"
            for edge in self.edges.into.get(crossing.what, ())
            if edge.kind != "signals" and self._uses(edge.source, crossing)
        )

    def _uses(self, source: str, crossing: Crossing) -> bool:
        return self.assignment.owner_of.get(source) != crossing.owner
