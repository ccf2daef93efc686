"""Memos whose content does not depend on the order in which they are asked.

What is computed while something around it is still being computed (a function that calls itself
through others) may depend on where the circle was entered. Such answers are provisional: they hold
until what they depend on is done, and are never shared. Where all of the circle lies inside what
is computed, that is as it would be from anywhere outside of the circle: it is kept for good, with
the circle's other members, and taken up again unless one of these is being computed itself. All
that is kept for good is a pure function of the program, so it makes no difference which process,
or which run, computed it. With each is kept which modules it depends on, and whoever is told it
depends on them too.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from migrator.analyze.facts.nesting import deepest
from migrator.analyze.project.modules import Names

T = TypeVar("T")
_NOTHING = 1 << 60
OUTSIDE = -1
# Each has four frames in Python's own count, at least: two levels.
_LEVELS = 2
# So often a circle is asked again before it is taken as what each entry makes of it.
_ROUNDS = 3


class Memo:
    """`chain` is how many computations in a row, each inside the last, were asked for as `chained`;
    what is cut off because of its length depends on where the chain began."""

    __slots__ = (
        "_assumed", "_chain_start", "_cut", "_deepest", "_how", "_lowest", "_met", "_names",
        "_open", "_provisional", "_pure", "_restless", "_trail", "_unfinished", "chain",
    )  # fmt: skip

    def __init__(self, names: Names) -> None:
        self._names = names
        self._deepest = deepest() // _LEVELS
        # With the members of the circle that it is in.
        self._pure: dict[Hashable, tuple[Any, int, frozenset[Hashable] | None]] = {}
        # With what it depends on that was not finished, None where that is outside of all.
        self._provisional: dict[Hashable, tuple[Any, Hashable]] = {}
        self._trail: list[Hashable] = []
        # What is being computed, the outermost first, by its place from there.
        self._open: dict[Hashable, int] = {}
        self._unfinished: dict[Hashable, Any] = {}
        # How what is provisional is computed.
        self._how: dict[Hashable, tuple[Callable[[], Any], Any]] = {}
        # What is told of a circle's members meanwhile, those that were asked so, and whether
        # something was cut off.
        self._assumed: dict[Hashable, Any] = {}
        self._met: set[Hashable] = set()
        self._cut = False
        # From where circles were entered that do not settle.
        self._restless: set[Hashable] = set()
        # The outermost place that what is being computed depends on.
        self._lowest = _NOTHING
        self._chain_start = OUTSIDE
        self.chain = 0

    @property
    def place(self) -> int:
        """The place of what is being computed."""
        return len(self._open) - 1

    def depends_on(self, place: int) -> None:
        """What is being computed depends on something at `place` that is not finished."""
        self._lowest = min(self._lowest, place)

    def cut_off(self) -> None:
        """What is being computed would be more if the chain had begun elsewhere."""
        self._cut = True
        self.depends_on(self._chain_start)

    def known(self, key: Hashable, missing: Any = None) -> Any:
        """What is kept under `key` for good, or `missing`."""
        known = self._pure.get(key)
        if known is None:
            return missing
        value, seen, circle = known
        if circle is not None and not circle.isdisjoint(self._open):
            return missing
        self._names.seen |= seen
        return value

    def get(
        self, key: Hashable, compute: Callable[[], T], unfinished: Any, *, chained: bool = False
    ) -> T:
        """What is kept under `key`, else computed; `unfinished` is what is told meanwhile."""
        known = self._pure.get(key)
        if known is not None and (known[2] is None or known[2].isdisjoint(self._open)):
            self._names.seen |= known[1]
            return known[0]  # type: ignore[no-any-return]
        if key in self._open:
            self.depends_on(self._open[key])
            self._met.add(key)
            if key in self._assumed:
                return self._assumed[key]  # type: ignore[no-any-return]
            return self._unfinished[key]  # type: ignore[no-any-return]
        if key in self._provisional:
            value, needed = self._provisional[key]
            self.depends_on(self._place_of(needed))
            return value  # type: ignore[no-any-return]
        return self._computed(key, compute, unfinished, chained)

    def _computed(
        self, key: Hashable, compute: Callable[[], T], unfinished: Any, chained: bool
    ) -> T:
        names, place, start = self._names, len(self._open), len(self._trail)
        if place > self._deepest:
            raise RecursionError
        before, seen_before = self._lowest, names.seen
        chain, chain_start = self.chain, self._chain_start
        self.chain = chain + 1 if chained else 0
        self._chain_start = chain_start if chained else place
        self._lowest, names.seen = _NOTHING, 0
        self._open[key] = place
        self._unfinished[key] = unfinished
        try:
            found = compute()
        except BaseException:
            self._close(key, start)
            before = OUTSIDE
            raise
        else:
            lowest = self._lowest
            if lowest >= place:
                members = self._trail[start:]
                self._how[key] = compute, unfinished
                how = {member: self._how[member] for member in (*members, key)}
                self._close(key, start)
                if lowest == _NOTHING:
                    self._pure[key] = found, names.seen, None
                else:
                    found = self._of_circle(key, how, found)
            else:
                needed = next((k for k, p in self._open.items() if p == lowest), None)
                del self._open[key], self._unfinished[key]
                self._provisional[key] = found, needed
                self._how[key] = compute, unfinished
                self._trail.append(key)
                before = min(before, lowest)
        finally:
            self._lowest = before
            self.chain, self._chain_start = chain, chain_start
            names.seen |= seen_before
        return found

    def _close(self, key: Hashable, start: int) -> None:
        """With `key`, all inside it that was provisional is done."""
        self._drop(start)
        del self._open[key], self._unfinished[key]
        self._how.pop(key, None)

    def _drop(self, start: int) -> None:
        for inner in self._trail[start:]:
            del self._provisional[inner], self._how[inner]
        del self._trail[start:]

    def _of_circle(self, key: Hashable, how: dict[Hashable, Any], found: T) -> T:
        """The answer for `key`, through which a circle was entered: `how` are its members, `found`
        what they give where each is asked again only of what is not finished."""
        seen = self._names.seen
        kept = self._assumed, self._met, self._cut
        first = min(how, key=repr)
        try:
            settled = first not in self._restless and self._settled(first, how[first])
        finally:
            self._assumed, self._met, self._cut = kept
        known = self._pure.get(key) if settled else None
        if known is None:
            known = self._pure[key] = found, seen, frozenset(how)
        self._names.seen = seen | known[1]
        return known[0]

    def _settled(self, first: Hashable, how: tuple[Callable[[], Any], Any]) -> bool:
        """Ask all of a circle again, from `first`, of what its members gave the last time, until
        each gives what the others were told of it: then it does not matter where it is entered."""
        place, start = len(self._open), len(self._trail)
        compute, unfinished = how
        self._assumed, seen = {}, 0
        for _ in range(_ROUNDS):
            self._met, self._cut = set(), False
            self._lowest, self._names.seen = _NOTHING, 0
            self.chain, self._chain_start = 0, place
            self._open[first], self._unfinished[first] = place, unfinished
            try:
                found = compute()
                given = {key: self._provisional[key][0] for key in self._trail[start:]}
            except RecursionError:
                return False
            finally:
                self._drop(start)
                del self._open[first], self._unfinished[first]
            seen |= self._names.seen
            if self._lowest < place:
                return False
            if self._cut:
                break
            given[first] = found
            assumed, self._assumed = self._assumed, given
            if all(key in assumed and assumed[key] == given.get(key) for key in self._met):
                for key, value in given.items():
                    self._pure[key] = value, seen, None
                return True
            if assumed and not given.keys() <= assumed.keys():
                break  # each round it is asked in other ways
        self._restless.add(first)
        return False

    def _place_of(self, needed: Hashable) -> int:
        """Where that is which something provisional depends on, or what that depends on in turn."""
        while needed is not None and needed not in self._open:
            needed = self._provisional[needed][1]
        return OUTSIDE if needed is None else self._open[needed]

    def tell(self, key: Hashable, unfinished: object) -> None:
        """Tell more of what is still being computed."""
        self._unfinished[key] = unfinished

    def forget(self) -> None:
        """Forget what is not finished: the next module begins as if it were the first."""
        self._provisional.clear()
        self._trail.clear()
        self._open.clear()
        self._unfinished.clear()
        self._how.clear()
        self._assumed, self._met, self._cut = {}, set(), False
        self._lowest, self.chain, self._chain_start = _NOTHING, 0, OUTSIDE
