"""The Graph as Mermaid or DOT, small enough to be read: groups, the tables that others touch,
and what crosses from group to group.

What a service or package does with its own tables is left out, as are the lightest edges over
`MOST_EDGES`, calls over `MOST_CALLS` and tables over `MOST_TABLES`; the text says how many.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from migrator.model.graph import Graph
from migrator.model.plan import Assignment
from migrator.report.grouping import Grouping, grouping

MOST_TABLES = 60
MOST_EDGES = 120
MOST_CALLS = 15
_LETTERS = {"insert": "C", "read": "R", "update": "U", "delete": "D"}

Kind = Literal["write", "read", "call", "key"]


@dataclass(frozen=True, slots=True)
class Edge:
    """From node to node: ``g3`` is a group, ``t5`` a table. `weight` counts places in the code."""

    source: str
    target: str
    kind: Kind
    label: str
    weight: int


@dataclass(frozen=True, slots=True)
class Diagram:
    """What is drawn: for each group its name, what it holds and its tables as (node, name)."""

    kind: str
    groups: tuple[tuple[str, str, str, tuple[tuple[str, str], ...]], ...]
    edges: tuple[Edge, ...]
    left_out: str


def diagram(graph: Graph, assignment: Assignment | None = None) -> Diagram:
    """The heaviest of what crosses groups, the same for the same graph."""
    groups = grouping(graph, assignment)
    numbers = {name: f"g{i}" for i, name in enumerate(groups.names)}
    foreign = _foreign(graph, groups)
    shown = sorted(foreign, key=lambda t: (-foreign[t].total(), t))[:MOST_TABLES]
    nodes = {table: f"t{i}" for i, table in enumerate(sorted(shown))}
    edges = [
        *_accesses(graph, groups, numbers, nodes),
        *_keys(graph, groups, nodes),
    ]
    calls = _calls(graph, groups, numbers)
    edges += sorted(calls, key=lambda e: (-e.weight, e.source, e.target))[:MOST_CALLS]
    heavy = sorted(edges, key=lambda e: (e.kind != "write", -e.weight, e.source, e.target))
    kept = sorted(heavy[:MOST_EDGES], key=lambda e: (e.source, e.target, e.kind))
    described = []
    for name in groups.names:
        modules = sum(1 for g in groups.modules.values() if g == name)
        own = [t for t, g in groups.tables.items() if g == name]
        inside = tuple((nodes[t], t) for t in sorted(own) if t in nodes)
        described.append((numbers[name], name, f"modules: {modules}, tables: {len(own)}", inside))
    hidden = len(graph.tables) - len(nodes)
    told = f"{hidden} tables that one {groups.kind} alone uses or over the limit"
    lighter = len(edges) - len(kept) + max(0, len(calls) - MOST_CALLS)
    left = f"left out: {told}, {lighter} lighter edges"
    return Diagram(groups.kind, tuple(described), tuple(kept), left)


def _foreign(graph: Graph, groups: Grouping) -> dict[str, Counter[str]]:
    """For each table, the accesses by other groups than its own."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for access in graph.accesses:
        group = groups.of(access.definition)
        if access.table in groups.tables and group != groups.tables[access.table]:
            found[access.table][group] += 1
    return found


def _accesses(
    graph: Graph, groups: Grouping, numbers: dict[str, str], nodes: dict[str, str]
) -> Iterable[Edge]:
    modes: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for access in graph.accesses:
        group = groups.of(access.definition)
        if access.table in nodes and group in numbers and group != groups.tables[access.table]:
            modes[group, access.table][_LETTERS[access.mode]] += 1
    for (group, table), counts in sorted(modes.items()):
        letters = "".join(letter for letter in "CRUD" if counts[letter])
        kind: Kind = "read" if letters == "R" else "write"
        yield Edge(numbers[group], nodes[table], kind, letters, counts.total())


def _calls(graph: Graph, groups: Grouping, numbers: dict[str, str]) -> list[Edge]:
    counts: Counter[tuple[str, str]] = Counter()
    for edge in graph.dependencies:
        source, target = groups.of(edge.source), groups.of(edge.target)
        # Everybody uses the glue and the shared code; that says nothing of boundaries.
        if source != target and not (source + target).count("("):
            counts[source, target] += edge.weight
    return [
        Edge(numbers[source], numbers[target], "call", str(weight), weight)
        for (source, target), weight in counts.items()
    ]


def _keys(graph: Graph, groups: Grouping, nodes: dict[str, str]) -> Iterable[Edge]:
    found = {
        (k.source, k.target)
        for k in graph.foreign_keys
        if k.source in nodes and k.target in nodes
        and groups.tables[k.source] != groups.tables[k.target]
    }  # fmt: skip
    for source, target in sorted(found):
        yield Edge(nodes[source], nodes[target], "key", "key", 1)


def mermaid(drawn: Diagram) -> str:
    """A Mermaid flowchart, as GitHub and GitLab draw it in Markdown."""
    arrows: dict[Kind, str] = {
        "write": '== "{}" ==>',
        "read": '-- "{}" -->',
        "call": '-. "{}" .->',
        "key": "-.-o",
    }
    lines = [
        "flowchart LR",
        f"  %% boxes: a {drawn.kind} and the tables that others use; thick: writes, thin: reads,",
        f"  %% dotted: calls, o: foreign key. {drawn.left_out}",
    ]
    for number, name, holds, tables in drawn.groups:
        lines.append(f'  subgraph {number}box["{_mermaid(name)}"]')
        lines.append(f'    {number}(["{_mermaid(holds)}"])')
        lines += [f'    {node}[("{_mermaid(table)}")]' for node, table in tables]
        lines.append("  end")
    for e in drawn.edges:
        lines.append(f"  {e.source} {arrows[e.kind].format(e.label)} {e.target}")
    return "\n".join(lines) + "\n"


def _mermaid(text: str) -> str:
    """Text within quotes: what Mermaid would read as syntax or as HTML becomes its number."""
    return "".join(f"#{ord(c)};" if c in '"#<>&;`\\' else c for c in text)


def dot(drawn: Diagram) -> str:
    """A Graphviz digraph: ``dot -Tsvg``."""
    style: dict[Kind, str] = {
        "write": 'color="#b3400c", penwidth=2',
        "read": 'color="#2f6fb3"',
        "call": 'color="#5a636e", style=dotted',
        "key": 'color="#5a636e", style=dashed, arrowhead=odot',
    }
    lines = [
        f"// red: writes, blue: reads, dotted: calls, dashed: foreign key. {drawn.left_out}",
        "digraph monolith {",
        '  graph [rankdir=LR, fontname="Helvetica", compound=true, nodesep=0.25, ranksep=1.2];',
        '  node [fontname="Helvetica", fontsize=11]; edge [fontname="Helvetica", fontsize=9];',
    ]
    for number, name, holds, tables in drawn.groups:
        lines.append(f"  subgraph cluster_{number} {{")
        lines.append(f'    label="{_dot(name)}"; style=rounded; color="#9aa3ad";')
        look = 'shape=box, style="rounded,filled", fillcolor="#eef1f4"'
        lines.append(f'    {number} [label="{_dot(holds)}", {look}];')
        lines += [f'    {n} [label="{_dot(t)}", shape=cylinder];' for n, t in tables]
        lines.append("  }")
    for e in drawn.edges:
        label = "" if e.kind == "key" else f'label="{_dot(e.label)}", '
        lines.append(f"  {e.source} -> {e.target} [{label}{style[e.kind]}];")
    lines.append("}")
    return "\n".join(lines) + "\n"


def _dot(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
