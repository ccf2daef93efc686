"""Units of work: which tables are written together, from the entry point that starts it on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from migrator.model.graph import Access, Definition, Dependency, EntryPoint, Transaction

_FLOWS = {"calls", "signals"}


def transactions(
    definitions: Iterable[Definition],
    dependencies: Iterable[Dependency],
    accesses: Iterable[Access],
    entry_points: Iterable[EntryPoint],
) -> tuple[Transaction, ...]:
    """One for each entry point and each definition below it that commits.

    What commits ends a unit of work, so its transaction is what it and everything that it calls,
    or that its signals reach, writes. An entry point with no commit below is one unit itself.
    """
    following: dict[str, list[str]] = {}
    for edge in dependencies:
        if edge.kind in _FLOWS:
            following.setdefault(edge.source, []).append(edge.target)
    written: dict[str, set[str]] = {}
    for access in accesses:
        if access.writes:
            written.setdefault(access.definition, set()).add(access.table)
    committing = {d.id for d in definitions if "commits" in d.traits}
    found: set[Transaction] = set()
    started: set[str] = set()
    for point in entry_points:
        if point.kind == "signal":
            continue
        label = f"{point.method} {point.path}" if point.kind == "route" else point.name
        reached = reach(point.definition, following)
        starts = (reached & committing) or {point.definition}
        started |= starts
        found |= {_unit(start, label, following, written) for start in starts}
    found |= {_unit(start, None, following, written) for start in committing - started}
    kept = [unit for unit in found if unit.tables]
    return tuple(sorted(kept, key=lambda u: (u.definition, u.entry_point or "")))


def reach(start: str, following: Mapping[str, Iterable[str]]) -> set[str]:
    """`start` and everything that can be reached from it."""
    found = {start}
    waiting = [start]
    while waiting:
        for target in following.get(waiting.pop(), ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


def _unit(
    start: str,
    label: str | None,
    following: Mapping[str, Iterable[str]],
    written: Mapping[str, set[str]],
) -> Transaction:
    writers = sorted(d for d in reach(start, following) if d in written)
    tables = sorted({table for writer in writers for table in written[writer]})
    return Transaction(start, label, tuple(tables), tuple(writers))
