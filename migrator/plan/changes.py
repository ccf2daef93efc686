"""What a re-plan changed, and why."""

from __future__ import annotations

from dataclasses import replace

from migrator.model.graph import Graph
from migrator.model.plan import Assignment, Cut, Plan
from migrator.plan.named import Names
from migrator.plan.propose import completed
from migrator.plan.resolve import assign


def changes(before: Plan, after: Plan, graph: Graph) -> tuple[str, ...]:
    """One line each, in words: what is new and where it went, what is gone, cuts, and where the
    code of today would be decided differently than the plan says."""
    old, new = assign(before, graph), assign(after, graph)
    return (
        *_tables(before, after, graph),
        *_definitions(old, new),
        *_cuts(before, after),
        *_doubts(after, graph),
    )


def _tables(before: Plan, after: Plan, graph: Graph) -> list[str]:
    was = {t: s.name for s in before.services for t in s.tables}
    now = {t: s.name for s in after.services for t in s.tables}
    told = [f"table {t} is new: {now[t]} owns it" for t in sorted(now.keys() - was.keys())]
    known = {t.id for t in graph.tables}
    for table in sorted(was.keys() - now.keys()):
        why = "has no owner any more" if table in known else "is not in the code"
        meant = [] if table in known else [n for n in Names(graph).near(table) if n in known]
        hint = f" (did you mean {' or '.join(meant)}?)" if meant else ""
        told.append(f"table {table} {why}: taken out of {was[table]}{hint}")
    return told


def _definitions(old: Assignment, new: Assignment) -> list[str]:
    placed: dict[str, list[str]] = {}
    for definition in sorted(new.owner_of.keys() - old.owner_of.keys()):
        placed.setdefault(new.owner_of[definition], []).append(definition)
    return [
        f"{names[0]}{f' and {len(names) - 1} more' if names[1:] else ''} "
        f"new in the code: to {owner}, where most of what they are tied to is"
        for owner, names in sorted(placed.items())
    ]


def _cuts(before: Plan, after: Plan) -> list[str]:
    was, now = {_key(c): c for c in before.cuts}, {_key(c): c for c in after.cuts}
    told = []
    for key in sorted(now.keys() - was.keys()):
        cut = now[key]
        place = f" at {cut.places[0]}" if cut.places else ""
        told.append(
            f"cut {cut.source} -> {cut.target} {cut.what} is new{place}: "
            f"{cut.decision}, {cut.reason}"
        )
    for key in sorted(was.keys() - now.keys()):
        cut = was[key]
        told.append(f"cut {cut.source} -> {cut.target} {cut.what} is gone: nothing needs it now")
    return told


def _doubts(after: Plan, graph: Graph) -> list[str]:
    """Kept decisions that a new plan would not take."""
    kept = {_key(c): c for c in after.cuts}
    fresh = completed(replace(after, cuts=()), graph)
    return [
        f"cut {c.source} -> {c.target} {c.what}: the plan says {kept[_key(c)].decision} and keeps "
        f"it; the code suggests {c.decision}: {c.reason}"
        for c in fresh.cuts
        if _key(c) in kept and kept[_key(c)].decision != c.decision
    ]


def _key(cut: Cut) -> tuple[str, str, str]:
    return (cut.source, cut.what, cut.kind)
