"""What any proposal has to beat, from the same graph: packages as they are, Louvain, chance."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping

import networkx as nx

from migrator.model.graph import Graph

SEED = 7
_RESOLUTIONS = (0.3, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0)


def packaged(graph: Graph) -> dict[str, str]:
    """The code as it lies: with hidden names in one flat folder, so one part. (One part a file is
    no packaging, and MoJoFM rewards it: a join costs one, however many files it joins.)"""
    return {d.id: d.module.rpartition(".")[0] for d in graph.definitions}


def louvain(graph: Graph, services: int | None = None) -> dict[str, str]:
    """Louvain on the imports between files, at its own number of parts or at `services`.

    For a number, each resolution's parts are joined until they are so many, and the result of the
    highest modularity is taken: no resolution joins files that import nothing, so on its own
    Louvain keeps each of them as a part.
    """
    modules = sorted({d.module for d in graph.definitions})
    imports: nx.Graph[str] = nx.Graph()
    imports.add_nodes_from(modules)
    known = set(modules)
    pairs = sorted({(i.source, i.target) for i in graph.imports})
    imports.add_edges_from((a, b) for a, b in pairs if {a, b} <= known)
    if services is None:
        best = nx.community.louvain_communities(imports, seed=SEED)
    else:
        tried = (
            _joined(
                nx.community.louvain_communities(imports, resolution=r, seed=SEED),
                services,
                imports,
            )
            for r in _RESOLUTIONS
        )
        best = max(tried, key=lambda parts: nx.community.modularity(imports, parts))
    home = {module: str(number) for number, part in enumerate(best) for module in part}
    return {d.id: home[d.module] for d in graph.definitions}


def _joined(parts: list[set[str]], services: int, imports: nx.Graph[str]) -> list[set[str]]:
    """`parts`, the smallest joined in turn to the one it shares most imports with (to the next
    smallest where it shares none) until `services` are left."""
    parts = sorted((set(part) for part in parts), key=lambda part: (len(part), min(part)))
    while len(parts) > services:
        smallest, *parts = parts
        tied = Counter(n for module in smallest for n in imports.neighbors(module))
        nearest = max(parts, key=lambda part: sum(tied[module] for module in part))
        nearest |= smallest
        parts.sort(key=lambda part: (len(part), min(part)))
    return parts


def chance(proposal: Mapping[str, str], seed: int = SEED) -> dict[str, str]:
    """The same sizes as `proposal`, filled by lot."""
    names = sorted(proposal)
    parts = [proposal[name] for name in names]
    random.Random(seed).shuffle(parts)
    return dict(zip(names, parts, strict=True))
