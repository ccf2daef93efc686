"""How late the event loop of this process runs what is due."""

from __future__ import annotations

import asyncio
import time

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

_EVERY = 0.25


class _Longest:
    """The longest delay since it was read last: a mean would hide what blocks."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def note(self, seconds: float) -> None:
        self._seconds = max(self._seconds, seconds)

    def observe(self, _: CallbackOptions) -> list[Observation]:
        seconds, self._seconds = self._seconds, 0.0
        return [Observation(seconds)]


async def watch_event_loop() -> None:
    """Report ``chassis.event_loop.delay`` of the running loop, until cancelled."""
    longest = _Longest()
    metrics.get_meter("chassis").create_observable_gauge(
        "chassis.event_loop.delay",
        [longest.observe],
        unit="s",
        description="Longest delay of what was due, since the last reading.",
    )
    while True:
        due = time.perf_counter() + _EVERY
        await asyncio.sleep(_EVERY)
        longest.note(max(0.0, time.perf_counter() - due))
