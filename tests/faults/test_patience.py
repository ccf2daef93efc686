"""A silence is long only in comparison with the run's own pace and the machine's load."""

from __future__ import annotations

import subprocess
import sys
import time

from tests.faults.rig.patience import Patience, Starvation
from tests.faults.rig.tally import Tally


def patience() -> Patience:
    return Patience(began=0.0, seconds=10.0, limit=1000.0)


def test_silence_ends_it() -> None:
    waiting = patience()
    waiting.note("a", 1.0)
    assert not waiting.ended(10.9)
    waiting.note("a", 10.9)
    assert waiting.ended(11.1)


def test_progress_begins_the_silence_anew() -> None:
    waiting = patience()
    for moment in range(0, 900, 9):
        waiting.note(moment, float(moment))
        assert not waiting.ended(moment + 8.9)


def test_slow_progress_makes_it_patient() -> None:
    waiting = patience()
    waiting.note("a", 0.0)
    waiting.note("b", 9.0)
    assert not waiting.ended(9 + 71.0)
    assert waiting.ended(9 + 73.0)


def test_starved_processes_are_given_the_time_they_lack() -> None:
    waiting = patience()
    waiting.note("a", 0.0, starved=12.0)
    assert not waiting.ended(119.0)
    waiting.note("a", 119.0, starved=1.0)
    assert waiting.ended(119.0)


def test_limit_ends_even_what_moves() -> None:
    waiting = patience()
    waiting.note("a", 999.0)
    assert not waiting.ended(999.0)
    assert waiting.ended(1000.1)


def test_starvation_is_what_the_kernel_says() -> None:
    busy = [sys.executable, "-c", "while True: pass"]
    # More than there are cores: each waits for its turn.
    crowd = [subprocess.Popen(busy) for _ in range(16)]
    try:
        measure = Starvation()
        measure.measure(process.pid for process in crowd)
        time.sleep(1.0)
        assert measure.measure(process.pid for process in crowd) > 1.5
        assert measure.measure([]) == 1.0
    finally:
        for process in crowd:
            process.kill()
            process.wait()


def test_fault_that_never_hurts_is_told() -> None:
    tally = Tally()
    for _ in range(5):
        tally.note("slow", 0)
        tally.note("cut", 2)
        tally.note("duplicate", 3)
    assert tally.toothless() == ["duplicate", "slow"]
    tally.results["duplicate"] += 1
    tally.note("slow", 1)
    assert tally.toothless() == []
