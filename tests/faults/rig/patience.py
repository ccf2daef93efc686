"""How long a silence must last before what is missing counts as stuck.

On a busy machine everything is slow and nothing is wrong. So the clock starts anew with each sign
of progress, and a silence is only long in comparison: with the pauses that this run had between
signs of progress, and with how much slower than alone its processes run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_GAPS = 8.0
_MOST_STARVED = 40.0


@dataclass
class Patience:
    """`seconds` of silence are enough on a machine of our own; `limit` ends it in any case.

    Times are seconds of a monotonic clock.
    """

    began: float
    seconds: float
    limit: float
    _changed: float = field(init=False)
    _state: object = None
    _gap: float = 0.0
    starved: float = 1.0

    def __post_init__(self) -> None:
        self._changed = self.began

    def note(self, state: object, now: float, starved: float = 1.0) -> None:
        """What there is to see at `now`; `starved` is how much slower than alone all runs."""
        self.starved = min(max(1.0, starved), _MOST_STARVED)
        if state != self._state:
            if self._state is not None:
                self._gap = max(self._gap, now - self._changed)
            self._state, self._changed = state, now

    def silence(self, now: float) -> float:
        """Since when nothing has moved, in seconds."""
        return now - self._changed

    @property
    def allowed(self) -> float:
        """The silence that is still borne, in seconds."""
        return max(self.seconds * self.starved, _GAPS * self._gap)

    def ended(self, now: float) -> bool:
        """Whether there is no more hope."""
        return self.silence(now) > self.allowed or now - self.began > self.limit


@dataclass
class Starvation:
    """How much slower than alone some processes run: (running + waiting for a core) / running.

    By the kernel's own account of each thread; 1 where it keeps none.
    """

    _before: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def measure(self, processes: Iterable[int]) -> float:
        """Since the last call."""
        found = {path: times for pid in processes for path, times in _schedule(pid)}
        running = waiting = 0
        for path, (ran, waited) in found.items():
            before = self._before.get(path, (0, 0))
            running, waiting = running + ran - before[0], waiting + waited - before[1]
        self._before = found
        return 1.0 + max(0, waiting) / running if running > 0 else 1.0


def _schedule(process: int) -> Iterable[tuple[Path, tuple[int, int]]]:
    """Nanoseconds on a core and waiting for one, for each thread of `process`."""
    for path in Path(f"/proc/{process}/task").glob("*/schedstat"):
        try:
            ran, waited, _ = path.read_text().split()
        except (OSError, ValueError):
            continue
        yield path, (int(ran), int(waited))
