"""Names and purposes from the code's own words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from migrator.model.graph import Definition, Graph


def named(parts: Iterable[set[str]]) -> list[str]:
    """One name for each context: the package most of it comes from, else its main table."""
    taken: set[str] = set()
    found = []
    for part in parts:
        words = _words(part)
        name = next((w for w in words if w not in taken), f"service{len(taken) + 1}")
        taken.add(name)
        found.append(name)
    return found


def _words(part: set[str]) -> list[str]:
    packages: Counter[str] = Counter()
    for node in part:
        parts = node.partition(":")[0].split(".")
        if not node.startswith("table:") and len(parts) > 2:
            packages[parts[1]] += 1
    tables = sorted(n.removeprefix("table:").rpartition(".")[2] for n in part if n[:6] == "table:")
    common = [word for word, _ in sorted(packages.items(), key=lambda item: (-item[1], item[0]))]
    words = [*common[:1], *tables, *common[1:]]
    return [w.replace("_", "-").lower() for w in words]


def purpose(name: str, definitions: list[Definition], graph: Graph) -> str:
    """One line: what its routes are about."""
    own = {d.id for d in definitions}
    routes = [p for p in graph.entry_points if p.kind == "route" and p.definition in own]
    subjects: Counter[str] = Counter()
    for route in routes:
        words = [w for w in (route.path or "").split("/") if w and not w.startswith("<")]
        subjects.update(w for w in words if w not in ("api", "v1", "v2", "me", "admin"))
    about = ", ".join(word for word, _ in subjects.most_common(4))
    return f"{name}: {len(routes)} routes about {about}" if about else f"{name}: no routes"
