"""What any proposal has to beat, from the same graph: packages as they are, Louvain, chance."""

from __future__ import annotations

import random
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
    """Louvain on the imports between files, at its own number of parts or as near to `services` as
    a resolution brings it."""
    modules = sorted({d.module for d in graph.definitions})
    imports: nx.Graph[str] = nx.Graph()
    imports.add_nodes_from(modules)
    known = set(modules)
    pairs = sorted({(i.source, i.target) for i in graph.imports})
    imports.add_edges_from((a, b) for a, b in pairs if {a, b} <= known)
    tried = [
        nx.community.louvain_communities(imports, resolution=r, seed=SEED)
        for r in ((1.0,) if services is None else _RESOLUTIONS)
    ]
    wanted = services or len(tried[0])
    best = min(tried, key=lambda parts: abs(len(parts) - wanted))
    home = {module: str(number) for number, part in enumerate(best) for module in part}
    return {d.id: home[d.module] for d in graph.definitions}


def chance(proposal: Mapping[str, str], seed: int = SEED) -> dict[str, str]:
    """The same sizes as `proposal`, filled by lot."""
    names = sorted(proposal)
    parts = [proposal[name] for name in names]
    random.Random(seed).shuffle(parts)
    return dict(zip(names, parts, strict=True))
