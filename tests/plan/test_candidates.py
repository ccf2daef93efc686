"""Which of several partitions is recommended."""

from __future__ import annotations

from dataclasses import replace

from migrator.plan.candidates import Candidate, candidate, choose, knee
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
    return Ties(tuple(sorted(NEAR)), NEAR, frozenset({"a:f", "b:f", "c:f"}))


def test_parts_without_tables_are_counted() -> None:
    parts = dict.fromkeys(NEAR, 0) | {"b:f": 1, "b:g": 1, "c:f": 2, "c:g": 2}
    found = candidate(ties(), parts)
    assert (found.services, found.without) == (3, 2)
    assert candidate(ties(), dict.fromkeys(NEAR, 0)).without == 0


class _Told(Search):
    """Searches nothing: it finds one service of tables, and one or both of the others apart."""

    def __init__(self) -> None:
        pass

    def at(self, resolution: float) -> dict[str, int]:
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
        def at(self, resolution: float) -> dict[str, int]:
            return super().at(max(resolution, 2.0))

    assert choose(Fine(), ties(), None).chosen.services == 3


def test_the_biggest_service_alone_does_not_decide() -> None:
    coarse = Candidate(18, 0.184, 0.122, {}, average=0.087)
    fine = Candidate(29, 0.215, 0.091, {}, average=0.050)
    assert knee([coarse, fine])[0] is fine
    alone = [replace(coarse, average=None), replace(fine, average=None)]
    assert knee(alone)[0].services == coarse.services
