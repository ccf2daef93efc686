"""Utilisation and saturation of this process, by the names of the process conventions."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

_STATM = Path("/proc/self/statm")
_STARTED = time.monotonic()


def observe() -> None:
    """Report CPU time, memory, threads and uptime whenever metrics are read."""
    meter = metrics.get_meter("chassis.process")
    meter.create_observable_counter(
        "process.cpu.time", [_cpu], unit="s", description="CPU seconds by mode."
    )
    meter.create_observable_up_down_counter(
        "process.memory.usage", [_memory], unit="By", description="Resident memory."
    )
    meter.create_observable_up_down_counter(
        "process.thread.count", [_threads], unit="{thread}", description="Python threads."
    )
    meter.create_observable_gauge(
        "process.uptime", [_uptime], unit="s", description="Seconds since the start."
    )


def _cpu(_: CallbackOptions) -> Iterable[Observation]:
    used = os.times()
    yield Observation(used.user, {"cpu.mode": "user"})
    yield Observation(used.system, {"cpu.mode": "system"})


def _memory(_: CallbackOptions) -> Iterable[Observation]:
    # Linux only, as containers are; elsewhere the metric is absent.
    if _STATM.exists():
        yield Observation(int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))


def _threads(_: CallbackOptions) -> Iterable[Observation]:
    yield Observation(threading.active_count())


def _uptime(_: CallbackOptions) -> Iterable[Observation]:
    yield Observation(time.monotonic() - _STARTED)
