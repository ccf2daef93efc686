"""An Explanation for the terminal: complete, each place as ``path:line``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from migrator.model.graph import Access, ForeignKey
from migrator.report.explain import Explanation

_MODES = {"insert": "C", "read": "R", "update": "U", "delete": "D"}
_ENTRY_POINTS = 20


def shown(explanations: Iterable[Explanation]) -> RenderableType:
    """The explanations one below the other; lines are as long as they are."""
    parts: list[RenderableType] = []
    for one in explanations:
        parts += [Text(), *_parts(one)] if parts else _parts(one)
    return Group(*parts)


def _parts(one: Explanation) -> list[RenderableType]:
    return [
        _head(one),
        *_section("columns", [_column(one)] if one.table and one.table.columns else []),
        *_accesses("written by" if one.table else "writes", one.writes, one.table is not None),
        *_accesses("read by" if one.table else "reads", one.reads, one.table is not None),
        *_section("foreign keys to", [_key(k, k.target) for k in one.points_to]),
        *_section("foreign keys from", [_key(k, k.source) for k in one.pointed_to_by]),
        *_section("needs", [f"{e.target}  {e.kind} ×{e.weight}" for e in one.calls]),
        *_section("needed by", [f"{e.source}  {e.kind} ×{e.weight}" for e in one.called_by]),
        *_section("transactions", _transactions(one)),
        *_section("reached from", _limited(one.entry_points)),
        *_section("seen in traces", _observations(one)),
        *_section(
            "changed together with",
            [
                f"{c.target if c.source == one.name else c.source}  {c.commits} commits"
                for c in sorted(one.co_changes, key=lambda c: -c.weight)[:10]
            ],
        ),
        *_section(
            "code and evidence differ", [f"{d.subject}: {d.detail}" for d in one.discrepancies]
        ),
    ]


def _head(one: Explanation) -> Text:
    text = Text(f"{one.kind} ").append(one.name, style="bold")
    place = f"{one.path}:{one.line}" if one.path else "known from the database alone"
    text.append(f"  {place}", style="dim")
    if one.table and one.table.rows is not None:
        text.append(f"  about {one.table.rows:,} rows")
    return text


def _section(title: str, lines: Iterable[str]) -> list[Text]:
    found = list(lines)
    if not found:
        return []
    return [Text(title, style="bold"), Text("\n".join(f"  {line}" for line in found))]


def _column(one: Explanation) -> str:
    columns = one.table.columns if one.table else ()
    return ", ".join(f"{c.name} {c.type}" for c in columns)


def _accesses(title: str, accesses: Iterable[Access], by_definition: bool) -> list[Text]:
    found: dict[str, list[Access]] = defaultdict(list)
    for access in accesses:
        found[access.definition if by_definition else access.table].append(access)
    if not found:
        return [Text(f"{title}: nobody" if by_definition else f"{title}: no table", style="bold")]
    lines = []
    for name in sorted(found):
        letters = {_MODES[a.mode] for a in found[name]}
        places = dict.fromkeys(f"{a.path}:{a.line}" for a in found[name])
        likely = " (likely)" if all(a.confidence == "likely" for a in found[name]) else ""
        modes = "".join(m for m in "CRUD" if m in letters)
        lines.append(f"{modes:<4} {name}{likely}  {' '.join(places)}")
    return _section(f"{title} ({len(found)})", lines)


def _key(key: ForeignKey, other: str) -> str:
    place = f"{key.path}:{key.line}" if key.path else "only in the database"
    return (
        f"{', '.join(key.columns)} -> {other}  {place}"
        if other == key.target
        else (f"{other}.{', '.join(key.columns)}  {place}")
    )


def _transactions(one: Explanation) -> list[str]:
    starts: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for unit in one.transactions:
        starts[unit.definition, unit.tables].append(unit.entry_point or "")
    return [
        f"{definition}  {len(tables)}: {', '.join(tables)}" for definition, tables in sorted(starts)
    ]


def _limited(lines: tuple[str, ...]) -> list[str]:
    more = len(lines) - _ENTRY_POINTS
    return [*lines[:_ENTRY_POINTS], *([f"… and {more} more"] if more > 0 else [])]


def _observations(one: Explanation) -> list[str]:
    return [
        f"{o.count:>6} × {o.source} -> {o.target}"
        + (f" {o.mode}" if o.mode else "")
        + ("" if o.in_code else "  not found in the code")
        for o in sorted(one.observations, key=lambda o: (-o.count, o.source, o.target))
    ]
