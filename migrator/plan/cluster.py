"""Contexts: communities of tables and the definitions that work on them.

Louvain (Blondel et al. 2008) on a weighted graph of tables, definitions and packages; its
resolution is searched for the wanted number of services.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import networkx as nx

from migrator.model.graph import Graph, Transaction
from migrator.plan import weights

_SEED = 7
_MANY = 4
_ENOUGH = 0.98  # Of the best modularity: fewer services at nearly the same coupling.
_RESOLUTIONS = (0.5, 0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0, 2.5, 3.0, 4.0, 6.0)


def contexts(graph: Graph, unowned: frozenset[str], services: int | None) -> list[set[str]]:
    """Sets of definition ids and ``table:`` ids; each holds a table. `unowned` are left out."""
    ties = tie_graph(graph, unowned)
    tables = [f"table:{t.id}" for t in graph.tables]
    if not tables or not ties.edges:
        whole = {n for n in ties.nodes if not n.startswith("package:")}
        return [whole] if whole else []
    candidates = [_partition(ties, resolution) for resolution in _RESOLUTIONS]
    if services is None:
        scored = [(nx.community.modularity(ties, parts), parts) for parts in candidates]
        limit = _ENOUGH * max(score for score, _ in scored)
        chosen = min((p for score, p in scored if score >= limit), key=len)
    else:
        chosen = min(candidates, key=lambda parts: (abs(len(parts) - services), -len(parts)))
        while len(chosen) > services:
            chosen = _merge_smallest(ties, chosen)
    chosen = _settle(ties, chosen)
    return sorted(
        ({n for n in part if not n.startswith("package:")} for part in chosen),
        key=lambda part: (-len(part), min(part)),
    )


def tie_graph(graph: Graph, unowned: frozenset[str]) -> nx.Graph[str]:
    """The weighted graph that is searched. Models are one node with their table."""
    model_of = {t.definition: f"table:{t.id}" for t in graph.tables if t.definition}
    found: nx.Graph[str] = nx.Graph()
    found.add_nodes_from(f"table:{t.id}" for t in graph.tables)

    def node(definition: str) -> str:
        return model_of.get(definition, definition)

    def tie(a: str, b: str, weight: float) -> None:
        if a != b:
            before = found.get_edge_data(a, b, {"weight": 0.0})["weight"]
            found.add_edge(a, b, weight=before + weight)

    for definition in graph.definitions:
        if definition.id in unowned:
            continue
        home, weight = _home(definition.module)
        if definition.id not in model_of or weight == weights.PACKAGE:
            tie(node(definition.id), home, weight)
        found.add_node(node(definition.id))
    users = Counter(e.target for e in graph.dependencies)
    common = _everybodys(graph)
    for edge in graph.dependencies:
        if edge.target not in common and not {edge.source, edge.target} & unowned:
            weight = weights.CALLS[edge.kind] / users[edge.target]
            tie(node(edge.source), node(edge.target), weight)
    readers = Counter(a.table for a in graph.accesses if not a.writes)
    together = Counter(t for unit in _units(graph) for t in unit.tables)
    written = Counter(d for d, _ in {(a.definition, a.table) for a in graph.accesses if a.writes})
    for access in graph.accesses:
        if access.definition in unowned:
            continue
        weight = weights.READ / readers[access.table] ** 0.5
        if access.mode != "read":
            # Who writes many tables at once belongs to none of them in particular.
            weight = weights.WRITES[access.mode] / written[access.definition] ** 0.5
        tie(node(access.definition), f"table:{access.table}", weight)
    pointed = Counter(k.target for k in graph.foreign_keys)
    for key in graph.foreign_keys:
        base = weights.CASCADE if key.on_delete == "CASCADE" else weights.FOREIGN_KEY
        tie(f"table:{key.source}", f"table:{key.target}", base / pointed[key.target])
    for unit in _units(graph):
        share = weights.TRANSACTION / max(1, len(unit.tables) - 1) ** 2
        for index, one in enumerate(unit.tables):
            for other in unit.tables[index + 1 :]:
                # A table that is in every transaction says nothing of any.
                often = max(together[one], together[other])
                tie(f"table:{one}", f"table:{other}", share / often**0.5)
    return found


def _units(graph: Graph) -> list[Transaction]:
    """Each unit of work once, however many entry points start it."""
    return list({unit.definition: unit for unit in graph.transactions}.values())


def _everybodys(graph: Graph) -> set[str]:
    """What is used from all over says nothing about where its users belong."""
    places: dict[str, set[str]] = {}
    models = {t.definition for t in graph.tables}
    for edge in graph.dependencies:
        if edge.target not in models:
            source = edge.source.partition(":")[0]
            places.setdefault(edge.target, set()).add(_home(source)[0])
    return {target for target, homes in places.items() if len(homes) > _MANY}


def _home(module: str) -> tuple[str, float]:
    """The package below the top one where there is one, which people named; else the module."""
    parts = module.split(".")
    if len(parts) > 2:
        return f"package:{'.'.join(parts[:2])}", weights.PACKAGE
    return f"package:{module}", weights.MODULE


def _partition(ties: nx.Graph[str], resolution: float) -> list[set[str]]:
    parts = [
        set(part)
        for part in nx.community.louvain_communities(ties, "weight", resolution, seed=_SEED)
    ]
    while len(parts) > 1:
        bare = [p for p in parts if not any(n.startswith("table:") for n in p)]
        if not bare:
            break
        parts = _merge(ties, parts, min(bare, key=lambda p: (len(p), min(p))))
    return sorted(parts, key=lambda p: (-len(p), min(p)))


def _merge_smallest(ties: nx.Graph[str], parts: list[set[str]]) -> list[set[str]]:
    return _merge(ties, parts, min(parts, key=lambda p: (len(p), min(p))))


def _merge(ties: nx.Graph[str], parts: list[set[str]], loose: set[str]) -> list[set[str]]:
    """Put `loose` into the part that it is most tied to."""
    others = [p for p in parts if p is not loose]
    with_tables = [p for p in others if any(n.startswith("table:") for n in p)] or others

    def pull(part: set[str]) -> tuple[float, int, str]:
        return (_tied(ties, loose, part), -len(part), min(part))

    goal = max(with_tables, key=pull)
    return [p | loose if p is goal else p for p in others]


def _tied(ties: nx.Graph[str], one: Iterable[str], other: set[str]) -> float:
    return float(
        sum(d["weight"] for n in one for _, m, d in ties.edges(n, data=True) if m in other)
    )


def _settle(ties: nx.Graph[str], parts: list[set[str]]) -> list[set[str]]:
    """Local moves: a definition or table goes where it is tied most, until nothing moves."""
    home = {node: index for index, part in enumerate(parts) for node in part}
    held = Counter(home[n] for n in home if n.startswith("table:"))
    for _ in range(10):
        moved = False
        for node in sorted(home):
            if node.startswith("package:"):
                continue
            pulls = _pulls(ties, node, home)
            if not pulls:
                continue
            goal = max(sorted(pulls), key=lambda index: pulls[index])
            last_table = node.startswith("table:") and held[home[node]] == 1
            if pulls[goal] > pulls.get(home[node], 0.0) + 1e-9 and not last_table:
                if node.startswith("table:"):
                    held[home[node]] -= 1
                    held[goal] += 1
                home[node], moved = goal, True
        if not moved:
            break
    found: dict[int, set[str]] = {}
    for node, index in home.items():
        found.setdefault(index, set()).add(node)
    return list(found.values())


def _pulls(ties: nx.Graph[str], node: str, home: Mapping[str, int]) -> dict[int, float]:
    pulls: dict[int, float] = {}
    for _, other, data in ties.edges(node, data=True):
        pulls[home[other]] = pulls.get(home[other], 0.0) + data["weight"]
    return pulls
