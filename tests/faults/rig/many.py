"""Several rigs at the same time, each a process with servers of its own."""

from __future__ import annotations

import multiprocessing
import queue
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from .ledger import Ledger
from .run import LEASE, Rig
from .schedule import Fault, draw
from .tally import Tally


@dataclass(frozen=True)
class Result:
    """What came of one seed; `ledger` is None where the schedule could not be run."""

    seed: int
    faults: tuple[Fault, ...]
    ledger: Ledger | None
    error: str = ""

    @property
    def clean(self) -> bool:
        return self.ledger is not None and self.ledger.clean

    def __str__(self) -> str:
        return f"seed {self.seed}: {self.ledger or self.error}"


def run(
    rig: Rig, seeds: Sequence[int], seconds: float, jobs: int, tell: Callable[[Result], None]
) -> Tally:
    """Run the schedules of `seeds` on `jobs` rigs like `rig`; what all their faults did.

    Raises RuntimeError where a rig ends before its work.
    """
    # Not forked: each has threads and an event loop of its own.
    context = multiprocessing.get_context("spawn")
    waiting, done = context.Queue(), context.Queue()
    for seed in [*seeds, *[None] * jobs]:
        waiting.put(seed)
    rigs = []
    for number in range(jobs):
        own = replace(rig, folder=rig.folder / f"rig-{number}", tally=Tally())
        rigs.append(context.Process(target=_work, args=(own, seconds, waiting, done)))
        rigs[-1].start()
    tally = Tally()
    for found in _all(done, rigs, len(seeds) + jobs):
        if isinstance(found, Tally):
            tally.add(found)
        else:
            tell(found)
    return tally


def _all(done: Any, rigs: Sequence[Any], number: int) -> Iterable[Result | Tally]:
    for _ in range(number):
        while True:
            with suppress(queue.Empty):
                yield done.get(timeout=1)
                break
            if any(rig.exitcode for rig in rigs):
                raise RuntimeError("a rig has ended: see above")


def _work(rig: Rig, seconds: float, waiting: Any, done: Any) -> None:
    """Take seeds until there are no more, and tell each ledger; at last the tally."""
    with rig:
        while (seed := waiting.get()) is not None:
            schedule = draw(seed, seconds, LEASE, rig.kind)
            try:
                result = Result(seed, schedule.faults, rig.run(schedule))
            except Exception as error:
                traceback.print_exc()
                result = Result(seed, schedule.faults, None, f"{type(error).__name__}: {error}")
            done.put(result)
        done.put(rig.tally)
