"""Joining parts of a partition until it is one that services can be made of."""

from __future__ import annotations

import heapq
from collections.abc import Collection

from migrator.plan.ties import Held, Ties

Parts = dict[str, int]
# Without tables: so many definitions, so many of them at work on rows or requests, are a service if
# any answers. Fewer are helpers of another; a library that nothing enters goes where it is used.
_ENOUGH, _BUSY, _ANSWERS = 12, 2, 1
_SEEN = 0.05  # Where fewer than this are tables or answer, how it is entered is not known.


class Net:
    """Ties as numbers, made once for all partitions of them: `edges` join nodes by their place in
    `nodes`, `held` is what each stands for."""

    def __init__(self, ties: Ties) -> None:
        self.nodes = ties.nodes
        number = {node: index for index, node in enumerate(ties.nodes)}
        self.edges = [
            (number[node], number[other], weight)
            for node in ties.nodes
            for other, weight in ties.near[node].items()
            if node < other
        ]
        self.held = [ties.holds(node) for node in ties.nodes]
        seen = sum(held.tables + held.answers for held in self.held)
        self.blind = seen < _SEEN * sum(held.size for held in self.held)


def joined(
    net: Net,
    parts: Parts,
    resolution: float,
    services: int | None = None,
    apart: Collection[tuple[str, str]] = (),
) -> Parts:
    """Join parts until each has a table, or enough to do without, and there are at most `services`:
    each time the pair that modularity loses least by. Parts that hold the two of a pair of `apart`
    are never joined."""
    found = _Joined(net, parts, resolution, apart)
    found.give_homes()
    if services is not None:
        found.reduce(services)
    return found.parts()


class _Joined:
    def __init__(
        self, net: Net, parts: Parts, resolution: float, apart: Collection[tuple[str, str]]
    ) -> None:
        self.home, self.resolution, self.blind = parts, resolution, net.blind
        self.goal = {p: p for p in set(parts.values())}
        self.strength = dict.fromkeys(self.goal, 0.0)
        self.held: dict[int, Held] = {}
        self.between: dict[int, dict[int, float]] = {p: {} for p in self.goal}
        self.foes: dict[int, set[int]] = {}
        for one, other in apart:
            if one in parts and other in parts:
                self.foes.setdefault(parts[one], set()).add(parts[other])
                self.foes.setdefault(parts[other], set()).add(parts[one])
        labels = [parts[node] for node in net.nodes]
        for part, held in zip(labels, net.held, strict=True):
            before = self.held.get(part)
            self.held[part] = before.plus(held) if before else held
        cut: dict[tuple[int, int], float] = {}
        for one_node, other_node, weight in net.edges:
            one_part, other_part = labels[one_node], labels[other_node]
            self.strength[one_part] += weight
            self.strength[other_part] += weight
            if one_part != other_part:
                pair = (one_part, other_part) if one_part < other_part else (other_part, one_part)
                cut[pair] = cut.get(pair, 0.0) + weight
        for (one_part, other_part), weight in cut.items():
            self.between[one_part][other_part] = self.between[other_part][one_part] = weight
        self.total = sum(self.strength.values()) or 1.0

    def give_homes(self) -> None:
        """A few definitions without a table are no service: they go where they are tied most."""
        for _, part in sorted((self.held[p].size, p) for p in self.between if not self._able(p)):
            if len(self.between) > 1 and not self._able(part):
                goal = self._closest(part)
                if goal is not None:
                    self._join(part, goal)

    def _able(self, part: int) -> bool:
        """Whether `part` could be a service."""
        held = self.held[part]
        works = self.blind or (held.busy >= _BUSY and held.answers >= _ANSWERS)
        return held.tables > 0 or (held.size >= _ENOUGH and works)

    def reduce(self, services: int) -> None:
        heap = [(-self._gain(p, q), p, q) for p in self.between for q in self.between[p] if p < q]
        heapq.heapify(heap)
        while len(self.between) > max(1, services):
            pair = self._next(heap)
            if pair is None:
                return
            one, other = pair
            self._join(one, other)
            for near in self.between[other]:
                first, second = min(near, other), max(near, other)
                heapq.heappush(heap, (-self._gain(first, second), first, second))

    def _next(self, heap: list[tuple[float, int, int]]) -> tuple[int, int] | None:
        while heap:
            loss, one, other = heapq.heappop(heap)
            alive = one in self.between and other in self.between
            if alive and -loss == self._gain(one, other) and not self._foes(one, other):
                return one, other
        rest = sorted(self.between, key=lambda p: (self.held[p].size, p))
        for index, one in enumerate(rest):
            for other in rest[index + 1 :]:
                if not self._foes(one, other):
                    return one, other
        return None

    def _foes(self, one: int, other: int) -> bool:
        return other in self.foes.get(one, ())

    def _closest(self, part: int) -> int | None:
        free = [q for q in self.between if q != part and not self._foes(part, q)]
        near = [q for q in free if q in self.between[part]]
        if near:
            ties = self.between[part]
            return max(near, key=lambda q: (ties[q] / (self.strength[q] or 1.0) ** 0.5, -q))
        rest = [q for q in free if self._able(q)] or free
        return max(rest, key=lambda q: (self.held[q].size, -q), default=None)

    def _gain(self, one: int, other: int) -> float:
        expected = self.resolution * self.strength[one] * self.strength[other] / self.total
        return self.between[one].get(other, 0.0) - expected

    def _join(self, one: int, other: int) -> None:
        """`one` becomes part of `other`."""
        for near, weight in self.between.pop(one).items():
            del self.between[near][one]
            if near != other:
                sum_ = self.between[near].get(other, 0.0) + weight
                self.between[near][other] = self.between[other][near] = sum_
        self.strength[other] += self.strength.pop(one)
        self.held[other] = self.held[other].plus(self.held.pop(one))
        for foe in self.foes.pop(one, set()):
            self.foes[foe].discard(one)
            self.foes[foe].add(other)
            self.foes.setdefault(other, set()).add(foe)
        self.goal[one] = other

    def parts(self) -> Parts:
        def final(part: int) -> int:
            while self.goal[part] != part:
                part = self.goal[part]
            return part

        return {node: final(part) for node, part in self.home.items()}
