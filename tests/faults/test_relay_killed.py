"""SIGKILL between publishing and marking: each effect happens once, in order, none is lost.

``FAULT_RUNS=50 pytest tests/faults/test_relay_killed.py`` repeats it with other seeds.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from support.delivery import ACCOUNTS, LEDGER, consume, drain, emit, namespace, side

RUNS = int(os.environ.get("FAULT_RUNS", "1"))
RELAY = Path(__file__).with_name("dying_relay.py")


@pytest.mark.parametrize("seed", range(RUNS))
def test_nothing_is_lost_doubled_or_out_of_order(
    seed: int, make_database: Callable[[], str], nats_url: str
) -> None:
    chance = random.Random(seed)
    name = namespace()
    producer = side(ACCOUNTS, make_database(), replica=False)
    consumer = side(LEDGER, make_database(), replica=True)
    count = chance.randint(30, 60)
    pairs = [(chance.randint(1, 8), number) for number in range(count)]
    emit(producer, pairs)
    url = producer.engine.url.render_as_string(hide_password=False)
    killed = 0
    for _ in range(2):
        command = [sys.executable, RELAY, url, nats_url, name, str(chance.randint(1, 3))]
        try:
            code = subprocess.run(command, check=False, timeout=30, env=_environment()).returncode
        except subprocess.TimeoutExpired:
            pytest.fail("the relay had nothing left to publish and did not die")
        killed += code == -signal.SIGKILL
    assert killed == 2
    left = producer.rows("SELECT 1 FROM outbox_delivery")
    assert left, "the kills must leave something to the next relay"
    drain(producer, nats_url, name)
    consume(consumer, nats_url, name, lambda: len(consumer.rows("SELECT 1 FROM inbox")) >= count)
    ledger = consumer.rows("SELECT account_id, number FROM entries ORDER BY id")
    assert _by_account(ledger) == _by_account(pairs)
    for each in (producer, consumer):
        each.engine.dispose()


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


def _by_account(pairs: list[tuple[int, int]]) -> dict[int, list[int]]:
    found = defaultdict(list)
    for account, number in pairs:
        found[account].append(number)
    return dict(found)
