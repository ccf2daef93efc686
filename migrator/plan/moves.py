"""Local moves on what a plan really costs: the cuts, each counted once however many places need it.

The search maximises modularity over damped ties, which is fast but counts a replica of one table
once for every function that reads it. Here a service that reads a foreign table costs one replica,
a foreign function that it calls one request; each function that writes a foreign table has to be
changed; a unit of work whose awaited writes lie with two more owners is a saga of two steps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from migrator.model.graph import Graph
from migrator.plan.constraints import Constraints
from migrator.plan.ties import PLACE, TABLE, Ties, node_of
from migrator.plan.weights import Weights
from migrator.plan.work import Unit

_PASSES = 6
_COPY = 0.2  # Of a call's weight: pure code is copied, which costs nothing when it runs.
_EASE = 1e-6
_AGREE = 0.8


def settled(
    graph: Graph,
    whole: Ties,
    parts: Mapping[str, int],
    limits: Constraints,
    weights: Weights,
    pure: frozenset[str],
    work: Sequence[Unit],
) -> dict[str, int]:
    """`parts` after every move of one node (or group that stays together) that lowers the cost,
    until none does; nodes in a fixed order, so that the result is always the same."""
    return _Moves(graph, whole, parts, limits, weights, pure, work).run()


class _Moves:
    def __init__(
        self,
        graph: Graph,
        whole: Ties,
        parts: Mapping[str, int],
        limits: Constraints,
        weights: Weights,
        pure: frozenset[str],
        work: Sequence[Unit],
    ) -> None:
        self.home = dict(parts)
        self.whole, self.limits, self.weights, self.pure = whole, limits, weights, pure
        self.out: dict[str, dict[str, float]] = {}
        self.into: dict[str, dict[str, float]] = {}
        self.each: dict[str, dict[str, float]] = {}
        self.units: list[tuple[str, ...]] = []
        self.units_of: dict[str, list[int]] = {}
        self._needs(graph)
        self._units(graph, work)
        # How many nodes of each part need each target.
        self.users: dict[str, Counter[int]] = {
            target: Counter(self.home[n] for n in needing) for target, needing in self.into.items()
        }
        owned = [n for n in self.home if not n.startswith(PLACE)]
        self.size = Counter(self.home[n] for n in owned)
        self.tables = Counter(self.home[n] for n in owned if n.startswith(TABLE))
        self.most = max(limits.largest * len(owned), max(self.size.values(), default=0))
        self.groups: dict[str, list[str]] = {}
        for node in owned:
            self.groups.setdefault(limits.of(node), []).append(node)
        self.foes: dict[str, set[str]] = {}
        for one, other in limits.apart:
            self.foes.setdefault(one, set()).add(other)
            self.foes.setdefault(other, set()).add(one)

    def _needs(self, graph: Graph) -> None:
        node = {d: n for d, n in node_of(graph).items() if n in self.home}
        w = self.weights
        for edge in graph.dependencies:
            one, other = node.get(edge.source), node.get(edge.target)
            if one and other and one != other:
                worth = w[edge.kind] * (_COPY if edge.target in self.pure else 1.0)
                self._need(one, other, worth)
        for access in graph.accesses:
            one, table = node.get(access.definition), TABLE + access.table
            if one and table in self.home and one != table:
                if access.writes:
                    self._write(one, table, w[access.mode])
                else:
                    self._need(one, table, w["read"])
        for key in graph.foreign_keys:
            one, other = TABLE + key.source, TABLE + key.target
            if one in self.home and other in self.home and one != other:
                cascade = (key.on_delete or "").upper() == "CASCADE"
                self._need(one, other, w["cascade" if cascade else "foreign_key"])

    def _need(self, one: str, other: str, worth: float) -> None:
        """Of several needs of one thing the heaviest counts: one decision covers them."""
        out = self.out.setdefault(one, {})
        out[other] = max(worth, out.get(other, 0.0))
        self.into.setdefault(other, {})[one] = out[other]

    def _write(self, one: str, table: str, worth: float) -> None:
        for a, b in ((one, table), (table, one)):
            each = self.each.setdefault(a, {})
            each[b] = max(worth, each.get(b, 0.0))

    def _units(self, graph: Graph, work: Sequence[Unit]) -> None:
        node = node_of(graph)
        for unit in work:
            members = {TABLE + t for t in unit.awaited} | {node.get(unit.start, "")}
            kept = tuple(sorted(m for m in members if m in self.home))
            if len(kept) > 1:
                for member in kept:
                    self.units_of.setdefault(member, []).append(len(self.units))
                self.units.append(kept)

    def run(self) -> dict[str, int]:
        for _ in range(_PASSES):
            moved = [head for head in sorted(self.groups) if self._improve(head)]
            if not moved:
                break
        return self.home

    def _improve(self, head: str) -> bool:
        nodes = self.groups[head]
        before = self.home[nodes[0]]
        near = {self.home[o] for n in nodes for o in self.out.get(n, ())}
        near |= {part for n in nodes for part in self.users.get(n, ())}
        near |= {self.home[o] for n in nodes for o in self.each.get(n, ())}
        near.discard(before)
        best, goal = -_EASE, None
        pulls = self._pulls(nodes)
        for part in sorted(near):
            # Cost alone would drain small services: the ties have to agree, more or less.
            agreed = pulls.get(part, 0.0) >= _AGREE * pulls.get(before, 0.0)
            if agreed and self._allowed(head, nodes, before, part):
                change = self._change(nodes, before, part)
                if change < best:
                    best, goal = change, part
        if goal is None:
            return False
        for node in nodes:
            self._move(node, goal)
        return True

    def _allowed(self, head: str, nodes: list[str], before: int, goal: int) -> bool:
        tables = sum(n.startswith(TABLE) for n in nodes)
        if tables and self.tables[before] == tables:
            return False
        if self.size[before] - len(nodes) < self.limits.smallest:
            return False
        if self.size[goal] + len(nodes) > self.most:
            return False
        return all(self.home.get(foe) != goal for foe in self.foes.get(head, ()))

    def _pulls(self, nodes: list[str]) -> dict[int, float]:
        """How much the ties of `nodes` pull to each part."""
        pulls: dict[int, float] = {}
        for node in nodes:
            for other, weight in self.whole.near[node].items():
                part = self.home[other]
                worth = weight * (_COPY if other in self.pure else 1.0)
                pulls[part] = pulls.get(part, 0.0) + worth
        return pulls

    def _change(self, nodes: list[str], before: int, goal: int) -> float:
        """How the cost changes: of groups, by making the moves and taking them back."""
        change = 0.0
        for index, node in enumerate(nodes):
            change += self._one(node, before, goal)
            if index + 1 < len(nodes):
                self._move(node, goal)
        for node in nodes[:-1]:
            self._move(node, before)
        return change

    def _one(self, node: str, before: int, goal: int) -> float:
        change = 0.0
        for target, worth in self.out.get(node, {}).items():
            owner, users = self.home[target], self.users[target]
            if users[before] == 1 and owner != before:
                change -= worth
            if users[goal] == 0 and owner != goal:
                change += worth
        for other, worth in self.each.get(node, {}).items():
            change += worth * ((self.home[other] == before) - (self.home[other] == goal))
        worths = {before: 0.0, goal: 0.0}
        for user, worth in self.into.get(node, {}).items():
            part = self.home[user]
            if part in worths and worth > worths[part]:
                worths[part] = worth
        change += worths[before] - worths[goal]
        for index in self.units_of.get(node, ()):
            others = {self.home[t] for t in self.units[index] if t != node}
            steps = (goal not in others) - (before not in others)
            change += self.weights["transaction"] * steps
        return change + self._place(node, before, goal)

    def _place(self, node: str, before: int, goal: int) -> float:
        """A definition that leaves its file has to be cut out of it."""
        for other, weight in self.whole.near[node].items():
            if other.startswith(PLACE):
                at = self.home[other]
                return weight * ((at == before) - (at == goal))
        return 0.0

    def _move(self, node: str, goal: int) -> None:
        before = self.home[node]
        for target in self.out.get(node, {}):
            users = self.users[target]
            users[before] -= 1
            if not users[before]:
                del users[before]
            users[goal] += 1
        table = node.startswith(TABLE)
        self.size[before] -= 1
        self.size[goal] += 1
        self.tables[before] -= table
        self.tables[goal] += table
        self.home[node] = goal
