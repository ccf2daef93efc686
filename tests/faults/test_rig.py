"""Real processes under faults: nothing lost, doubled, out of order or stuck.

The long version is ``python -m tests.faults.rig --seeds 200``; RIG_SEEDS=N runs N seeds here.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.rig.run import Rig
from tests.faults.rig.schedule import Action, Fault, Kind, Schedule, actions, draw, everything
from tests.faults.rig.tally import Tally

SEEDS = int(os.environ.get("RIG_SEEDS", "0"))
pytestmark = pytest.mark.skipif(SEEDS == 0, reason="set RIG_SEEDS to the number of schedules")
# What a mistake breaks shows by chance: so many schedules at most.
_CHANCES = 6
_ALL = tuple(number / 10 for number in range(10))


@contextmanager
def running(kind: Kind) -> Iterator[Rig]:
    # Not in pytest's folder: that of root is closed to the server, which is never root.
    with tempfile.TemporaryDirectory(prefix="migrator-rig-") as folder:
        Path(folder).chmod(0o755)
        with Rig(Path(folder), kind) as made:
            yield made


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with running("nats") as made:
        yield made


@pytest.mark.parametrize("seed", range(SEEDS))
def test_ledger_is_clean(rig: Rig, seed: int) -> None:
    schedule = draw(seed)
    print(f"seed {seed}", *schedule.faults, sep="\n")
    ledger = rig.run(schedule)
    assert ledger.problems() == {}
    assert ledger.produced > 0


@pytest.mark.parametrize("kind", ["nats", "http"])
def test_every_kind_of_fault_hurts_and_costs_nothing(kind: Kind) -> None:
    with running(kind) as rig:
        for _ in range(_CHANCES):
            ledger = rig.run(everything(kind))
            print(ledger, rig.tally, sep="\n")
            assert ledger.problems() == {}
            if not unhurt(rig.tally, kind):
                return
        pytest.fail(f"never hurt: {unhurt(rig.tally, kind)}")


def unhurt(tally: Tally, kind: Kind) -> set[str]:
    """What did no harm yet, by chance: who keeps a connection, say, is not refused one."""
    missing = {action for action in actions(kind) if not tally.bitten[action]}
    return missing | ({"duplicate", "stale"} - {name for name, n in tally.results.items() if n})


def kills(role: str) -> list[Fault]:
    return [Fault(0.4 + 0.25 * n, "kill", f"{role}-{1 + n % 2}") for n in range(6)]


def copies(action: Action) -> list[Fault]:
    return [Fault(0.6 + 0.4 * n, action, places=_ALL) for n in range(4)]


@pytest.mark.parametrize(
    ("name", "faults", "problems"),
    [
        ("marks-before-publishing", kills("relay"), {"lost"}),
        ("notes-before-applying", kills("inbox"), {"lost"}),
        ("inbox-without-keys", copies("duplicate"), {"doubled"}),
        ("skips-late-commits", [], {"lost", "stuck", "stale"}),
        ("without-order", [], {"disordered"}),
        ("without-versions", copies("reorder"), {"stale"}),
    ],
)
def test_mistakes_are_found(rig: Rig, name: str, faults: list[Fault], problems: set[str]) -> None:
    wrong = replace(rig, mutant=name, patience=2.0, second_try=False)
    wrong.join(rig)
    found: set[str] = set()
    for chance in range(_CHANCES):
        found |= set(wrong.run(Schedule(chance, 2.0, tuple(faults))).problems())
        if found & problems:
            return
    pytest.fail(f"the ledger saw nothing of it, only {found}")


def test_logs_are_kept(rig: Rig) -> None:
    assert {path.name for path in rig.folder.glob("*.log")} >= {"relay.log", "inbox.log"}
