"""A plan for people: services, figures, cuts by decision; and for scripts: JSON."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from migrator.model.plan import Assignment, Cut, Figures, Plan


def summary(plan: Plan, assignment: Assignment, figures: Sequence[Figures]) -> RenderableType:
    """Services in the order of migration, the figures beside the baselines, the manual cuts."""
    parts: list[RenderableType] = [_services(plan, assignment), Text(), _figures(figures), Text()]
    return Group(*parts, _cuts(plan))


def as_json(plan: Plan, assignment: Assignment, figures: Sequence[Figures]) -> str:
    """The plan with every glob resolved, and the figures."""
    services = {
        s.name: {
            "purpose": s.purpose,
            "tables": list(s.tables),
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
        "figures": [dataclasses.asdict(f) for f in figures],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _of(owner: str, assignment: Assignment) -> list[str]:
    return sorted(d for d, o in assignment.owner_of.items() if o == owner)


def _cut(cut: Cut) -> dict[str, object]:
    found = dataclasses.asdict(cut)
    return {"from": found.pop("source"), "to": found.pop("target"), **found}


def _services(plan: Plan, assignment: Assignment) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("order", "service", "definitions", "tables", "what it costs"):
        shown.add_column(name, justify="right" if name == "definitions" else "left")
    counts = Counter(assignment.owner_of.values())
    services = {s.name: s for s in plan.services}
    for number, step in enumerate(plan.order, 1):
        tables = ", ".join(services[step.service].tables)
        shown.add_row(str(number), step.service, str(counts[step.service]), tables, step.reason)
    return shown


def _figures(figures: Sequence[Figures]) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="bold")
    heads = ("figures", "services", "SM ↑", "ICP ↓", "IFN ↓", "NED ↓", "entropy ↓")
    for head in (*heads, "transactions cut ↓", "foreign keys cut ↓"):
        shown.add_column(head, justify="left" if head == "figures" else "right")
    for f in figures:
        ratios = [f"{v:.3f}" for v in (f.sm, f.icp)] + [f"{f.ifn:.1f}", f"{f.ned:.2f}"]
        cut = [str(f.transactions_cut), str(f.foreign_keys_cut)]
        shown.add_row(f.name, str(f.services), *ratios, f"{f.transaction_entropy:.3f}", *cut)
    return shown


def _cuts(plan: Plan) -> Text:
    counts = Counter(cut.decision for cut in plan.cuts)
    told = ", ".join(f"{counts[d]} {d}" for d in sorted(counts)) or "none"
    lines = [f"cuts: {told}"]
    for cut in plan.cuts:
        if cut.decision == "manual":
            where = cut.places[0] if cut.places else ""
            lines.append(f"  {cut.source} -> {cut.target} {cut.what} ({where}): {cut.reason}"[:160])
    return Text("\n".join(lines))
