"""Starts processes, each a group of its own with a log file, and stops every one of them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from migrator.run.processes import Process

_STOP_SECONDS = 8.0
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Child:
    """A started process."""

    process: Process
    popen: subprocess.Popen[bytes]
    log: Path
    reported: bool = False

    def last_lines(self, count: int = 15) -> list[str]:
        """The end of its log."""
        text = self.log.read_text("utf-8", "replace") if self.log.exists() else ""
        return text.splitlines()[-count:]


class Supervisor:
    """Owns the children of one run; leaving the context stops them all.

    Only the main thread may start children: the kernel ends them when the thread that started
    them ends, which is how even a killed `migrator up` leaves no orphan (on Linux).
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self.children: list[Child] = []

    def __enter__(self) -> Supervisor:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, processes: Iterable[Process]) -> None:
        """Start `processes` at once."""
        for process in processes:
            log = self._logs / f"{process.name}.log"
            with log.open("wb") as stream:
                popen = subprocess.Popen(
                    process.argv,
                    cwd=process.cwd,
                    env=dict(process.environment),
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=_end_with_parent if sys.platform == "linux" else None,
                )
            self.children.append(Child(process, popen, log))

    def newly_dead(self) -> list[Child]:
        """Children that ended since the last look."""
        dead = [c for c in self.children if not c.reported and c.popen.poll() is not None]
        for child in dead:
            child.reported = True
        return dead

    def stop(self) -> None:
        """End every group: first politely, gateway first, then for good."""
        alive = [child for child in reversed(self.children) if child.popen.poll() is None]
        for child in alive:
            _signal(child, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        for child in alive:
            try:
                child.popen.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                continue
        for child in self.children:
            # Also the groups whose leader is gone: a worker may have outlived its master.
            _signal(child, signal.SIGKILL)
        for child in alive:
            child.popen.wait()


def run_to_end(process: Process, log: Path) -> int:
    """Run `process` until it ends; its output goes to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as stream:
        return subprocess.run(
            process.argv,
            cwd=process.cwd,
            env=dict(process.environment),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode


def _signal(child: Child, number: signal.Signals) -> None:
    try:
        os.killpg(child.popen.pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _load_prctl() -> ctypes._NamedFuncPointer | None:
    try:
        return ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return None


# Loaded before any fork: a child between fork and exec must not import.
_PRCTL = _load_prctl()


def _end_with_parent() -> None:
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGTERM)
