"""Which of several partitions is recommended."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from migrator.plan.candidates import Candidate, Scale, choose, knee
from migrator.plan.join import Net, joined
from migrator.plan.search import Search
from migrator.plan.ties import Ties

# One aggregate of two tables that all code works on, and three files that barely know each other.
NEAR = {
    "table:order": {"table:line": 5.0, "a:f": 3.0, "b:f": 0.4, "c:f": 0.4},
    "table:line": {"table:order": 5.0, "a:f": 3.0},
    "a:f": {"table:order": 3.0, "table:line": 3.0},
    "b:f": {"table:order": 0.4, "b:g": 4.0},
    "b:g": {"b:f": 4.0},
    "c:f": {"table:order": 0.4, "c:g": 4.0},
    "c:g": {"c:f": 4.0},
}


def ties() -> Ties:
    return Ties(
        tuple(sorted(NEAR)), NEAR, frozenset({"a:f", "b:f", "c:f"}), frozenset({"b:f", "c:f"})
    )


def test_parts_without_tables_are_counted() -> None:
    parts = dict.fromkeys(NEAR, 0) | {"b:f": 1, "b:g": 1, "c:f": 2, "c:g": 2}
    found = Scale(ties()).of(parts)
    assert (found.services, found.without) == (3, 2)
    assert Scale(ties()).of(dict.fromkeys(NEAR, 0)).without == 0


class _Told(Search):
    """Searches nothing: it finds one service of tables, and one or both of the others apart."""

    def __init__(self) -> None:
        self.blind = False

    def at(self, resolution: float, thorough: bool = False) -> dict[str, int]:  # noqa: ARG002
        coarse = dict.fromkeys(NEAR, 0) | {"b:f": 1, "b:g": 1}
        return coarse if resolution < 1 else coarse | {"c:f": 2, "c:g": 2}

    def expanded(self, parts: dict[str, int]) -> dict[str, int]:  # type: ignore[override]
        return parts


def test_services_that_own_nothing_are_not_recommended_to_be_the_most() -> None:
    choice = choose(_Told(), ties(), None)
    assert [c.services for c in choice.candidates] == [2, 3]
    coarser, finer = choice.candidates
    assert finer.coupling + finer.largest < coarser.coupling + coarser.largest
    assert choice.chosen.services == 2


def test_they_are_where_nothing_else_was_found() -> None:
    class Fine(_Told):
        def at(self, resolution: float, thorough: bool = False) -> dict[str, int]:
            return super().at(max(resolution, 2.0), thorough)

    assert choose(Fine(), ties(), None).chosen.services == 3


def test_the_biggest_service_alone_does_not_decide() -> None:
    coarse = Candidate(18, 0.184, 0.122, {}, average=0.087)
    fine = Candidate(29, 0.215, 0.091, {}, average=0.050)
    assert fine.price < coarse.price
    alone = [replace(one, average=None).price for one in (coarse, fine)]
    assert abs(alone[0] - alone[1]) < 1e-9


def _curve(prices: dict[float, float]) -> list[tuple[float, Candidate]]:
    return [(r, Candidate(i, p, 0.0, {})) for i, (r, p) in enumerate(prices.items(), 10)]


STEPS = [round(0.5 * 1.25**i, 3) for i in range(11)]


def test_a_single_dip_in_a_flat_curve_decides_nothing() -> None:
    flat = dict.fromkeys(STEPS, 0.3)
    for dip in STEPS:
        assert knee(_curve(flat | {dip: 0.29})) == knee(_curve(flat))


def test_a_valley_far_from_the_usual_is_taken_all_the_same() -> None:
    for bottom in (0.5, 4.0):
        steep = {r: 0.3 + 0.4 * abs(math.log(r / bottom)) for r in STEPS}
        assert abs(math.log(knee(_curve(steep)) / bottom)) < 0.5


@given(st.lists(st.floats(-0.004, 0.004), min_size=len(STEPS), max_size=len(STEPS)))
def test_a_little_noise_moves_the_knee_by_a_step_at_most(noise: list[float]) -> None:
    calm = {r: 0.3 + 0.05 * math.log(r / 1.2) ** 2 for r in STEPS}
    noisy = {r: p + n for (r, p), n in zip(calm.items(), noise, strict=True)}
    one, other = STEPS.index(knee(_curve(calm))), STEPS.index(knee(_curve(noisy)))
    assert abs(one - other) <= 1


def test_a_library_that_answers_nothing_is_no_service() -> None:
    works, rows = [f"a:f{n}" for n in range(12)], [f"table:t{n}" for n in range(13)]
    near: dict[str, dict[str, float]] = {}
    for one, other in pairwise([*works, *rows]):
        near.setdefault(one, {})[other] = 1.0
        near.setdefault(other, {})[one] = 1.0
    parts = dict.fromkeys(works, 0) | dict.fromkeys(rows, 1)
    library = Ties(tuple(sorted(near)), near, frozenset(works))
    assert len(set(joined(Net(library), parts, 1.0).values())) == 1
    entered = replace(library, answers=frozenset({"a:f0"}))
    assert len(set(joined(Net(entered), parts, 1.0).values())) == 2


def test_where_nothing_seems_to_be_entered_size_is_enough() -> None:
    table, works = "table:t", [f"{file}:f{n}" for file in "ab" for n in range(15)]
    near: dict[str, dict[str, float]] = {table: {"a:f0": 0.1, "b:f0": 0.1}}
    for one, other in pairwise(works):
        near.setdefault(one, {})[other] = 1.0
        near.setdefault(other, {})[one] = 1.0
    near["a:f0"][table] = near["b:f0"][table] = 0.1
    parts = {work: ord(work[0]) for work in works} | {table: 1}
    found = joined(Net(Ties(tuple(sorted(near)), near)), parts, 1.0)
    assert len(set(found.values())) == 3
