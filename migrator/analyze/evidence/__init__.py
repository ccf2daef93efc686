"""What others than the code say of the monolith: live databases, traces, git's history."""

from __future__ import annotations

from dataclasses import replace

from migrator.model.graph import Graph


def recounted(graph: Graph) -> Graph:
    """`graph` with the counts that evidence can change."""
    counts = {
        "accesses": len(graph.accesses),
        "foreign_keys": len(graph.foreign_keys),
        "tables": len(graph.tables),
        "unresolved": len(graph.unresolved),
    }
    told = {
        "co_changes": len(graph.co_changes),
        "discrepancies": len(graph.discrepancies),
        "observations": len(graph.observations),
    }
    found = graph.stats | counts | {name: count for name, count in told.items() if count}
    return replace(graph, stats=dict(sorted(found.items())))
