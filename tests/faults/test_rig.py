"""Real processes under seeded faults: nothing lost, doubled or out of order.

The long version is ``python -m tests.faults.rig --seeds 200``; RIG_SEEDS=N runs N of them here, and
the chassis with mistakes in it. Without it these are skipped: whether a mistake shows
within seconds depends on how busy the machine is, and the rest of the suite keeps it busy.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults.rig.run import Rig
from faults.rig.schedule import Fault, Schedule, draw

SEEDS = int(os.environ.get("RIG_SEEDS", "0"))
pytestmark = pytest.mark.skipif(SEEDS == 0, reason="set RIG_SEEDS to the number of schedules")


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    # Not in pytest's folder: that of root is closed to the server, which is never root.
    with tempfile.TemporaryDirectory(prefix="migrator-rig-") as folder:
        Path(folder).chmod(0o755)
        with Rig(Path(folder)) as made:
            yield made


@pytest.fixture
def mutant(rig: Rig) -> Iterator[Callable[[str], Rig]]:
    """The rig with a chassis that has a mistake in it."""
    patience = rig.patience

    def make(name: str) -> Rig:
        rig.mutant, rig.patience = name, 4.0
        return rig

    yield make
    rig.mutant, rig.patience = None, patience


@pytest.mark.parametrize("seed", range(SEEDS))
def test_ledger_is_clean(rig: Rig, seed: int) -> None:
    schedule = draw(seed)
    print(f"seed {seed}", *schedule.faults, sep="\n")
    ledger = rig.run(schedule)
    assert ledger.problems() == {}
    assert ledger.produced > 0


def kills(*names: str) -> Schedule:
    faults = tuple(Fault(0.5 + 0.25 * n, "kill", name) for n, name in enumerate(names))
    return Schedule(1, 2.0, faults)


@pytest.mark.parametrize(
    ("name", "schedule", "problems"),
    [
        ("marks-before-publishing", kills(*["relay-1", "relay-2"] * 3), {"lost"}),
        ("inbox-without-keys", kills(*["relay-1", "inbox-1"] * 3), {"doubled"}),
        ("skips-late-commits", Schedule(1, 2.5, ()), {"lost", "stuck", "stale"}),
        ("without-order", Schedule(1, 2.0, ()), {"disordered"}),
    ],
)
def test_mistakes_are_found(
    mutant: Callable[[str], Rig], name: str, schedule: Schedule, problems: set[str]
) -> None:
    found = set(mutant(name).run(schedule).problems())
    assert found & problems, f"the ledger saw nothing of it, only {found}"


def test_logs_are_kept(rig: Rig) -> None:
    assert {path.name for path in Path(rig.folder).glob("*.log")} >= {"relay.log", "inbox.log"}
