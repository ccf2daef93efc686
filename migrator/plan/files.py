"""Files that move as a whole: what people wrote in one file mostly belongs together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from migrator.model.graph import Graph
from migrator.plan.constraints import Constraints
from migrator.plan.ties import PLACE, Ties, node_of


def whole_files(
    graph: Graph, ties: Ties, drawers: frozenset[str], limits: Constraints
) -> Constraints:
    """`limits` by which each file is one node, but for `drawers` and for what rules or pins speak
    of: that stays a node of its own, tied to its file."""
    spoken = {*limits.group, *limits.group.values(), *limits.pinned}
    spoken |= {name for pair in limits.apart for name in pair}
    files = {
        node: PLACE + module
        for node, module in _modules(graph).items()
        if node in ties.near and node not in spoken and module not in drawers
    }
    return replace(limits, group=files | dict(limits.group))


def _modules(graph: Graph) -> Mapping[str, str]:
    """The file of each node: that of the class for a table, whoever else maps it."""
    named = node_of(graph)
    found = {named[d.id]: d.module for d in graph.definitions}
    mapped = {t.definition: node for t in graph.tables if (node := named.get(t.definition or ""))}
    return found | {node: str(d).partition(":")[0] for d, node in mapped.items()}
