"""A handler that misbehaves as its message says."""

import time

from bank.db import session
from bank.ledger import Entry, Refused

POISON, FLAKY = "poison", "flaky"
_stumbled: set[tuple[int, int]] = set()


def record(account_id: int, number: int, behaviour: str) -> None:
    """``plain``, ``slow``, ``poison`` (always fails) or ``flaky`` (fails the first time here)."""
    session.add(Entry(account_id=account_id, number=number))
    session.commit()
    if behaviour == "slow":
        time.sleep(0.1)
    if behaviour == POISON:
        raise Refused("always")
    if behaviour == FLAKY and (account_id, number) not in _stumbled:
        _stumbled.add((account_id, number))
        raise Refused("the first time")
