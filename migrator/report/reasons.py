"""Why something is in its service, for the terminal and for scripts."""

from __future__ import annotations

import dataclasses
import json

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from migrator.model.plan import Cut
from migrator.plan.explain import Reasons, Tie

_PLACES = 10


def as_json(found: Reasons) -> str:
    return json.dumps(dataclasses.asdict(found), indent=1, ensure_ascii=False) + "\n"


def shown(found: Reasons) -> RenderableType:
    """The heaviest ties in and out, the pull of each service, what would have to change."""
    head = Text(f"{found.name} is in {found.service}: {found.because}")
    pull = ", ".join(f"{s} {w:.2f}" for s, w in list(found.pull.items())[:6]) or "none"
    return Group(
        head,
        Text(),
        _ties(f"ties inside {found.service}", found.inside),
        Text(),
        _ties("ties to others", found.outside),
        Text(),
        Text(f"pull: {pull}"),
        Text(f"to move: {found.change}"),
        *_cuts(found.cuts),
    )


def _cuts(cuts: tuple[Cut, ...]) -> list[Text]:
    lines = []
    for cut in cuts:
        need = f"{cut.source} needs {cut.what} of {cut.target} ({cut.kind})"
        lines += [
            f"{need}: {cut.decision}, {cut.reason}",
            f"  {cut.cost}",
            *(f"  or {other}" for other in cut.alternatives),
            *(f"  at {place}" for place in cut.places[:_PLACES]),
        ]
        if cut.places[_PLACES:]:
            lines.append(f"  and at {len(cut.places) - _PLACES} more places")
    return [Text(), Text("\n".join(lines))] if lines else []


def _ties(title: str, found: tuple[Tie, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in (title, "service", "weight", "made of"):
        table.add_column(name, justify="right" if name == "weight" else "left")
    for tie in found:
        table.add_row(tie.other, tie.service, f"{tie.weight:.2f}", ", ".join(tie.kinds))
    if not found:
        table.add_row("none", "", "", "")
    return table
