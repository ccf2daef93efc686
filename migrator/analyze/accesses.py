"""From what functions were seen to do to accesses and edges of definitions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from migrator.analyze.infer.sink import Through, Touch
from migrator.analyze.interpret import Found
from migrator.analyze.project.project import Project
from migrator.model.graph import Access, Dependency

_GENERIC = 1


def accesses(project: Project, done: Found) -> set[Access]:
    """Every access by definition.

    What a function touches only because of its callers' arguments is its own access where all
    callers agree on one table; a function that is called for more (``get_or_404(Model,
    id)``) is generic, and the access is its callers'.
    """
    found = {_access(project, t.definition, t.line, t) for t in done.touches}
    tables: dict[tuple[str, int], set[str]] = defaultdict(set)
    for through in done.through:
        touch = through.touch
        tables[touch.function, touch.line].add(touch.table)
    for through in done.through:
        touch = through.touch
        if len(tables[touch.function, touch.line]) <= _GENERIC:
            owner, line = touch.definition, touch.line
        else:
            owner, line = _caller(through)
        found.add(_access(project, owner, line, touch))
    return found


def _caller(through: Through) -> tuple[str, int]:
    return through.caller_definition, through.line


def _access(project: Project, definition: str, line: int, touch: Touch) -> Access:
    path = project.path(definition.partition(":")[0])
    return Access(definition, touch.table, touch.mode, path, line, touch.how, touch.confidence)


def reached(project: Project, done: Found) -> Iterable[Dependency]:
    """The dependencies that names tell, and calls that go through objects."""
    known = {(e.source, e.target) for e in done.edges if e.kind == "calls"}
    further: dict[tuple[str, str], list[int]] = defaultdict(list)
    for reach in done.reaches:
        target = project.names.definition_of(reach.target)
        if target is None or target == reach.definition or (reach.definition, target) in known:
            continue
        further[reach.definition, target].append(reach.line)
    more = [
        Dependency(source, target, "calls", len(lines), min(lines), True)
        for (source, target), lines in further.items()
    ]
    return [*done.edges, *more]
