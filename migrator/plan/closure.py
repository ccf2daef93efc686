"""What a service's code needs of others, followed until nothing new is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from migrator.model.graph import Graph
from migrator.model.plan import GLUE, SHARED, Assignment, Cut, CutKind, Decision, Plan
from migrator.plan.reachability import Edges

TreatmentKind = Literal[
    "owned", "shared", "glue", "replica", "remote_insert", "copied", "call", "event", "manual"
]

Place = tuple[str, int]
_OF_A_CLASS = ("inherits", "decorates", "calls", "references")


@dataclass(frozen=True, slots=True)
class Crossing:
    """Service `service` comes upon `what` of service `owner`; `used` tells how."""

    service: str
    owner: str
    what: str
    kind: CutKind
    place: str
    edge: str = "calls"
    mode: str = "read"


Decide = Callable[[Crossing], Cut]


@dataclass(frozen=True, slots=True)
class Treatment:
    """What becomes of a definition in one service; `reason` for ``manual``."""

    kind: TreatmentKind
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Needs:
    """Everything that one service's code is made of."""

    service: str
    treatments: Mapping[str, Treatment]
    owned_tables: tuple[str, ...]
    replicas: Mapping[str, str]
    remote_inserts: Mapping[str, str]
    cuts: tuple[Cut, ...] = ()


def close(service: str, plan: Plan, assignment: Assignment, graph: Graph) -> Needs:
    """The needs of a service under the plan's decisions; a crossing without one is ``manual``."""
    decided = {(c.source, c.what, c.kind): c for c in plan.cuts}

    def decide(crossing: Crossing) -> Cut:
        known = decided.get((crossing.service, crossing.what, crossing.kind))
        if known is not None:
            return known
        reason = "no decision in migration.yaml"
        return cut_of(crossing, "manual", reason)

    return follow(service, assignment, graph, Edges.of(graph), decide)


def cut_of(crossing: Crossing, decision: Decision, reason: str) -> Cut:
    places = (crossing.place,) if crossing.place else ()
    c = crossing
    return Cut(c.service, c.owner, c.what, c.kind, decision, reason, places)


def follow(
    service: str, assignment: Assignment, graph: Graph, edges: Edges, decide: Decide
) -> Needs:
    """Walks from what the service owns and the glue, asking `decide` at each crossing, once."""
    return _Walk(service, assignment, graph, edges, decide).run()


