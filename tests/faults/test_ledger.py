"""The ledger tells each kind of damage, and the schedules are drawn from their seed alone."""

from __future__ import annotations

from tests.faults.rig.ledger import Books, reconcile
from tests.faults.rig.schedule import actions as all_actions
from tests.faults.rig.schedule import draw, everything

PRODUCED = {(1, 1): "plain", (1, 2): "plain", (1, 3): "poison", (2, 1): "flaky"}
GOOD = [(1, 1), (2, 1), (1, 2)]


def problems(applied: list[tuple[int, int]], **changed: object) -> dict[str, object]:
    books = Books(PRODUCED, applied, **{"dead": [(1, 3)], **changed})  # type: ignore[arg-type]
    return dict(reconcile(books).problems())


def test_clean() -> None:
    assert problems(GOOD) == {}
    assert problems([(1, 1), (1, 2)], dead=[(1, 3), (2, 1)]) == {}


def test_each_kind_of_damage() -> None:
    assert problems([(1, 1), (2, 1)]) == {"lost": [(1, 2)]}
    assert problems([(1, 1), (2, 1)], waiting=1) == {"stuck": [(1, 2)]}
    late = reconcile(Books(PRODUCED, GOOD, [(1, 3)]), [(1, 2)])
    assert late.problems() == {"stuck": [(1, 2)]}, "it came only after a new start"
    assert problems([*GOOD, (1, 1)]) == {"doubled": [(1, 1)]}
    assert problems([(1, 2), (2, 1), (1, 1)]) == {"disordered": [(1, 1)]}
    assert problems([*GOOD, (1, 9)]) == {"phantom": [(1, 9)]}
    assert problems([(1, 1), (2, 1)], dead=[(1, 2), (1, 3)]) == {"buried": [(1, 2)]}
    assert problems(GOOD, dead=[]) == {"lost": [(1, 3)]}
    assert problems([*GOOD, (1, 3)], dead=[]) == {"phantom": [(1, 3)]}
    assert problems(GOOD, balances={1: 3, 2: 1}, copies={1: 2, 2: 1}) == {"stale": [1]}


def test_applied_and_dead_is_doubled() -> None:
    assert problems(GOOD, dead=[(1, 3), (2, 1)]) == {"doubled": [(2, 1)]}


def test_seed_decides_the_schedule() -> None:
    assert draw(5) == draw(5)
    assert len({draw(seed).faults for seed in range(50)}) == 50
    actions = {fault.action for seed in range(200) for fault in draw(seed).faults}
    assert actions == {*all_actions("nats")}, "every kind of fault is drawn"
    assert {fault.action for fault in everything().faults} == actions
    without = {f.action for seed in range(200) for f in draw(seed, kind="http").faults}
    assert without == actions - {"broker_restart", "broker_crash"}
    assert any(f.action == "stop" and f.seconds > 1 for s in range(50) for f in draw(s).faults)
