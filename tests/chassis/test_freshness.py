"""How old a copy is said to be."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from chassis import clock
from chassis.brokers.port import Incoming
from chassis.freshness import Freshness
from chassis.manifest import Manifest
from chassis.outbox import change_subject

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> dict[str, dt.datetime]:
    """Holds what the clock says, as ``at["now"]``."""
    held = {"now": NOW}
    monkeypatch.setattr(clock, "now", lambda: held["now"])
    return held


@pytest.fixture
def freshness(at: dict[str, dt.datetime]) -> Freshness:
    assert at["now"] == NOW
    replicas = {"users": "accounts", "jobs": "jobs"}
    return Freshness(Manifest(name="billing", package="shop", replicas=replicas))


def change(table: str, owner: str, seconds: float) -> Incoming:
    """A change of `table` that was written `seconds` after noon."""
    moment = NOW + dt.timedelta(seconds=seconds)
    body = json.dumps({"time": moment.isoformat()}).encode()
    return Incoming("1", change_subject(owner, table), 0, body)


def test_copies_grow_old_while_nothing_is_read(
    freshness: Freshness, at: dict[str, dt.datetime]
) -> None:
    at["now"] = NOW + dt.timedelta(seconds=90)
    assert freshness.ages() == {"users": 90, "jobs": 90}


def test_reading_to_the_end_makes_every_copy_fresh(
    freshness: Freshness, at: dict[str, dt.datetime]
) -> None:
    at["now"] = NOW + dt.timedelta(seconds=90)
    freshness.see([])
    assert freshness.ages() == {"users": 0, "jobs": 0}


def test_changes_of_one_table_do_not_let_another_look_old(
    freshness: Freshness, at: dict[str, dt.datetime]
) -> None:
    at["now"] = NOW + dt.timedelta(seconds=100)
    freshness.see([change("users", "accounts", 60), change("users", "accounts", 80)])
    # The log is in the order of time: nothing of jobs before the first of these is missing.
    assert freshness.ages() == {"users": 20, "jobs": 40}


def test_an_old_change_makes_no_copy_older(
    freshness: Freshness, at: dict[str, dt.datetime]
) -> None:
    at["now"] = NOW + dt.timedelta(seconds=100)
    freshness.see([])
    freshness.see([change("jobs", "jobs", 10)])
    assert freshness.ages() == {"users": 0, "jobs": 0}


def test_a_message_without_a_time_counts_as_of_now(
    freshness: Freshness, at: dict[str, dt.datetime]
) -> None:
    at["now"] = NOW + dt.timedelta(seconds=30)
    broken = Incoming("1", change_subject("jobs", "jobs"), 0, b"no JSON")
    freshness.see([broken])
    assert freshness.ages()["jobs"] == 0