class _Walk:
    def __init__(
        self, service: str, assignment: Assignment, graph: Graph, edges: Edges, decide: Decide
    ) -> None:
        self.service, self.assignment, self.graph, self.edges = service, assignment, graph, edges
        self.decide = decide
        self.models = {t.definition: t.id for t in graph.tables if t.definition}
        self.mapped: dict[str, list[str]] = {}
        for definition, table in self.models.items():
            self.mapped.setdefault(table, []).append(definition)
        self.treatments: dict[str, Treatment] = {}
        self.replicas: dict[str, str] = {}
        self.inserts: dict[str, str] = {}
        self.cuts: dict[tuple[str, str], tuple[Cut, set[Place]]] = {}
        self.waiting: list[str] = []

    def run(self) -> Needs:
        for definition, owner in sorted(self.assignment.owner_of.items()):
            if owner == self.service:
                self._add(definition, "owned")
            elif owner == GLUE:
                self._add(definition, "glue")
        owned = tuple(
            t for t, s in sorted(self.assignment.table_owner.items()) if s == self.service
        )
        self._foreign_keys(owned)
        while self.waiting:
            self._visit(self.waiting.pop())
        return Needs(
            self.service,
            dict(sorted(self.treatments.items())),
            owned,
            dict(sorted(self.replicas.items())),
            dict(sorted(self.inserts.items())),
            self._placed(),
        )

    def _add(self, definition: str, kind: TreatmentKind, reason: str = "") -> None:
        if definition not in self.treatments:
            self.treatments[definition] = Treatment(kind, reason)
            if kind in ("owned", "shared", "glue", "replica", "remote_insert", "copied"):
                self.waiting.append(definition)

    def _visit(self, definition: str) -> None:
        kind = self.treatments[definition].kind
        if kind in ("owned", "copied"):
            for access in self.edges.accesses.get(definition, ()):
                self._table(access.table, access.mode, (access.path, access.line))
        path, model = self.edges.definitions[definition].path, definition in self.models
        for edge in self.edges.out.get(definition, ()):
            if not (model and edge.target in self.models):
                self._dependency(definition, edge.target, edge.kind, (path, edge.line))

    def _dependency(self, source: str, target: str, edge: str, place: Place) -> None:
        kind = self.treatments[source].kind
        owner = self.assignment.owner_of.get(target)
        if owner in (SHARED, GLUE):
            self._add(target, "shared" if owner == SHARED else "glue")
        elif owner in (self.service, None):
            return
        elif target in self.models:
            # What names a model works on its rows, even where only an annotation says so.
            table = self.models[target]
            known = any(a.table == table for a in self.edges.accesses.get(source, ()))
            if kind in ("owned", "copied") and not known:
                self._table(table, "read", place)
        elif kind in ("owned", "copied"):
            cut_kind: CutKind = "signal" if edge == "signals" else "code"
            self._cross(target, cut_kind, str(owner), place, edge)
        elif kind in ("replica", "remote_insert") and edge in _OF_A_CLASS:
            # A model's own base, decorator, enum or default: the class is nothing without it.
            self._add(target, "copied")
        elif kind == "glue" and edge == "inherits":
            self._add(target, "copied")

    def _cross(self, what: str, kind: CutKind, owner: str, place: Place, edge: str) -> None:
        cut = self._decided(what, kind, owner, place, edge)
        if cut.decision == "replicate" or cut.decision == "share":
            self._add(what, "copied")
        elif cut.decision in ("call", "event"):
            self._add(what, "call" if cut.decision == "call" else "event")
        else:
            self._add(what, "manual", cut.reason)

    def _decided(
        self, what: str, kind: CutKind, owner: str, place: Place, edge: str, mode: str = "read"
    ) -> Cut:
        known = self.cuts.get((what, kind))
        if known is None:
            told = _place(place)
            known = self.decide(Crossing(self.service, owner, what, kind, told, edge, mode)), set()
            self.cuts[what, kind] = known
        cut, places = known
        places.add(place)
        return cut

    def _placed(self) -> tuple[Cut, ...]:
        """The cuts with all places where each was come upon."""
        return tuple(
            replace(cut, places=tuple(map(_place, sorted(places))))
            for _, (cut, places) in sorted(self.cuts.items())
        )

    def _table(self, table: str, mode: str, place: Place) -> None:
        owner = self.assignment.table_owner.get(table)
        if owner in (self.service, None):
            return
        kind: CutKind = "read" if mode == "read" else "write"
        # Inserts and other writes are two things to decide: a message, or a person's work.
        cut = self._decided(table, kind, str(owner), place, "access", mode)
        if cut.decision == "replicate":
            self._model(table, "replica", str(owner))
        elif cut.decision == "event":
            self._model(table, "remote_insert", str(owner))
        elif table not in self.replicas and table not in self.inserts:
            # The code names the class; writing it is refused where it runs.
            self._model(table, "replica", str(owner))

    def _model(self, table: str, kind: TreatmentKind, owner: str) -> None:
        (self.replicas if kind == "replica" else self.inserts)[table] = owner
        for definition in self.mapped.get(table, ()):
            known = self.treatments.get(definition)
            if known is not None and known.kind == "remote_insert" and kind == "replica":
                self.treatments[definition] = Treatment("replica")
            self._add(definition, kind)

    def _foreign_keys(self, owned: tuple[str, ...]) -> None:
        for key in self.graph.foreign_keys:
            owner = self.assignment.table_owner.get(key.target)
            if key.source in owned and owner not in (self.service, None):
                what = f"{key.source}.{','.join(key.columns)} -> {key.target}"
                place = (key.path, key.line)
                self._decided(what, "foreign_key", str(owner), place, "foreign_key")


def _place(place: Place) -> str:
    return f"{place[0]}:{place[1]}"
