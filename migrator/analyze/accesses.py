"""From what functions were seen to do to accesses and edges of definitions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from migrator.analyze.infer.sink import UNKNOWN_OBJECT, ReachKind, Through, Touch
from migrator.analyze.interpret import Found
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Schema
from migrator.model.graph import Access, Dependency, Unresolved

Place = tuple[str, int]


class Doing(NamedTuple):
    """A function that writes a table; `definition` holds it."""

    function: str
    definition: str
    table: str


class Accesses(NamedTuple):
    """`through` are those that a function's callers or heirs tell, which its own code may tell
    too."""

    every: set[Access]
    writes: set[Doing]
    through: set[Access]


def accesses(project: Project, schema: Schema, done: Found) -> Accesses:
    """Every access by definition, and every write by function.

    What a function touches only because of its callers' arguments, or of the class that inherits
    it, is its own access where its code names the table's model, or where all callers agree; a
    function that does other things for each (``get_or_404(Model, id)``) is generic, and the access
    is its callers'.
    """
    direct: set[Access] = set()
    # With the places where it happens; none where it happens at its own line.
    by_others: dict[Access, set[str] | None] = {}
    writes: set[Doing] = set()

    def add(function: str, definition: str, line: int, touch: Touch, via: str = "") -> None:
        access = access_of(project, definition, line, touch)
        places = by_others.setdefault(access, set() if via else None)
        if not via:
            by_others[access] = None
        elif places is not None:
            places.add(via)
        if access.writes:
            writes.add(Doing(function, definition, touch.table))

    for touch in done.touches:
        access = access_of(project, touch.definition, touch.line, touch)
        direct.add(access)
        if access.writes:
            writes.add(Doing(touch.function, touch.definition, touch.table))
    generic = _Generic(project, schema, done)
    own = {(t.function, t.table, t.mode) for t in done.touches}
    for through in done.through:
        touch = through.touch
        if generic(through):
            known = (through.caller, touch.table, touch.mode)
            if known in own and not through.inherited:
                continue  # told where the caller itself chose the table
            path = project.path(touch.definition.partition(":")[0])
            at = "" if touch.function == through.caller else f"{path}:{touch.line}"
            add(through.caller, through.caller_definition, through.line, touch, at)
        else:
            add(touch.function, touch.definition, touch.line, touch)
    told = {_told_via(access, places) for access, places in by_others.items()}
    return Accesses(together(direct, told), writes, told)


def together(direct: set[Access], by_others: Iterable[Access]) -> set[Access]:
    """What a function does itself is not also told by where callers make it happen."""
    return direct | {a for a in by_others if not a.via or replace(a, via=()) not in direct}


def _told_via(access: Access, places: set[str] | None) -> Access:
    return replace(access, via=tuple(sorted(places))) if places else access


class _Generic:
    """Tells whether an access is the caller's, from all that was seen."""

    def __init__(self, project: Project, schema: Schema, done: Found) -> None:
        self._various = _made_variously(project, schema, done)
        self._named = {(e.source, e.target) for e in done.edges}
        self._declaring: dict[str, set[str]] = defaultdict(set)
        for id_, table in schema.tables.items():
            if table.definition:
                self._declaring[id_].add(table.definition)
        for model in schema.models.values():
            self._declaring[model.table].add(top(model.id))
        told: dict[Place, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._heirs: dict[Place, set[str]] = defaultdict(set)
        for through in done.through:
            place = through.touch.function, through.touch.line
            told[place][through.caller].add(through.touch.table)
            if through.inherited:
                self._heirs[place].add(through.caller)
        # Where not all callers make the function touch the same tables.
        self._differing = {place for place, by in told.items() if _differ(by.values())}

    def __call__(self, through: Through) -> bool:
        touch = through.touch
        # A class names what its methods hand to one another: that says nothing of this method.
        within = through.caller_definition == touch.definition
        named = ((touch.definition, d) in self._named for d in self._declaring[touch.table])
        if not within and any(named):
            return False
        if {through.made, touch.function.rpartition(".")[0]} & self._various and through.made:
            return True
        place = touch.function, touch.line
        if through.inherited and len(self._heirs[place]) == 1:
            return True
        return place in self._differing


def _made_variously(project: Project, schema: Schema, done: Found) -> set[str]:
    """The classes whose objects are made with rows of several models, here or there: also those
    that are made with a row which some place does not tell, or of a model that stands for others
    (an abstract one). What a method does with one such row is not what it does."""
    models, below = schema.models, project.classes.below
    rows: dict[tuple[str, str], set[str]] = defaultdict(set)

    def tables(given: str) -> set[str]:
        if given in models and models[given].table in schema.tables:
            return {models[given].table}
        heirs = {models[heir].table for heir in below.get(given, ()) if heir in models}
        return heirs & schema.tables.keys() or {""}

    for cls, parameter, given in done.makings:
        known = project.classes.get(cls)
        for above in known.mro if known is not None else (cls,):
            rows[above, parameter] |= tables(given)
    return {cls for (cls, _), found in rows.items() if len(found) > 1}


def _differ(sets: Iterable[set[str]]) -> bool:
    first, *others = sets
    return any(one != first for one in others)


def still_unresolved(project: Project, done: Found) -> Iterable[Unresolved]:
    """Without the calls on objects that a caller makes known by what it hands over."""
    known = {
        (project.path(t.touch.definition.partition(":")[0]), t.touch.line) for t in done.through
    }
    for one in done.unresolved:
        if one.why != UNKNOWN_OBJECT or (one.path, one.line) not in known:
            yield one


def top(id_: str) -> str:
    """The definition that holds a nested one."""
    module, _, name = id_.partition(":")
    return f"{module}:{name.partition('.')[0]}"


def access_of(project: Project, definition: str, line: int, touch: Touch) -> Access:
    path = project.path(definition.partition(":")[0])
    return Access(definition, touch.table, touch.mode, path, line, touch.how, touch.confidence)


def reached(project: Project, done: Found) -> Iterable[Dependency]:
    """The dependencies that names tell, and calls that go through objects."""
    known = {(e.source, e.target) for e in done.edges if e.kind == "calls"}
    further: dict[tuple[str, str, ReachKind], list[int]] = defaultdict(list)
    for reach in done.reaches:
        target = project.names.definition_of(reach.target)
        if target is None or target == reach.definition:
            continue
        if reach.kind == "signals" or (reach.definition, target) not in known:
            further[reach.definition, target, reach.kind].append(reach.line)
    more = [
        Dependency(source, target, kind, len(lines), min(lines), kind == "calls")
        for (source, target, kind), lines in further.items()
    ]
    return [*done.edges, *more]
