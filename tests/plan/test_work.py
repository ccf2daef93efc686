"""Units of work: which services a parted one has to wait for."""

from __future__ import annotations

from migrator.plan.work import Unit

TABLES = {"jobs": "jobs", "logs": "audit", "quotas": "billing"}


def unit(*tables: str) -> Unit:
    return Unit("m:start", (), tables, frozenset(tables), {})


def test_who_writes_beside_others_waits_for_them() -> None:
    assert unit("jobs", "logs").steps({"m:start": "jobs"}, TABLES) == {"audit"}


def test_one_other_that_commits_alone_is_no_saga() -> None:
    assert not unit("logs").steps({"m:start": "jobs"}, TABLES)
    assert not unit("jobs").steps({"m:start": "jobs"}, TABLES)


def test_of_two_others_one_waits_for_the_other() -> None:
    assert unit("logs", "quotas").steps({"m:start": "jobs"}, TABLES) == {"billing"}
