"""Work that nobody waits for until the end: writing what is kept for the next run."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable
from multiprocessing.process import BaseProcess

from migrator.analyze.facts.extract import can_fork, usable_cores


class Aside:
    """Runs `work` at once in a forked child where a core is free for it, else here. What it gives
    is lost, and so is what it raises in a child: it may only keep what can be made again."""

    def __init__(self, work: Callable[[], None], *, alone: bool = False) -> None:
        self._process: BaseProcess | None = None
        if alone or usable_cores() < 2 or not can_fork():
            work()
            return
        gc.freeze()
        self._process = multiprocessing.get_context("fork").Process(
            target=_quietly, args=(work,), daemon=True
        )
        self._process.start()
        gc.unfreeze()

    def wait(self) -> None:
        """Return when the work is done."""
        if self._process is not None:
            self._process.join()


def _quietly(work: Callable[[], None]) -> None:
    gc.disable()
    try:
        work()
    except (Exception, KeyboardInterrupt):
        return
