"""The Graph on one screen: 24 lines of 80 columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from rich.console import Group, RenderableType
from rich.text import Text

from migrator.model.graph import Graph

_TABLES, _TRANSACTIONS, _UNRESOLVED = 6, 5, 3


def summary(graph: Graph, written_to: str | None) -> RenderableType:
    """Counts, the most shared tables, the widest transactions, and what was not resolved."""
    parts: list[RenderableType] = [_counts(graph), _tables(graph), _transactions(graph)]
    parts.append(_unresolved(graph, written_to))
    if graph.discrepancies or graph.observations or graph.co_changes:
        parts.append(_evidence(graph))
    if written_to:
        parts.append(Text(f"graph: {written_to}   next: migrator plan"))
    return Group(*parts)


def _counts(graph: Graph) -> Text:
    s = graph.stats
    return Text(
        f"{PurePosixPath(graph.root).name or graph.root}: {s['modules']:,} modules, "
        f"{s['lines']:,} lines, {s['definitions']:,} definitions, {s['routes']:,} routes\n"
        f"{s['tables']:,} tables, {s['foreign_keys']:,} foreign keys, "
        f"{s['accesses']:,} accesses, {s['transactions']:,} transactions "
        f"({s['transactions_over_several_tables']:,} wide)",
        no_wrap=True,
        overflow="ellipsis",
    )


def _common(graph: Graph) -> str:
    """The package, with its dot, that nearly all modules are in: it need not be said again."""
    heads = Counter(m.name.partition(".")[0] for m in graph.modules)
    head, count = heads.most_common(1)[0] if heads else ("", 0)
    return f"{head}." if count >= 0.8 * len(graph.modules) else ""


def _package(definition: str, common: str) -> str:
    parts = definition.partition(":")[0].split(".")
    return ".".join(parts[:2]).removeprefix(common)


def _columns(heads: tuple[str, str], rows: Sequence[tuple[str, str]], widest: int) -> Text:
    """Two columns of which the second gives way where the screen is narrow."""
    width = max([len(heads[0]), *(min(widest, len(name)) for name, _ in rows)])
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{heads[0]:<{width}}  {heads[1]}", style="bold")
    for name, rest in rows:
        short = name if len(name) <= width else f"{name[: width - 1]}…"
        text.append(f"\n{short:<{width}}  {rest}")
    return text


def _tables(graph: Graph) -> Text:
    common = _common(graph)
    readers: dict[str, set[str]] = {}
    writers: dict[str, set[str]] = {}
    # Each once: there are thousands of accesses, by few packages.
    every = {(a.table, a.definition.partition(":")[0], a.mode) for a in graph.accesses}
    for table, module, mode in every:
        side = readers if mode == "read" else writers
        side.setdefault(table, set()).add(_package(module, common))
    order = sorted(
        (t.id for t in graph.tables),
        key=lambda t: (-len(writers.get(t, ())), -len(readers.get(t, ())), t),
    )[:_TABLES]
    rows = [
        (t, f"{len(readers.get(t, ())):>2}, {', '.join(sorted(writers.get(t, ()))) or 'none'}")
        for t in order
    ]
    return _columns(("tables most shared", "read by, written by packages"), rows, 30)


def _transactions(graph: Graph) -> Text:
    common = _common(graph)
    widest = {unit.definition: unit.tables for unit in graph.transactions}
    order = sorted(widest, key=lambda d: (-len(widest[d]), d))[:_TRANSACTIONS]
    rows = [(d.removeprefix(common), f"{len(widest[d]):>2}: {', '.join(widest[d])}") for d in order]
    return _columns(("widest transactions", "tables written"), rows, 42)


def _unresolved(graph: Graph, written_to: str | None) -> Text:
    lines = [f"  {u.path}:{u.line}: {u.what}: {u.why}" for u in graph.unresolved[:_UNRESOLVED]]
    more = len(graph.unresolved) - len(lines)
    if more > 0:
        lines.append(f"  … and {more} more" + (f" in {written_to}" if written_to else ""))
    head = Text(f"{len(graph.unresolved):,} unresolved", style="bold")
    return Text("\n", no_wrap=True, overflow="ellipsis").join([head, *map(Text, lines)])


def _evidence(graph: Graph) -> Text:
    counts = Counter(d.kind for d in graph.discrepancies)
    told = [f"{counts[kind]:,} {kind.replace('_', ' ')}" for kind in sorted(counts)]
    seen = sum(o.count for o in graph.observations)
    found = [*([f"{seen:,} observations"] if seen else []), *told]
    found += [f"{len(graph.co_changes):,} co-changes"] if graph.co_changes else []
    return Text(f"evidence: {', '.join(found)}", no_wrap=True, overflow="ellipsis")
