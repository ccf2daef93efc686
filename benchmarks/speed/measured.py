"""Seconds and peak memory of a command with all its processes."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Measured:
    """`cpu` are the seconds of all processes together: on a busy machine they say more than
    `seconds`. `peak` in MiB is the proportional share (PSS) of all processes together, so that
    pages that children share with their parent count once; 0 where /proc does not tell it."""

    seconds: float
    cpu: float
    peak: int
    status: int
    errors: str


def measured(command: list[str], *, given: str = "", cwd: Path | None = None) -> Measured:
    # As an installed program runs: modules are compiled once, not each time.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=cwd, text=True, env=env,
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    peaks = [0]
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, done, peaks))
    watcher.start()
    _, errors = process.communicate(given)
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(seconds, cpu, max(peaks) // 1024, process.returncode, errors)


def _watch(pid: int, done: threading.Event, peaks: list[int]) -> None:
    while not done.wait(0.2):
        peaks.append(sum(_pss(one) for one in _family(pid)))


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += [int(child) for child in task.read_text().split()]
            except OSError:
                continue
    return found


def _pss(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except (OSError, IndexError, ValueError):
        pass
    return 0
