"""Several partitions from coarse to fine, side by side, and the one to begin with."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from migrator.plan.join import Parts
from migrator.plan.search import Search
from migrator.plan.ties import PLACE, TABLE, Ties

_LADDER = tuple(round(0.1 * 1.25**step, 4) for step in range(18))
_MOST = 60
_MOSTLY = 0.6  # More of them own nothing than this: layers, no services.
_BARE = 0.1  # Services that own nothing live on copies: if all were such, as bad as a tenth cut.
_WIDE = 0.4  # Of how many e-folds of resolution the price is the mean: single ones jump.
_USUAL, _BELIEF = 1.5, 0.05  # Where prices are flat: what a resolution far from the usual adds.


@dataclass(frozen=True, slots=True)
class Candidate:
    """A partition of `services` parts. `coupling` is the share of tie weight that it cuts, from 0
    to 1. Of all definitions and tables its biggest part holds the share `largest`, and the part of
    any one of them the share `average` on average; `without` counts parts that own no table."""

    services: int
    coupling: float
    largest: float
    parts: Mapping[str, int]
    without: int = 0
    average: float | None = None

    @property
    def size(self) -> float:
        """How big its services are, from 0 to 1. The biggest alone jumps with one part that grows,
        and the average alone allows one that is nearly everything."""
        average = self.largest if self.average is None else self.average
        return (self.largest + average) / 2

    @property
    def price(self) -> float:
        """What the knee is the least of: ties cut, size, services that own nothing."""
        return self.coupling + self.size + _BARE * self.without / max(1, self.services)


@dataclass(frozen=True, slots=True)
class Choice:
    """`candidates` from coarse to fine, the `chosen` one and the `reason`."""

    candidates: tuple[Candidate, ...]
    chosen: Candidate
    reason: str


def choose(search: Search, ties: Ties, services: int | None) -> Choice:
    """The candidates; chosen is the wanted number of services, or else the knee."""
    scale = Scale(ties)

    def measured(parts: Parts) -> Candidate:
        return scale.of(search.expanded(parts))

    ladder = [(resolution, measured(search.at(resolution))) for resolution in _LADDER]
    by_count: dict[int, Candidate] = {}
    for _, found in ladder:
        known = by_count.get(found.services)
        if known is None or found.coupling < known.coupling:
            by_count[found.services] = found
    if services is not None:
        wanted = measured(search.into(services))
        reason = f"{services} services were asked for"
        if wanted.services != services:
            reason += f"; tables and constraints allow {wanted.services}"
    else:
        wanted = measured(search.at(knee(ladder, search.blind), thorough=True))
    by_count[wanted.services] = wanted
    kept = [c for n, c in sorted(by_count.items()) if c is wanted or 1 < n <= _MOST]
    return Choice(tuple(kept), wanted, reason if services is not None else _reason(wanted, kept))


def knee(ladder: Sequence[tuple[float, Candidate]], blind: bool = False) -> float:
    """The resolution where coupling and size are both small: the least sum of the share of ties
    that is cut and the share of the code in one service (both 0..1, so that no scale has to be
    chosen; the point nearest the ideal (0, 0) in the L1 norm), and a little for services without
    tables.

    Around its least that sum is flat, and hangs on where single services happen to be joined. So
    it is averaged over resolutions nearby (a Gaussian kernel), and what is far from the usual has
    to be better by more: the number of services then hardly changes with a little code. Layers,
    most of which own nothing, are refused, unless the search is `blind` to what is entered.
    """
    able = [step for step in ladder if 1 < step[1].services <= _MOST] or ladder
    if not blind:
        able = [step for step in able if step[1].without <= _MOSTLY * step[1].services] or able
    return min(able, key=lambda step: (round(_smooth(step[0], ladder), 6), step[0]))[0]


def _smooth(at: float, ladder: Sequence[tuple[float, Candidate]]) -> float:
    near = [(math.exp(-((math.log(at / r) / _WIDE) ** 2) / 2), c.price) for r, c in ladder]
    mean = sum(share * price for share, price in near) / sum(share for share, _ in near)
    return mean + _BELIEF * math.log(at / _USUAL) ** 2


def _reason(best: Candidate, candidates: Sequence[Candidate]) -> str:
    told = f"the knee: {_told(best)}"
    coarser = [c for c in candidates if c.services < best.services]
    finer = [c for c in candidates if c.services > best.services]
    if coarser:
        told += f"; fewer services leave a bigger one ({_told(coarser[-1])})"
    if finer:
        told += f"; more cut more and part little ({_told(finer[0])})"
    return told


def _told(one: Candidate) -> str:
    return f"{one.services}: {one.coupling:.0%} of ties cut, {one.largest:.0%} of the code in one"


class Scale:
    """Measures partitions of all nodes of `ties`; files and folders, and ties to them, do not
    count."""

    def __init__(self, ties: Ties) -> None:
        self.nodes = [node for node in ties.nodes if not node.startswith(PLACE)]
        self.tables = [index for index, n in enumerate(self.nodes) if n.startswith(TABLE)]
        number = {node: index for index, node in enumerate(self.nodes)}
        self.between = [
            (number[node], number[other], weight)
            for node in self.nodes
            for other, weight in ties.near[node].items()
            if node < other and other in number
        ]
        self.whole = sum(weight for _, _, weight in self.between)

    def of(self, parts: Mapping[str, int]) -> Candidate:
        labels = [parts[node] for node in self.nodes]
        cut = sum(weight for a, b, weight in self.between if labels[a] != labels[b])
        sizes = Counter(labels)
        return Candidate(
            len(sizes),
            cut / self.whole if self.whole else 0.0,
            max(sizes.values(), default=0) / max(1, sizes.total()),
            parts,
            len(sizes.keys() - {labels[index] for index in self.tables}),
            sum(n * n for n in sizes.values()) / max(1, sizes.total()) ** 2,
        )
