"""No message, whatever it holds, may be in the way of those behind it."""

from __future__ import annotations

import json

import pytest
from bank import ledger as served
from chassis import texts
from chassis.brokers import Incoming
from chassis.outcomes import DEAD, FAILED
from chassis.processor import Processor
from hypothesis import given
from hypothesis import strategies as st
from support.delivery import Side, emit, messages, settings


def event(**changed: object) -> str:
    content = {"specversion": "1.0", "kind": "x", "source": "/s", "subject": "1", "data": {}}
    return json.dumps(content | changed)


BODIES = {
    "NUL in the data": event(data={"a": "\0"}),
    "half of a pair in the data": event(data={"a": "\ud800"}),
    "no number": event(data={"a": float("nan")}),
    "too large a number": event().replace("{}", '{"a": 1e999}'),
    "NUL in the kind": event(kind="\0"),
    "half of a pair in the function": event(kind="call", data={"function": "\ud800"}),
    "NUL in the aggregate": event(kind="upserted", subject="\0"),
    "too deep": "[" * 100_000,
    "NUL": "\0",
    "no event": "null",
}


@pytest.fixture
def work(ledger: Side) -> Processor:
    chosen = settings(str(ledger.engine.url), "nats://unused", "")
    return Processor(ledger.manifest, ledger.engine, chosen)


@pytest.mark.parametrize("name", BODIES)
def test_each_is_set_aside(ledger: Side, work: Processor, name: str) -> None:
    [result] = work.process([Incoming("m", "s", 0, BODIES[name].encode())])
    assert result in (DEAD, FAILED)
    table = "inbox_dead_letter" if result == DEAD else "inbox_retry"
    assert ledger.rows(f"SELECT message_id FROM {table}") == [("m",)]


def test_error_that_no_database_takes_is_told(
    accounts: Side, ledger: Side, work: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: int) -> None:
        raise served.Refused("a\0b \ud800")

    monkeypatch.setattr(served, "record", fail)
    emit(accounts, [(1, 1)])
    with ledger.working():
        assert work.process(messages(accounts)) == [FAILED]
    assert ledger.rows("SELECT reason FROM inbox_retry") == [(r"Refused: a\0b \ud800",)]


@given(st.recursive(st.none() | st.integers() | st.text(st.characters()) | st.floats(), st.lists))
def test_what_can_be_read_is_given_back(value: object) -> None:
    """So that a dead letter is replayed as it came."""
    body = json.dumps(value).encode()
    assert json.dumps(json.loads(texts.from_json(texts.as_json(body)))).encode() == body
