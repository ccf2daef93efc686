"""What memos keep is the same whatever is asked first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.analyze.infer.memo import OUTSIDE, Memo
from migrator.analyze.project.modules import Names

Calls = Mapping[int, list[int]]
SIZE = 7
GRAPHS = st.lists(st.lists(st.integers(0, SIZE - 1), max_size=3), min_size=SIZE, max_size=SIZE)


class Asking:
    """A made-up analysis: what each of some functions gives is told from those that it calls, and
    all of them depend on where a circle is entered."""

    def __init__(self, calls: list[list[int]]) -> None:
        self.calls = calls
        self.memo = Memo(Names([]))
        self.computed: list[int] = []

    def ask(self, one: int) -> str:
        return self.memo.get(one, lambda: self._compute(one), "?")

    def _compute(self, one: int) -> str:
        self.computed.append(one)
        return f"{one}({','.join(self.ask(other) for other in self.calls[one])})"


@given(GRAPHS, st.permutations(range(SIZE)))
def test_answers_do_not_depend_on_the_order_of_the_questions(
    calls: list[list[int]], order: list[int]
) -> None:
    asking = Asking(calls)
    answers = {one: asking.ask(one) for one in order}
    assert answers == {one: Asking(calls).ask(one) for one in range(SIZE)}
    assert answers == {one: asking.ask(one) for one in order}


def test_what_calls_into_a_circle_is_computed_once() -> None:
    asking = Asking([[1], [2], [1], [0]])
    asking.ask(0)
    asking.ask(3)
    computed = list(asking.computed)
    asking.ask(0)
    asking.ask(3)
    assert asking.computed == computed
    assert (computed.count(0), computed.count(3)) == (1, 1)


def test_a_member_of_a_circle_is_not_taken_from_another_entry() -> None:
    asking = Asking([[1], [0]])
    assert asking.ask(0) == "0(1(?))"
    assert asking.ask(1) == "1(0(?))"


class Reaching(Asking):
    """Gives all that a function reaches: the same from wherever its circle is entered."""

    def ask(self, one: int) -> Any:
        return self.memo.get(one, lambda: self._compute(one), frozenset())

    def _compute(self, one: int) -> Any:
        self.computed.append(one)
        return frozenset({one}).union(*[self.ask(other) for other in self.calls[one]])


class Swinging(Reaching):
    """Gives the opposite of what the last that it calls gives: a circle settles in one of two ways,
    or in none."""

    def _compute(self, one: int) -> Any:
        given = [self.ask(other) for other in self.calls[one]]
        return frozenset() if given and given[-1] else frozenset({1})


@given(GRAPHS, st.permutations(range(SIZE)))
def test_a_circle_settles_to_what_all_its_members_reach(
    calls: list[list[int]], order: list[int]
) -> None:
    asking = Reaching(calls)
    for one in order:
        reached, waiting = {one}, [one]
        while waiting:
            new = set(calls[waiting.pop()]) - reached
            reached |= new
            waiting += new
        assert asking.ask(one) == reached


@given(GRAPHS, st.permutations(range(SIZE)))
def test_where_a_circle_is_entered_does_not_choose_how_it_settles(
    calls: list[list[int]], order: list[int]
) -> None:
    asking = Swinging(calls)
    assert {one: asking.ask(one) for one in order} == {
        one: Swinging(calls).ask(one) for one in range(SIZE)
    }


def test_a_circle_of_any_size_is_followed_a_few_times() -> None:
    size = 60
    every = [[other for other in range(size) if other != one] for one in range(size)]
    asking = Reaching(every)
    for one in reversed(range(size)):
        assert len(asking.ask(one)) == size
    assert len(asking.computed) <= 4 * size


def test_what_is_cut_off_holds_from_the_start_of_its_chain_on() -> None:
    memo = Memo(Names([]))
    lengths: list[int] = []

    def link(left: int) -> int:
        lengths.append(memo.chain)
        if not left:
            memo.cut_off()
            return 0
        return 1 + memo.get(("link", left), lambda: link(left - 1), None, chained=True)

    assert memo.get("start", lambda: link(3), None) == 3
    assert lengths == [0, 1, 2, 3] * 2  # and once more to see whether it settles
    assert memo.known("start") == 3
    assert memo.known(("link", 1)) is None


def test_what_depends_on_more_than_is_computed_is_never_kept() -> None:
    memo = Memo(Names([]))

    def cut() -> int:
        memo.depends_on(OUTSIDE)
        return 1

    assert memo.get("one", cut, None) == 1
    assert memo.known("one") is None
    memo.forget()
    assert memo.get("one", lambda: 2, None) == 2


def test_a_failure_leaves_nothing_open() -> None:
    memo = Memo(Names([]))

    def fail() -> int:
        memo.get("inner", lambda: 1, None)
        raise RecursionError

    with pytest.raises(RecursionError):
        memo.get("one", fail, None)
    assert memo.place == OUTSIDE
    memo.forget()
    assert memo.get("one", lambda: 2, None) == 2
    assert memo.known("inner") == 1
