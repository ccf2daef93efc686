"""The Graph on one screen: 24 lines of 100 columns."""

from __future__ import annotations

from collections import Counter

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from migrator.model.graph import Graph

_TABLES, _TRANSACTIONS, _UNRESOLVED = 6, 5, 3


def summary(graph: Graph, written_to: str | None) -> RenderableType:
    """Counts, the most shared tables, the widest transactions, and what was not resolved."""
    parts: list[RenderableType] = [_counts(graph), _tables(graph), _transactions(graph)]
    parts.append(_unresolved(graph, written_to))
    if written_to:
        parts.append(Text(f"graph: {written_to}   next: migrator plan"))
    return Group(*parts)


def _counts(graph: Graph) -> Text:
    s = graph.stats
    return Text(
        f"{graph.root}: {s['modules']} modules, {s['lines']} lines, "
        f"{s['definitions']} definitions, "
        f"{s['routes']} routes, {s['tables']} tables,\n{s['foreign_keys']} foreign keys, "
        f"{s['accesses']} accesses, {s['transactions']} transactions "
        f"({s['transactions_over_several_tables']} over several tables), "
        f"{s['unresolved']} unresolved"
    )


def _package(definition: str) -> str:
    parts = definition.partition(":")[0].split(".")
    return ".".join(parts[:2])


def _tables(graph: Graph) -> Table:
    readers: dict[str, set[str]] = {}
    writers: dict[str, set[str]] = {}
    for access in graph.accesses:
        side = writers if access.writes else readers
        side.setdefault(access.table, set()).add(_package(access.definition))
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("tables most shared", width=26)
    shown.add_column("read by", justify="right")
    shown.add_column("written by packages", no_wrap=True, overflow="ellipsis", max_width=58)
    order = sorted(
        (t.id for t in graph.tables),
        key=lambda t: (-len(writers.get(t, ())), -len(readers.get(t, ())), t),
    )
    for name in order[:_TABLES]:
        shown.add_row(
            name, str(len(readers.get(name, ()))), ", ".join(sorted(writers.get(name, ())))
        )
    return shown


def _transactions(graph: Graph) -> Table:
    widest: dict[str, tuple[str, ...]] = {}
    starts: Counter[str] = Counter()
    for unit in graph.transactions:
        widest[unit.definition] = unit.tables
        starts[unit.definition] += 1
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("widest transactions", no_wrap=True, overflow="ellipsis", max_width=48)
    shown.add_column("tables written", no_wrap=True, overflow="ellipsis", max_width=50)
    order = sorted(widest, key=lambda d: (-len(widest[d]), d))
    for definition in order[:_TRANSACTIONS]:
        shown.add_row(definition, f"{len(widest[definition])}: {', '.join(widest[definition])}")
    return shown


def _unresolved(graph: Graph, written_to: str | None) -> Text:
    lines = [f"{u.path}:{u.line}: {u.what}: {u.why}"[:99] for u in graph.unresolved[:_UNRESOLVED]]
    more = len(graph.unresolved) - len(lines)
    if more > 0:
        lines.append(f"… and {more} more" + (f" in {written_to}" if written_to else ""))
    return Text("\n".join(["unresolved:", *(lines or ["nothing"])]))
