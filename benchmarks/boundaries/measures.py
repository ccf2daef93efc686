"""How alike two partitions of the same things are: MoJoFM and the adjusted Rand index."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import networkx as nx

Partition = Mapping[str, str]


def mojofm(found: Partition, truth: Partition) -> float:
    """MoJoFM in percent, 100 for the same partition (Wen and Tzerpos, "An effectiveness measure
    for software clustering algorithms", IWPC 2004): 100 (1 - mno(A,B) / max mno(any A, B)).

    mno counts the fewest moves of one thing and joins of two clusters that turn A (`found`) into
    B (`truth`). It is not symmetric.
    """
    things = found.keys() & truth.keys()
    sizes = Counter(truth[t] for t in things)
    groups = 0
    for size in sorted(sizes.values()):
        groups += groups < size
    worst = len(things) - groups
    if worst <= 0:
        return 100.0
    return 100.0 * (1 - moves_and_joins(found, truth) / worst)


def moves_and_joins(found: Partition, truth: Partition) -> int:
    """mno(A, B), by the optimal algorithm of Wen and Tzerpos ("An optimal algorithm for MoJo
    distance", IWPC 2003): each cluster of A becomes that cluster of B which it shares most with;
    where several share as much, a maximum matching picks so that most clusters of B are met."""
    things = found.keys() & truth.keys()
    shared: dict[str, Counter[str]] = {}
    for thing in things:
        shared.setdefault(found[thing], Counter())[truth[thing]] += 1
    moves = len(things) - sum(max(counts.values()) for counts in shared.values())
    choices: nx.Graph[tuple[str, str]] = nx.Graph()
    for cluster, counts in shared.items():
        most = max(counts.values())
        choices.add_edges_from(
            (("A", cluster), ("B", goal)) for goal, n in counts.items() if n == most
        )
    top = {node for node in choices if node[0] == "A"}
    met = len(nx.bipartite.maximum_matching(choices, top)) // 2 if top else 0
    return moves + len(shared) - met


def adjusted_rand(found: Partition, truth: Partition) -> float:
    """The adjusted Rand index: 1 for the same partition, 0 for chance (Hubert and Arabie,
    "Comparing partitions", Journal of Classification 2, 1985)."""
    things = found.keys() & truth.keys()
    cells = Counter((found[t], truth[t]) for t in things)
    rows, columns = Counter(found[t] for t in things), Counter(truth[t] for t in things)
    together = sum(math.comb(n, 2) for n in cells.values())
    one = sum(math.comb(n, 2) for n in rows.values())
    other = sum(math.comb(n, 2) for n in columns.values())
    expected = one * other / math.comb(len(things), 2) if len(things) > 1 else 0.0
    most = (one + other) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)
