"""CARGO (Nitin, Asthana, Ray, Krishna, "CARGO: AI-guided dependency analysis for migrating
monolithic applications to microservices architecture", ASE 2022; arXiv 2207.11784) on a Graph.

The PyPI package ``minerva-cargo`` reads its dependence graph of Java from Neo4j; here it is handed
the calls and references between definitions, and who reads and writes each table as its graph of
transactions, with one context. Where it has drawn nothing (a definition without a dependency), a
definition goes where most of its file is.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import networkx as nx
import numpy as np

from migrator.model.graph import Graph

SEED = 7


def present() -> bool:
    return find_spec("cargo") is not None and find_spec("py2neo") is not None


def cargo(graph: Graph, services: int) -> dict[str, str]:
    """CARGO's parts, from `services` labels dealt out in turn (its option ``--max-part``)."""
    from cargo import cargo as theirs

    theirs.to_undirected_simple = _undirected  # Theirs looks at every edge for each edge.
    theirs.add_edge_weighted = _weigh
    logging.disable(logging.INFO)
    random.seed(SEED)
    np.random.seed(SEED)
    tool = theirs.Cargo(False, "", 0, "", False)
    tool.full_G, tool.transaction_graph = nx.MultiDiGraph(), nx.MultiDiGraph()
    for tie in graph.dependencies:
        if tie.source != tie.target:
            _weigh(tool.full_G, (tie.source, tie.target, {"weight": float(tie.weight)}))
    for access in graph.accesses:
        table = f"DATABASE_{access.table}"
        if not tool.transaction_graph.has_edge(access.definition, table):
            tool.transaction_graph.add_edge(access.definition, table, weight=1.0)
    tool.all_context_graphs = [tool.full_G.copy()]
    _, parts = tool.run("auto", services)
    return _completed({d: str(p) for d, p in parts.items()}, graph)


def _completed(parts: Mapping[str, str], graph: Graph) -> dict[str, str]:
    seen: dict[str, Counter[str]] = {}
    for definition in graph.definitions:
        if definition.id in parts:
            seen.setdefault(definition.module, Counter())[parts[definition.id]] += 1
    return {
        d.id: parts.get(d.id)
        or (seen[d.module].most_common(1)[0][0] if d.module in seen else d.module)
        for d in graph.definitions
    }


def _weigh(graph: Any, edge: tuple[str, str, dict[str, float]]) -> None:
    source, target, data = edge
    weight = data.get("weight", 1.0)
    if graph.has_edge(source, target):
        kept = graph[source][target]
        (kept[0] if graph.is_multigraph() else kept)["weight"] += weight
    else:
        graph.add_edge(source, target, weight=weight)


def _undirected(graph: Any) -> nx.Graph[str]:
    simple: nx.Graph[str] = nx.Graph()
    simple.add_nodes_from(graph.nodes(data=True))
    for source, target, data in graph.edges(data=True):
        _weigh(simple, (source, target, data))
    return simple
