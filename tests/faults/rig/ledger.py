"""What was produced against what was applied: nothing may be missing, twice or out of order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

Key = tuple[int, int]
POISON, FLAKY = "poison", "flaky"


@dataclass(frozen=True)
class Books:
    """What the databases say once all is quiet.

    `produced` maps (account, number) to how its handler behaves, `applied` is in the order of
    the effects, `dead` are dead letters of either side, `balances` and `copies` are rows of the
    owner and of the replica, `waiting` counts what is queued in either database, and `motion` is
    whatever else changes while work goes on.
    """

    produced: dict[Key, str]
    applied: list[Key]
    dead: list[Key]
    delivered: int = 0
    waiting: int = 0
    balances: dict[int, int] = field(default_factory=dict)
    copies: dict[int, int] = field(default_factory=dict)
    motion: tuple[object, ...] = ()

    @property
    def state(self) -> object:
        """Equal as long as nothing happens."""
        return self.applied, self.dead, self.copies, self.waiting, self.delivered, self.motion


@dataclass(frozen=True)
class Ledger:
    """The verdict; every list must be empty."""

    produced: int
    delivered: int
    applied: int
    dead: int
    lost: list[Key]
    stuck: list[Key]
    doubled: list[Key]
    disordered: list[Key]
    phantom: list[Key]
    buried: list[Key]
    stale: list[int]

    @property
    def clean(self) -> bool:
        return not self.problems()

    @property
    def missing(self) -> list[Key]:
        """What should be there and is not yet."""
        return sorted({*self.lost, *self.stuck})

    @property
    def beyond_repair(self) -> bool:
        """Whether something is wrong that waiting cannot mend."""
        return bool(self.doubled or self.disordered or self.phantom or self.buried)

    def problems(self) -> dict[str, list[Key] | list[int]]:
        """What is wrong, by name."""
        names = ("lost", "stuck", "doubled", "disordered", "phantom", "buried", "stale")
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    def __str__(self) -> str:
        head = f"produced {self.produced} delivered {self.delivered} applied {self.applied}"
        head = f"{head} dead {self.dead}"
        wrong = [f"{name} {len(found)}: {found[:5]}" for name, found in self.problems().items()]
        return ", ".join([head, *wrong]) if wrong else f"{head}, nothing wrong"


def reconcile(books: Books, late: Iterable[Key] = ()) -> Ledger:
    """Judge the books.

    Lost: produced, and neither applied nor dead nor waiting anywhere. Stuck: the same while
    something still waits, and what is `late`: it came only after all was started anew. Doubled:
    applied more than once, or applied and dead. Phantom: applied and not produced, such as the
    message of a rolled back transaction. Buried: dead without a reason to fail. Poison must never
    be applied.
    """
    applied, dead = Counter(books.applied), set(books.dead)
    missing = sorted(key for key in books.produced if key not in applied and key not in dead)
    poison = {key for key, how in books.produced.items() if how == POISON}
    may_die = {key for key, how in books.produced.items() if how in (POISON, FLAKY)}
    doubled = {key for key, times in applied.items() if times > 1} | (applied.keys() & dead)
    return Ledger(
        produced=len(books.produced),
        delivered=books.delivered,
        applied=len(applied),
        dead=len(dead),
        lost=[] if books.waiting else missing,
        stuck=sorted({*late, *(missing if books.waiting else ())}),
        doubled=sorted(doubled),
        disordered=_disordered(books.applied),
        phantom=sorted(applied.keys() - (books.produced.keys() - poison)),
        buried=sorted(dead - may_die),
        stale=sorted(
            account
            for account, balance in books.balances.items()
            if books.copies.get(account) != balance
        ),
    )


def _disordered(applied: Iterable[Key]) -> list[Key]:
    """Effects that came after a later one of the same account; repeats are not counted here."""
    highest: dict[int, int] = defaultdict(int)
    seen: set[Key] = set()
    late = []
    for account, number in applied:
        if number < highest[account] and (account, number) not in seen:
            late.append((account, number))
        highest[account] = max(highest[account], number)
        seen.add((account, number))
    return late
