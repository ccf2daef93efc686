"""The routes that a service answers, as the gateway is told them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from migrator.model.graph import Graph
from migrator.model.plan import Assignment

_COMPUTED = re.compile(r"\$\{[^{}]*\}")
Route = tuple[str, str]


def routes_of(graph: Graph, assignment: Assignment, service: str) -> tuple[Route, ...]:
    """(method, URL) of each; without those of whose URL a part is not known."""
    found = {
        route for route in _every(graph, assignment, service) if not _COMPUTED.search(route[1])
    }
    return tuple(sorted(found, key=lambda route: (route[1], route[0])))


def without_prefix(graph: Graph, assignment: Assignment, service: str) -> list[str]:
    """What a person has to say before the gateway can know a route."""
    parts = Counter(
        part
        for _, path in set(_every(graph, assignment, service))
        for part in _COMPUTED.findall(path)
    )
    return [
        f"{count} routes have {part} in their URL, which the code computes: say what it is under "
        "[analyze.prefixes] in migrator.toml; until then the gateway does not know them"
        for part, count in sorted(parts.items())
    ]


def _every(graph: Graph, assignment: Assignment, service: str) -> Iterator[Route]:
    for entry in graph.entry_points:
        if entry.kind == "route" and assignment.owner_of.get(entry.definition) == service:
            yield entry.method or "GET", entry.path or "/"
