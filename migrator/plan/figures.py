"""Figures of a partition, never one alone: few big services make ICP look good.

SM, ICP, BCP, IFN and NED are those of Mono2Micro (Kalia et al., ESEC/FSE 2021, and the replication
package's ``metrics_util.py``) over classes, here over definitions; transaction entropy, coupling
and cohesion are CARGO's (Nitin et al., ASE 2022, and ``cargo.metrics.metrics``).
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping

import networkx as nx

from migrator.model.graph import Graph
from migrator.model.plan import GLUE, SHARED, Assignment, Figures
from migrator.plan.reachability import Edges

_SIZES = range(5, 21)
_SEED = 7
Partition = Mapping[str, str]


def figures(
    name: str,
    graph: Graph,
    home: Partition,
    tables: Mapping[str, str],
    edges: Edges | None = None,
) -> Figures:
    """`home` maps definitions, `tables` table ids to a part; what is in neither counts nowhere."""
    pairs = _pairs(graph, home)
    edges = edges or Edges.of(graph)
    sizes = Counter(home.values())
    across = Counter({pair: n for pair, n in pairs.items() if home[pair[0]] != home[pair[1]]})
    units = {t.definition: t.tables for t in graph.transactions}
    keys = {(k.source, k.columns, k.target) for k in graph.foreign_keys}
    return Figures(
        name=name,
        services=len(sizes),
        sm=structural_modularity(home, set(pairs)),
        icp=_icp(pairs, across),
        ifn=len({frozenset(p) for p in across}) / len(sizes) if sizes else 0.0,
        ned=1 - sum(n for n in sizes.values() if n in _SIZES) / max(1, sum(sizes.values())),
        transactions_cut=sum(
            len({tables[t] for t in written if t in tables}) > 1 for written in units.values()
        ),
        foreign_keys_cut=sum(tables.get(s) != tables.get(t) for s, _, t in keys),
        transaction_entropy=transaction_entropy(graph, home),
        bcp=business_context_purity(graph, home, edges),
        coupling=across.total() / max(1, pairs.total()),
        cohesion=cohesion(home, pairs),
        one_writer=one_writer(graph, home),
        sync_hops=synchronous_hops(graph, home, edges),
    )


def business_context_purity(graph: Graph, home: Partition, edges: Edges) -> float:
    """BCP = (1/K) sum ln(number of use cases that run part i); a use case is an entry point.

    As in Mono2Micro's code, which counts distinct use cases; CARGO's entropy by frequency is
    another figure. A part that no use case runs counts 0.
    """
    cases: dict[str, set[str]] = {part: set() for part in home.values()}
    for point in graph.entry_points:
        for definition in edges.reached(point.definition):
            if definition in home:
                cases[home[definition]].add(point.definition)
    return sum(math.log(len(found)) for found in cases.values() if found) / max(1, len(cases))


def cohesion(home: Partition, pairs: Mapping[tuple[str, str], int]) -> float:
    """Mean over parts of 2 int/(2 int + ext): weight of calls inside, and of those in or out."""
    inside: Counter[str] = Counter()
    outside: Counter[str] = Counter()
    for (one, other), weight in pairs.items():
        if home[one] == home[other]:
            inside[home[one]] += weight
        else:
            outside[home[one]] += weight
            outside[home[other]] += weight
    parts = set(home.values())
    shares = [2 * inside[p] / ((2 * inside[p] + outside[p]) or 1) for p in parts]
    return sum(shares) / max(1, len(shares))


def one_writer(graph: Graph, home: Partition) -> float:
    """The share of the tables that are written at all which the code of one part alone writes."""
    writers: dict[str, set[str]] = {}
    for access in graph.accesses:
        if access.writes and access.definition in home:
            writers.setdefault(access.table, set()).add(home[access.definition])
    return sum(len(parts) == 1 for parts in writers.values()) / max(1, len(writers))


def synchronous_hops(graph: Graph, home: Partition, edges: Edges) -> int:
    """The most calls from part to part on one way down from an entry point, were each call to code
    that works on tables a request. Functions that call each other in a ring count once."""
    busy = {a.definition for a in graph.accesses}
    calls: nx.DiGraph[str] = nx.DiGraph()
    calls.add_nodes_from(home)
    for edge in graph.dependencies:
        if edge.kind == "calls" and {edge.source, edge.target} <= home.keys():
            calls.add_edge(edge.source, edge.target)
    working = {n for n in home if n in busy or edges.reached(n) & busy}
    rings = nx.condensation(calls)
    longest: dict[int, int] = {}
    ring_of = rings.graph["mapping"]
    for ring in reversed(list(nx.topological_sort(rings))):
        best = 0
        for one in rings.nodes[ring]["members"]:
            for other in calls.successors(one):
                if ring_of[other] != ring:
                    hop = home[one] != home[other] and other in working
                    best = max(best, longest[ring_of[other]] + hop)
        longest[ring] = best
    starts = {p.definition for p in graph.entry_points} & home.keys()
    return max((longest[ring_of[s]] for s in starts), default=0)


def structural_modularity(home: Partition, pairs: set[tuple[str, str]]) -> float:
    """SM = (1/K) sum mu_i/n_i^2 - (1/(K(K-1)/2)) sum sigma_ij/(2 n_i n_j), i != j ordered.

    mu_i counts connected pairs inside part i, sigma_ij those between i and j.
    """
    sizes = Counter(home.values())
    count = len(sizes)
    if not count:
        return 0.0
    undirected = {frozenset(pair) for pair in pairs}
    inside: Counter[str] = Counter()
    between: Counter[frozenset[str]] = Counter()
    for pair in undirected:
        parts = frozenset(home[d] for d in pair)
        if len(parts) == 1:
            inside[next(iter(parts))] += 1
        else:
            between[parts] += 1
    cohesion = sum(inside[p] / sizes[p] ** 2 for p in sizes) / count
    if count == 1:
        return cohesion
    coupling = sum(n / math.prod(sizes[p] for p in parts) for parts, n in between.items())
    return cohesion - coupling / (count * (count - 1) / 2)


def transaction_entropy(graph: Graph, home: Partition) -> float:
    """Mean over tables of the entropy (nats) of the parts that access it; 0: one part each."""
    users: dict[str, set[str]] = {}
    for access in graph.accesses:
        if access.definition in home:
            users.setdefault(access.table, set()).add(access.definition)
    if not users:
        return 0.0
    return sum(_entropy(Counter(home[d] for d in found)) for found in users.values()) / len(users)


def compared(graph: Graph, assignment: Assignment, name: str = "this plan") -> list[Figures]:
    """The plan, called `name`, beside the code as packaged, Louvain on imports, and chance with
    the same sizes."""
    owned = {d: s for d, s in assignment.owner_of.items() if s not in (SHARED, GLUE)}
    tables = assignment.table_owner
    model = {t.id: t.definition for t in graph.tables if t.definition}
    edges = Edges.of(graph)
    found = [figures(name, graph, owned, tables, edges)]
    parts = {d: _package(d) for d in owned}
    imported = _louvain_on_imports(graph, owned)
    shuffled = list(owned.values())
    random.Random(_SEED).shuffle(shuffled)
    chance = dict(zip(owned, shuffled, strict=True))
    for baseline, home in (
        ("as packaged", parts),
        ("Louvain on imports", imported),
        ("random, same sizes", chance),
    ):
        owners = {t: home[d] for t, d in model.items() if d in home}
        found.append(figures(baseline, graph, home, owners, edges))
    return found


def _pairs(graph: Graph, home: Partition) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for edge in graph.dependencies:
        if edge.source in home and edge.target in home and edge.source != edge.target:
            found[edge.source, edge.target] += edge.weight
    return found


def _icp(pairs: Mapping[tuple[str, str], int], across: Mapping[tuple[str, str], int]) -> float:
    """Calls across over all calls, each pair counting ln(v)+1 as in Mono2Micro's code; v is the
    number of places, for want of run-time counts."""
    every = sum(math.log(v) + 1 for v in pairs.values())
    return sum(math.log(v) + 1 for v in across.values()) / every if every else 0.0


def _entropy(counts: Counter[str]) -> float:
    total = counts.total()
    return -sum(n / total * math.log(n / total) for n in counts.values())


def _package(definition: str) -> str:
    return ".".join(definition.partition(":")[0].split(".")[:2])


def _louvain_on_imports(graph: Graph, owned: Mapping[str, str]) -> dict[str, str]:
    modules = {d.partition(":")[0] for d in owned}
    imports: nx.Graph[str] = nx.Graph()
    imports.add_nodes_from(sorted(modules))
    edges = sorted({(i.source, i.target) for i in graph.imports})
    imports.add_edges_from((s, t) for s, t in edges if {s, t} <= modules)
    parts = nx.community.louvain_communities(imports, seed=_SEED)
    home = {m: str(index) for index, part in enumerate(parts) for m in part}
    return {d: home[d.partition(":")[0]] for d in owned}
