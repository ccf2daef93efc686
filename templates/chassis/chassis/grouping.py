"""What a message says, and which messages share a transaction.

Changes of copies share one, and so do inserts. Served functions share one, with a savepoint each,
once they were seen to be quick and to stay in the database: a commit waits for the disk, and thirty
wait as long as one. A function that was slow, asked another service or called
`chassis.transaction.alone` has a transaction of its own, until it is seen to be quick again. Where
none of them was undone for long, they go without savepoints; when one is, all begin anew with them.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

from chassis import clock, outbox, texts
from chassis.brokers.port import Incoming

_CHANGES = (outbox.UPSERTED, outbox.DELETED)
_TOGETHER = (*_CHANGES, outbox.INSERT)
# With the savepoint of the function's own session it is two each: PostgreSQL keeps 64 at hand.
_CALLS = 30
_QUICK_SECONDS = 0.02
# What the calls before have locked stays locked meanwhile.
_SHARED_SECONDS = 0.1
# A savepoint costs a sixth of a short call; one that is missed has the others done again.
_TRUSTED_AFTER = 100


@dataclass(frozen=True, slots=True)
class Event:
    """A message and what it says; `content` is None where it is no CloudEvent."""

    message: Incoming
    content: dict[str, Any] | None
    aggregate: str

    @property
    def kind(self) -> str:
        """What is to be done; empty where it is no CloudEvent."""
        return "" if self.content is None else str(self.content.get("kind", ""))

    @property
    def function(self) -> str:
        """The function that is asked for; empty where none is."""
        data = None if self.content is None else self.content.get("data")
        calls = self.kind == outbox.CALL and isinstance(data, dict)
        return str(data.get("function", "")) if calls and data else ""

    @property
    def together(self) -> bool:
        """Whether it may always share a transaction with others of its kind."""
        return self.kind in _TOGETHER

    @property
    def comes_again(self) -> bool:
        """Whether it is read again if our transaction is lost, and does the same then.

        The position that is read from commits with it or later, and only a copy depends on it.
        """
        return self.kind in _CHANGES and bool(self.message.position)

    @property
    def age(self) -> float:
        """Seconds since its commit; 0 where it does not tell."""
        try:
            return clock.age(dt.datetime.fromisoformat((self.content or {})["time"]))
        except (KeyError, ValueError, TypeError):
            return 0.0


def read(message: Incoming) -> Event:
    """What `message` says."""
    try:
        content = json.loads(message.body)
        if content["specversion"] != "1.0":
            content = None
    except (ValueError, KeyError, TypeError, RecursionError):
        content = None
    if content is None:
        return Event(message, None, f"? {message.id}")
    parts = [str(content.get(name, "")) for name in ("source", "aggregate", "subject")]
    key = texts.storable(" ".join(parts))
    if len(key) >= 200:
        # The column is bounded; equal keys stay equal, which is all that order needs.
        key = f"{key[:180]} {sha1(key.encode()).hexdigest()}"
    return Event(message, content, key)


class Grouping:
    """Knows the served functions by how they were the last time."""

    def __init__(self) -> None:
        self._quick: dict[str, bool] = {}
        self._streak: Counter[str] = Counter()

    def first(self, events: Sequence[Event], most: int) -> list[Event]:
        """The longest beginning of `events` that may share a transaction, at most `most`."""
        if events[0].together:
            fits, most = _together, most
        elif self._may_share(events[0]):
            fits, most = self._may_share, min(most, _CALLS)
        else:
            return [events[0]]
        group = []
        for event in events[:most]:
            if not fits(event):
                break
            group.append(event)
        return group

    def goes_on(self, event: Event, seconds: float) -> bool:
        """Whether `event` may still join a transaction of calls that lasts for `seconds`."""
        return seconds < _SHARED_SECONDS and self._may_share(event)

    def ran(self, event: Event, seconds: float, *, alone: bool) -> None:
        """The function of `event` took `seconds`; `alone`: it asked for its own transaction."""
        if event.function:
            self._quick[event.function] = seconds < _QUICK_SECONDS and not alone

    def went(self, event: Event, *, undone: bool) -> None:
        """The function of `event` ran amid others; `undone`: what it did, or a part, was."""
        self._streak[event.function] = 0 if undone else self._streak[event.function] + 1

    def trusts(self, events: Sequence[Event]) -> bool:
        """Whether all go without savepoints: nothing was undone for long of their functions."""
        return all(self._streak[event.function] >= _TRUSTED_AFTER for event in events)

    def _may_share(self, event: Event) -> bool:
        return self._quick.get(event.function, False)


def _together(event: Event) -> bool:
    return event.together
