"""Contexts: communities of tables and the definitions that work on them.

Leiden (Traag, Waltman, van Eck, "From Louvain to Leiden: guaranteeing well-connected communities",
Scientific Reports 9, 2019) over the weighted ties. Its resolution is searched for the wanted number
of services; what people want together goes in as one node, what must part is split after.
"""

from __future__ import annotations

import heapq

from graspologic_native import leiden

from migrator.plan.constraints import Constraints
from migrator.plan.join import Net, Parts, joined
from migrator.plan.ties import PLACE, Held, Ties

SEED = 7
_QUICK = (1, 2)  # Trials and iterations: enough to tell about how many parts there are.
# What is proposed: fewer trials end in parts that a small change of the code upsets. Bigger graphs
# need fewer, and each takes longer.
_TRIALS, _ITERATIONS, _TIED = (10, 40), 10, 200_000
_STEPS = 14
_ABOUT = tuple(round(0.72 * 1.0767**step, 4) for step in range(10))  # Up to 1.4.
_LOWEST, _HIGHEST = 0.02, 64.0


class Search:
    """Partitions of `ties` under `limits`; deterministic for one `seed`."""

    def __init__(self, ties: Ties, limits: Constraints, seed: int = SEED) -> None:
        self.whole, self.limits, self.seed = ties, limits, seed
        self.ties = _contracted(ties, limits)
        self.net = Net(self.ties)
        self.blind = self.net.blind
        name = self.ties.nodes
        self.edges = [(name[a], name[b], weight) for a, b, weight in self.net.edges]
        self._known: dict[tuple[float, bool], Parts] = {}

    def at(self, resolution: float, thorough: bool = False) -> Parts:
        """Part numbers by node of the contracted ties; each part can be a service."""
        key = (resolution, thorough)
        if key not in self._known:
            effort = self._thorough() if thorough else _QUICK
            self._known[key] = self._at(resolution, *effort, self.seed)
        return self._known[key]

    def _at(self, resolution: float, trials: int, iterations: int, seed: int) -> Parts:
        found: Parts = {}
        if self.edges:
            _, found = leiden(
                self.edges,
                resolution=resolution,
                seed=seed,
                trials=trials,
                iterations=iterations,
            )
        alone = len(self.ties.nodes)
        parts = {n: found.get(n, alone + i) for i, n in enumerate(self.ties.nodes)}
        for one, other in sorted(self.limits.apart):
            if one in parts and other in parts and parts[one] == parts[other]:
                _split(self.ties, parts, one, other)
        return joined(self.net, parts, resolution, None, self.limits.apart)

    def _thorough(self) -> tuple[int, int]:
        least, most = _TRIALS
        return max(least, min(most, _TIED // max(1, len(self.edges)))), _ITERATIONS

    def several(self) -> list[Parts]:
        """Quick partitions of about as many parts each, by a seed of its own each."""
        found = (self._at(r, *_QUICK, self.seed + i) for i, r in enumerate(_ABOUT))
        return [self.expanded(parts) for parts in found]

    def into(self, services: int) -> Parts:
        """A partition into `services` parts, or as near as tables and constraints let it be."""
        low, high, best = _LOWEST, _HIGHEST, _HIGHEST
        for _ in range(_STEPS):
            middle = round((low * high) ** 0.5, 6)
            count = len(set(self.at(middle).values()))
            if count >= services:
                high = best = middle
            else:
                low = middle
            if count == services:
                break
        found = self.at(best, thorough=True)
        if len(set(found.values())) < services:
            found = self.at(best)
        return joined(self.net, found, best, services, self.limits.apart)

    def expanded(self, parts: Parts) -> Parts:
        """`parts` for every node of the whole ties."""
        return {node: parts[self.limits.of(node)] for node in self.whole.nodes}


def _contracted(ties: Ties, limits: Constraints) -> Ties:
    if not limits.group:
        return ties
    near: dict[str, dict[str, float]] = {}
    held: dict[str, Held] = {}
    for node in ties.nodes:
        held[limits.of(node)] = held.get(limits.of(node), Held()).plus(ties.holds(node))
        mine = near.setdefault(limits.of(node), {})
        for other, weight in ties.near[node].items():
            goal = limits.of(other)
            if goal != limits.of(node):
                mine[goal] = mine.get(goal, 0.0) + weight
    nodes = tuple(sorted(near))
    return Ties(nodes, {n: dict(sorted(near[n].items())) for n in nodes}, held=held)


def _split(ties: Ties, parts: Parts, one: str, other: str) -> None:
    """The part that holds both becomes two: each node goes with the one that it is tied to more
    strongly, strongest first (Prim's order from both at once)."""
    part, fresh = parts[one], max(parts.values()) + 1
    inside = {n for n, p in parts.items() if p == part}
    taken: dict[str, int] = {}
    heap = [(-float("inf"), one, part), (-float("inf"), other, fresh)]
    while heap:
        _, node, side = heapq.heappop(heap)
        if node in taken:
            continue
        taken[node] = side
        for near, weight in ties.near[node].items():
            if near in inside and near not in taken:
                heapq.heappush(heap, (-weight, near, side))
    parts.update(taken)


def as_sets(parts: Parts) -> list[set[str]]:
    """The parts without places, the one that holds most first."""
    found: dict[int, set[str]] = {}
    for node, part in parts.items():
        if not node.startswith(PLACE):
            found.setdefault(part, set()).add(node)
    return sorted(found.values(), key=lambda p: (-len(p), min(p)))
