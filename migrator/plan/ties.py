"""The weighted graph in which boundaries are searched: what belongs together, and how much."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean
from typing import NamedTuple

from migrator.model.graph import Graph
from migrator.plan.reachability import Edges
from migrator.plan.weights import Weights
from migrator.plan.work import Unit, units

TABLE = "table:"
PLACE = "place:"  # A file or folder: a node that what lies there is tied to, owned by nobody.
_LOOSE = 0.3
_DRAWER = 0.1
_FEW, _MOSTLY = 4, 0.5
_AT_WORK = {"commits", "session", "app_object"}
_WHOLE = 0.5  # A folder that holds more than this of everything is the application, no context.


class Held(NamedTuple):
    """How many definitions and tables; of these how many are tables, how many are busy: entered
    from outside, or at work on rows, requests or sessions; and how many answer: are entered, or at
    work on requests."""

    size: int = 0
    tables: int = 0
    busy: int = 0
    answers: int = 0

    def plus(self, other: Held) -> Held:
        return Held(
            self.size + other.size,
            self.tables + other.tables,
            self.busy + other.busy,
            self.answers + other.answers,
        )


@dataclass(frozen=True, slots=True)
class Ties:
    """`nodes` are ``table:ID`` (a table with the class that maps it), definition ids and
    ``place:NAME``; `near` maps each to those it is tied to, with the weight, both ways."""

    nodes: tuple[str, ...]
    near: Mapping[str, Mapping[str, float]]
    busy: frozenset[str] = frozenset()
    answers: frozenset[str] = frozenset()
    held: Mapping[str, Held] = field(default_factory=dict)

    def holds(self, node: str) -> Held:
        """What `node` stands for: itself, or where several have become one, what `held` says."""
        if node in self.held:
            return self.held[node]
        thing, table = not node.startswith(PLACE), node.startswith(TABLE)
        return Held(int(thing), int(table), int(node in self.busy), int(node in self.answers))

    @property
    def total(self) -> float:
        return sum(sum(ties.values()) for ties in self.near.values()) / 2

    def strength(self, node: str) -> float:
        return sum(self.near[node].values())


def ties(
    graph: Graph,
    unowned: frozenset[str],
    weights: Weights,
    drawers: frozenset[str] = frozenset(),
    work: Sequence[Unit] | None = None,
) -> Ties:
    """Every tie of the graph but those of `unowned` definitions; that something lies in one of the
    files `drawers` counts little.

    A tie to what many use is shared out over its users: what is used from all over says little of
    where each of them belongs.
    """
    made = _Ties(graph, unowned, weights, drawers)
    made.places()
    made.code()
    made.accesses()
    made.keys()
    made.transactions(units(graph, Edges.of(graph)) if work is None else work)
    made.evidence()
    return made.done()


def drawers(found: Ties, partitions: Sequence[Mapping[str, int]]) -> frozenset[str]:
    """Files whose contents are drawn to many parts by all their other ties: `models.py`, `tasks.py`
    of a whole application. That two things lie there together says little.

    A file in a folder whose contents mostly agree is none: the folder says what it is for. How
    much they agree is the mean over `partitions`: by one alone a small change of the code decides.
    """
    files: dict[str, list[float]] = {}
    folders: dict[str, list[float]] = {}
    for parts in partitions:
        drawn = {n: _drawn(found, n, parts) for n in found.nodes if n.startswith(PLACE)}
        inside: dict[str, Counter[int]] = {}
        for place, counts in drawn.items():
            files.setdefault(place, []).append(_agreeing(counts))
            for folder in _folders(found, place):
                inside.setdefault(folder, Counter()).update(counts)
        for folder, counts in inside.items():
            folders.setdefault(folder, []).append(_agreeing(counts))
    return frozenset(
        place.removeprefix(PLACE)
        for place, shares in files.items()
        if mean(shares) <= _MOSTLY
        and all(mean(folders[folder]) <= _MOSTLY for folder in _folders(found, place))
    )


def _drawn(found: Ties, place: str, parts: Mapping[str, int]) -> Counter[int]:
    """How many of what lies in the file `place` are drawn to each part by all but places."""
    drawn: Counter[int] = Counter()
    for node in found.near[place]:
        if node.startswith(PLACE):
            continue
        pulls: dict[int, float] = {}
        for other, weight in found.near[node].items():
            if not other.startswith(PLACE):
                pulls[parts[other]] = pulls.get(parts[other], 0.0) + weight
        if pulls:
            drawn[max(pulls, key=lambda part: (pulls[part], -part))] += 1
    return drawn


def _folders(found: Ties, place: str) -> list[str]:
    """The folder that the file `place` is tied to, unless that is the whole application."""
    folder = PLACE + place.removeprefix(PLACE).rpartition(".")[0]
    return [folder] if folder in found.near[place] else []


def _agreeing(drawn: Counter[int]) -> float:
    """The share that is drawn to one part; few things tell nothing against each other."""
    return max(drawn.values()) / drawn.total() if drawn.total() >= _FEW else 1.0


def node_of(graph: Graph) -> dict[str, str]:
    """The node of each definition: models are one with their table."""
    found = {d.id: d.id for d in graph.definitions}
    found |= {t.definition: TABLE + t.id for t in graph.tables if t.definition in found}
    return found


class _Ties:
    def __init__(
        self, graph: Graph, unowned: frozenset[str], weights: Weights, drawers: frozenset[str]
    ) -> None:
        self.graph, self.weights, self.drawers = graph, weights, drawers
        self.tables = {t.id for t in graph.tables}
        self.node = {d: n for d, n in node_of(graph).items() if d not in unowned}
        self.near: dict[str, dict[str, float]] = {TABLE + t: {} for t in self.tables}
        self.near |= {node: {} for node in self.node.values()}

    def done(self) -> Ties:
        nodes = tuple(sorted(self.near))
        near = {n: dict(sorted(self.near[n].items())) for n in nodes}
        answers = self._entered() | self._with({"request_context"})
        busy = answers | {a.definition for a in self.graph.accesses} | self._with(_AT_WORK)
        return Ties(nodes, near, self._nodes(busy), self._nodes(answers))

    def _entered(self) -> set[str]:
        return {p.definition for p in self.graph.entry_points if p.kind != "signal"}

    def _with(self, traits: set[str]) -> set[str]:
        return {d.id for d in self.graph.definitions if traits & set(d.traits)}

    def _nodes(self, definitions: set[str]) -> frozenset[str]:
        return frozenset(self.node[d] for d in definitions & self.node.keys())

    def _tie(self, one: str | None, other: str | None, weight: float) -> None:
        if one is None or other is None or one == other or weight <= 0:
            return
        for a, b in ((one, other), (other, one)):
            ties = self.near.setdefault(a, {})
            ties[b] = ties.get(b, 0.0) + weight

    def places(self) -> None:
        """Each definition is tied to its file, each file to its folder, and so on up."""
        counts: Counter[str] = Counter()
        files: dict[str, set[str]] = {}
        for definition, node in self.node.items():
            module = definition.partition(":")[0]
            files.setdefault(module, set()).add(node)
            counts.update(_above(module))
        for module, nodes in sorted(files.items()):
            weight = self.weights["module"] * (_DRAWER if module in self.drawers else 1.0)
            for node in sorted(nodes):
                self._tie(node, PLACE + module, weight)
        whole = _WHOLE * sum(len(nodes) for nodes in files.values())
        for module in sorted(files):
            inner, size = module, float(len(files[module]))
            for folder in _above(module):
                if counts[folder] > whole:
                    break
                self._tie(PLACE + inner, PLACE + folder, self.weights["package"] * size**0.5)
                inner = folder
                break

    def code(self) -> None:
        users = Counter(e.target for e in self.graph.dependencies)
        for edge in self.graph.dependencies:
            # A base of many says nothing of any; a function of many still belongs somewhere.
            share = 1.0 if edge.kind == "inherits" else 0.5
            weight = self.weights[edge.kind] / users[edge.target] ** share
            self._tie(self.node.get(edge.source), self.node.get(edge.target), weight)
        importers = Counter(i.target for i in self.graph.imports)
        for found in self.graph.imports:
            weight = self.weights["imports"] / importers[found.target] ** 0.5
            one, other = PLACE + found.source, PLACE + found.target
            if one in self.near and other in self.near:
                self._tie(one, other, weight)

    def accesses(self) -> None:
        found = {(a.definition, a.table, a.mode) for a in self.graph.accesses}
        found = {item for item in found if item[0] in self.node and item[1] in self.tables}
        readers = Counter(table for _, table, mode in found if mode == "read")
        reads = Counter(definition for definition, _, mode in found if mode == "read")
        writes = {(d, t) for d, t, mode in found if mode != "read"}
        written, writers = Counter(d for d, _ in writes), Counter(t for _, t in writes)
        heaviest: dict[tuple[str, str], float] = {}
        for definition, table, mode in found:
            if mode == "read":
                # More than of calls: everybody reads users, and a report reads everything.
                shared_out = readers[table] ** 0.75 * reads[definition] ** 0.5
                weight = self.weights["read"] / shared_out
            else:
                # Who writes many tables belongs to none of them in particular, and what many
                # write to none of these.
                weight = self.weights[mode] / (written[definition] * writers[table]) ** 0.5
            pair = (definition, table)
            heaviest[pair] = max(weight, heaviest.get(pair, 0.0))
        for (definition, table), weight in sorted(heaviest.items()):
            self._tie(self.node[definition], TABLE + table, weight)

    def keys(self) -> None:
        pointed = Counter(k.target for k in self.graph.foreign_keys)
        for key in self.graph.foreign_keys:
            if {key.source, key.target} <= self.tables:
                name = "cascade" if (key.on_delete or "").upper() == "CASCADE" else "foreign_key"
                weight = self.weights[name] / pointed[key.target]
                self._tie(TABLE + key.source, TABLE + key.target, weight)

    def transactions(self, work: Sequence[Unit]) -> None:
        found = [([t for t in unit.tables if t in self.tables], unit) for unit in work]
        together = Counter(t for tables, _ in found for t in tables)
        for tables, unit in found:
            if len(tables) < 2:
                continue
            share = self.weights["transaction"] / (len(tables) - 1) ** 2
            for index, one in enumerate(tables):
                for other in tables[index + 1 :]:
                    # A table that is in every transaction says nothing of any.
                    often = max(together[one], together[other])
                    # What is only inserted beside the rest goes as a message, without a saga.
                    loose = 1.0 if {one, other} & unit.awaited else _LOOSE
                    self._tie(TABLE + one, TABLE + other, loose * share / often**0.5)

    def evidence(self) -> None:
        """What ran (traces) and what changed together (git), where either was given."""
        for seen in self.graph.observations:
            goal = TABLE + seen.target if seen.kind == "access" else self.node.get(seen.target)
            if seen.kind != "request" and goal in self.near:
                weight = self.weights["observed_calls"] * math.log1p(seen.count)
                self._tie(self.node.get(seen.source), goal, weight)
        for pair in self.graph.co_changes:
            one, other = PLACE + pair.source, PLACE + pair.target
            if one in self.near and other in self.near:
                self._tie(one, other, self.weights["co_change"] * pair.weight)


def _above(module: str) -> Iterable[str]:
    """The folders that a module lies in, innermost first."""
    parts = module.split(".")
    return (".".join(parts[:length]) for length in range(len(parts) - 1, 0, -1))
