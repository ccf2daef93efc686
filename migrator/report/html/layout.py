"""Where nodes stand on the map. Pure and deterministic: the same graph gives the same picture.

Each group is a disc of hexagonal cells, one node a cell, so nothing ever overlaps and 5,000 nodes
take about a second. Discs touch, the heavily tied ones side by side; inside a disc a node stands
near what it is tied to, also when that is in another disc.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CELL = 40.0
_GAP = 46.0
_ANGLES = 24
_FLATTEN = 1.5  # pages are wider than high, so distance upwards counts for more

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Disc:
    x: float
    y: float
    r: float


@dataclass(frozen=True, slots=True)
class Layout:
    """`nodes[i]` is the place of node i, `discs[g]` the disc of group g, in the same units."""

    nodes: tuple[Point, ...]
    discs: tuple[Disc, ...]


def layout(group_of: Sequence[int], groups: int, ties: Mapping[tuple[int, int], float]) -> Layout:
    """Places for nodes `0..len(group_of)`; `ties` are weights between pairs of nodes."""
    members: list[list[int]] = [[] for _ in range(groups)]
    for node, group in enumerate(group_of):
        members[group].append(node)
    between: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    neighbours: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for (a, b), weight in ties.items():
        neighbours[a].append((b, weight))
        neighbours[b].append((a, weight))
        if group_of[a] != group_of[b]:
            between[group_of[a]][group_of[b]] += weight
            between[group_of[b]][group_of[a]] += weight
    cells = [_cells(len(inside)) for inside in members]
    discs = _discs([_radius(c) for c in cells], between)
    places: dict[int, Point] = {}
    for group in sorted(range(groups), key=lambda g: (-len(members[g]), g)):
        _fill(members[group], cells[group], discs, group_of, neighbours, places, group)
    return Layout(tuple(places[n] for n in range(len(group_of))), tuple(discs))


def _cells(count: int) -> list[Point]:
    """The `count` hexagonal cells nearest to the origin."""
    ring = 1 + math.ceil(math.sqrt(count / 2.4))
    found = []
    for row in range(-ring, ring + 1):
        for column in range(-ring, ring + 1):
            x = CELL * (column + (row % 2) / 2)
            found.append((x, row * CELL * math.sqrt(3) / 2))
    found.sort(key=lambda p: (round(p[0] ** 2 + p[1] ** 2, 3), math.atan2(p[1], p[0])))
    return found[:count]


def _radius(cells: Sequence[Point]) -> float:
    return max((math.hypot(x, y) for x, y in cells), default=0.0) + CELL * 0.85


def _discs(radii: Sequence[float], between: Mapping[int, Mapping[int, float]]) -> list[Disc]:
    """The most tied group in the middle; each next one against those it is most tied to."""
    placed: dict[int, Disc] = {}
    waiting = set(range(len(radii)))
    total = {g: sum(between[g].values()) if g in between else 0.0 for g in waiting}
    while waiting:
        pull = {g: sum(between[g][o] for o in placed) if g in between else 0.0 for g in waiting}
        chosen = max(waiting, key=lambda g: (pull[g], total[g], radii[g], -g))
        weights = {o: between[chosen][o] for o in placed} if chosen in between else {}
        placed[chosen] = _best_place(radii[chosen], placed, weights)
        waiting.remove(chosen)
    return [placed[g] for g in range(len(radii))]


def _best_place(r: float, placed: Mapping[int, Disc], weights: Mapping[int, float]) -> Disc:
    if not placed:
        return Disc(0.0, 0.0, r)
    strongest = max(weights.values(), default=0.0) or 1.0
    best: tuple[float, Disc] | None = None
    for disc in placed.values():
        distance = disc.r + r + _GAP
        for step in range(_ANGLES):
            angle = 2 * math.pi * step / _ANGLES
            here = Disc(disc.x + distance * math.cos(angle), disc.y + distance * math.sin(angle), r)
            if any(_overlap(here, other) for other in placed.values()):
                continue
            cost = 0.35 * _far(here, Disc(0.0, 0.0, 0.0))
            cost += sum(w / strongest * _far(here, placed[o]) for o, w in weights.items() if w)
            if best is None or cost < best[0] - 1e-6:
                best = (cost, here)
    if best is None:  # every place tried is taken: go outside all of them
        edge = max(d.x + d.r for d in placed.values())
        return Disc(edge + r + _GAP, 0.0, r)
    return best[1]


def _overlap(a: Disc, b: Disc) -> bool:
    return math.hypot(a.x - b.x, a.y - b.y) < a.r + b.r + _GAP * 0.98


def _far(a: Disc, b: Disc) -> float:
    return math.hypot(a.x - b.x, (a.y - b.y) * _FLATTEN)


def _fill(
    inside: Sequence[int],
    cells: Sequence[Point],
    discs: Sequence[Disc],
    group_of: Sequence[int],
    neighbours: Mapping[int, Sequence[tuple[int, float]]],
    places: dict[int, Point],
    group: int,
) -> None:
    """The most tied nodes first, each in the free cell nearest to what it is tied to."""
    disc = discs[group]
    free = [(disc.x + x, disc.y + y) for x, y in cells]
    strength = {n: sum(w for _, w in neighbours.get(n, ())) for n in inside}
    for node in sorted(inside, key=lambda n: (-strength[n], n)):
        x, y, weight = disc.x * 0.5, disc.y * 0.5, 0.5
        for other, w in neighbours.get(node, ()):
            outside = group_of[other] != group
            at = places.get(other)
            if at is None:
                if not outside:
                    continue
                far = discs[group_of[other]]
                at = (far.x, far.y)
            if outside:  # a pull towards the rim, never stronger than what is inside
                w *= 0.2
                away = math.hypot(at[0] - disc.x, at[1] - disc.y) or 1.0
                at = (
                    disc.x + (at[0] - disc.x) / away * disc.r,
                    disc.y + (at[1] - disc.y) / away * disc.r,
                )
            x, y, weight = x + at[0] * w, y + at[1] * w, weight + w
        target = (x / weight, y / weight)
        nearest = min(
            range(len(free)),
            key=lambda i: (free[i][0] - target[0]) ** 2 + (free[i][1] - target[1]) ** 2,
        )
        places[node] = free.pop(nearest)
