"""A plan for people: services, candidates, figures, cuts, sagas; and for scripts: JSON."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from migrator.model.plan import Assignment, Cut, Figures, Plan
from migrator.plan.candidates import Candidate, Choice

_SHOWN, _THINGS = 12, 3
_NEAR = 3  # Candidates shown to each side of the chosen one.
# Name, heading, format; the arrow tells which way is better.
_FIGURES = (
    ("services", "services", "d"),
    ("sm", "SM ↑ structural modularity", ".3f"),
    ("icp", "ICP ↓ calls across", ".3f"),
    ("bcp", "BCP ↓ use cases per service, ln", ".2f"),
    ("ifn", "IFN ↓ pairs across per service", ".1f"),
    ("ned", "NED ↓ outside 5 to 20 definitions", ".2f"),
    ("coupling", "coupling ↓", ".3f"),
    ("cohesion", "cohesion ↑", ".3f"),
    ("transaction_entropy", "transaction entropy ↓", ".3f"),
    ("one_writer", "tables with one writer ↑", ".0%"),
    ("transactions_cut", "transactions cut ↓", "d"),
    ("foreign_keys_cut", "foreign keys cut ↓", "d"),
    ("sync_hops", "synchronous hops, longest route ↓", "d"),
)


def summary(
    plan: Plan, assignment: Assignment, figures: Sequence[Figures], choice: Choice | None = None
) -> RenderableType:
    """Services in the order of migration, the candidates, the figures beside the baselines, what
    is cut."""
    parts: list[RenderableType] = [_services(plan, assignment), Text()]
    if choice is not None:
        parts += [_candidates(choice), Text(f"recommended: {choice.reason}"), Text()]
    return Group(*parts, figures_table(figures), Text(), _cuts(plan), *_sagas(plan))


def as_json(
    plan: Plan, assignment: Assignment, figures: Sequence[Figures], choice: Choice | None = None
) -> str:
    """The plan with every glob resolved, and the figures."""
    services = {
        s.name: {
            "purpose": s.purpose,
            "tables": sorted(t for t, o in assignment.table_owner.items() if o == s.name),
            "definitions": _of(s.name, assignment),
        }
        for s in plan.services
    }
    document = {
        "version": plan.version,
        "services": services,
        "shared": _of("(shared)", assignment),
        "glue": _of("(glue)", assignment),
        "cuts": [_cut(cut) for cut in plan.cuts],
        "order": [dataclasses.asdict(step) for step in plan.order],
        "pins": [dataclasses.asdict(pin) for pin in plan.pins],
        "sagas": [dataclasses.asdict(saga) for saga in plan.sagas],
        "figures": [dataclasses.asdict(f) for f in figures],
        **({"candidates": _choice(choice), "recommended": choice.reason} if choice else {}),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def compared_json(before: Plan, after: Plan, figures: Sequence[Figures]) -> str:
    """A what-if for scripts: figures and counts of decisions before and after."""

    def counts(plan: Plan) -> dict[str, int]:
        return dict(sorted(Counter(c.decision for c in plan.cuts).items()))

    document = {
        "figures": [dataclasses.asdict(f) for f in figures],
        "decisions": {"before": counts(before), "after": counts(after)},
        "sagas": {"before": len(before.sagas), "after": len(after.sagas)},
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def compared(before: Plan, after: Plan, figures: Sequence[Figures]) -> RenderableType:
    """A what-if for people."""
    shown = figures_table(figures)
    for plan_before, plan_after, name in (
        *(
            (_count(before, d), _count(after, d), f"cuts: {d}")
            for d in sorted({c.decision for c in (*before.cuts, *after.cuts)})
        ),
        (len(before.sagas), len(after.sagas), "sagas or to keep together"),
    ):
        shown.add_row(name, str(plan_before), str(plan_after))
    return Group(shown, Text("nothing was written"))


def _count(plan: Plan, decision: str) -> int:
    return sum(c.decision == decision for c in plan.cuts)


def figures_table(figures: Sequence[Figures]) -> Table:
    """One column a partition: no figure says enough alone."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("figures")
    for one in figures:
        shown.add_column(one.name, justify="right")
    for name, heading, form in _FIGURES:
        shown.add_row(heading, *(format(getattr(f, name), form) for f in figures))
    return shown


