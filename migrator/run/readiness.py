"""Waiting until the processes of a run can work."""

from __future__ import annotations

import time

import httpx

from migrator.run.supervisor import Child, Supervisor

START_SECONDS = 60.0


class StartFailed(Exception):
    """A process ended, or was not ready in time; carries the process."""

    def __init__(self, child: Child, reason: str) -> None:
        super().__init__(f"{child.process.name} {reason}")
        self.child = child
        self.reason = reason


def wait_until_ready(supervisor: Supervisor, seconds: float = START_SECONDS) -> None:
    """Return when every process with a readiness URL answers 200 there; else `StartFailed`."""
    deadline = time.monotonic() + seconds
    waiting = [child for child in supervisor.children if child.process.ready]
    with httpx.Client(timeout=2.0, trust_env=False) as client:
        while waiting:
            for child in supervisor.newly_dead():
                raise StartFailed(child, ended(child))
            waiting = [child for child in waiting if not _is_ready(client, child)]
            if waiting and time.monotonic() > deadline:
                raise StartFailed(waiting[0], f"is not ready after {seconds:g} seconds")
            if waiting:
                time.sleep(0.1)


def ended(child: Child) -> str:
    """How `child` ended, in words."""
    code = child.popen.returncode
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _is_ready(client: httpx.Client, child: Child) -> bool:
    try:
        return client.get(child.process.ready or "").status_code == 200
    except httpx.HTTPError:
        return False
