"""Memos whose content does not depend on the order in which they are asked.

What is computed while something around it is still being computed (a function that calls itself
through others) may depend on where the circle was entered. Such answers are provisional: they hold
until the module is done and are never shared. All others are pure functions of the program, so it
makes no difference which process, or which run, computed them. With each is kept which modules it
depends on, and whoever is told it depends on them too.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from migrator.analyze.project.modules import Names

T = TypeVar("T")


class Memo:
    """`tainted` is True while what is being computed has seen something unfinished or cut off."""

    __slots__ = ("_names", "_provisional", "_pure", "tainted")

    def __init__(self, names: Names) -> None:
        self._names = names
        self._pure: dict[Hashable, tuple[Any, int]] = {}
        self._provisional: dict[Hashable, Any] = {}
        self.tainted = False

    def known(self, key: Hashable) -> Any:
        """What is kept under `key` for good, or None."""
        known = self._pure.get(key)
        if known is None:
            return None
        self._names.seen |= known[1]
        return known[0]

    def get(self, key: Hashable, compute: Callable[[], T], unfinished: Any) -> T:
        """What is kept under `key`, else computed; `unfinished` is what is told meanwhile."""
        names, pure = self._names, self._pure
        if key in pure:
            known, seen = pure[key]
            names.seen |= seen
            return known  # type: ignore[no-any-return]
        provisional = self._provisional
        if key in provisional:
            self.tainted = True
            return provisional[key]  # type: ignore[no-any-return]
        provisional[key] = unfinished
        before, self.tainted = self.tainted, False
        seen_before, names.seen = names.seen, 0
        found = compute()
        if self.tainted:
            provisional[key] = found
        else:
            del provisional[key]
            pure[key] = found, names.seen
            self.tainted = before
        names.seen |= seen_before
        return found

    def tell(self, key: Hashable, unfinished: object) -> None:
        """Tell more of what is still being computed."""
        self._provisional[key] = unfinished

    def forget(self) -> None:
        """Forget what is provisional: the next module begins as if it were the first."""
        self._provisional.clear()
        self.tainted = False