def _of(owner: str, assignment: Assignment) -> list[str]:
    return sorted(d for d, o in assignment.owner_of.items() if o == owner)


def _cut(cut: Cut) -> dict[str, object]:
    found = dataclasses.asdict(cut)
    return {"from": found.pop("source"), "to": found.pop("target"), **found}


def _choice(choice: Choice) -> list[dict[str, object]]:
    return [
        {
            "services": c.services,
            "coupling": round(c.coupling, 4),
            "largest": round(c.largest, 4),
            "without_tables": c.without,
            "recommended": c is choice.chosen,
        }
        for c in choice.candidates
    ]


def _candidates(choice: Choice) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("candidates")
    some = _some(choice)
    for one in some:
        shown.add_column(f"{one.services}{'*' if one is choice.chosen else ''}", justify="right")
    shown.add_row("of the ties cut", *(f"{c.coupling:.0%}" for c in some))
    shown.add_row("in the largest", *(f"{c.largest:.0%}" for c in some))
    shown.add_row("own no table", *(str(c.without) for c in some))
    return shown


def _some(choice: Choice) -> list[Candidate]:
    """The chosen candidate and its neighbours, further off only some: they fit into a line."""
    at = choice.candidates.index(choice.chosen)
    return [c for i, c in enumerate(choice.candidates) if abs(i - at) <= _NEAR or (i - at) % 2 == 0]


def _services(plan: Plan, assignment: Assignment) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("order", "service", "definitions", "tables", "why now", "after"):
        shown.add_column(name, justify="right" if name == "definitions" else "left")
    counts = Counter(assignment.owner_of.values())
    services = {s.name: s for s in plan.services}
    for number, step in enumerate(plan.order, 1):
        tables = services[step.service].tables
        told = ", ".join(tables[:6]) + (f" and {len(tables) - 6} more" if tables[6:] else "")
        row = (str(number), step.service, str(counts[step.service]), told, step.reason)
        shown.add_row(*row, ", ".join(step.after))
    return shown


def _cuts(plan: Plan) -> Text:
    counts = Counter(cut.decision for cut in plan.cuts)
    told = ", ".join(f"{counts[d]} {d}" for d in sorted(counts)) or "none"
    lines = [f"cuts: {told}"]
    by_hand: dict[tuple[str, str], list[Cut]] = {}
    for cut in plan.cuts:
        if cut.decision == "manual":
            by_hand.setdefault((cut.source, cut.target), []).append(cut)
    pairs = sorted(by_hand.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    for (source, target), cuts in pairs[:_SHOWN]:
        lines.append(f"  {source} -> {target}, by hand: {_things(cuts)}")
    if pairs[_SHOWN:]:
        rest = sum(len(cuts) for _, cuts in pairs[_SHOWN:])
        lines.append(f"  and {rest} more by hand between {len(pairs) - _SHOWN} other pairs")
    if by_hand:
        lines.append("  what to do about each: the plan's file, or migrator plan --explain NAME")
    return Text("\n".join(lines))


def _things(cuts: Sequence[Cut]) -> str:
    told = [f"{c.what} ({c.places[0]})" if c.places else c.what for c in cuts[:_THINGS]]
    return ", ".join(told) + (f" and {len(cuts) - _THINGS} more" if cuts[_THINGS:] else "")


def _sagas(plan: Plan) -> list[Text]:
    if not plan.sagas:
        return []
    lines = [f"transactions that need an answer of another service: {len(plan.sagas)}"]
    for saga in plan.sagas[:_SHOWN]:
        lines.append(f"  {saga.transaction} of {saga.service}: {saga.advice}, {saga.reason}")
    if plan.sagas[_SHOWN:]:
        lines.append(f"  and {len(plan.sagas) - _SHOWN} more, in the plan's file")
    return [Text(), Text("\n".join(lines))]
