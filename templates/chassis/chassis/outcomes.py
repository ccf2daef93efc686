"""What became of messages: in numbers and in the log."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

from opentelemetry import metrics

from chassis import attributes, texts
from chassis.brokers.port import Incoming
from chassis.grouping import Event

_log = logging.getLogger("chassis.inbox")
_meter = metrics.get_meter("chassis")
_processed = _meter.create_counter(attributes.INBOX_PROCESSED, unit="{message}")
_lag = _meter.create_histogram(attributes.INBOX_LAG, unit="s")

DUPLICATE, WAITING, FAILED, DEAD = "duplicate", "waiting", "failed", "dead"
_TOLD_APART = (FAILED, DEAD)


def count(group: Sequence[Event], results: Sequence[str]) -> None:
    """Count and log what became of `group`; who failed is told by `failed`."""
    for result, number in Counter(results).items():
        if result not in (WAITING, *_TOLD_APART):
            _processed.add(number, {attributes.RESULT: result})
    told = _log.isEnabledFor(logging.INFO)
    for event, result in zip(group, results, strict=True):
        if result in _TOLD_APART:
            continue
        if event.content is not None and result != DUPLICATE:
            _lag.record(event.age)
        if told:
            message = event.message
            fields = {"message_id": message.id, "subject": message.subject, "result": result}
            _log.info("message processed", extra=fields)


def failed(message: Incoming, attempt: int, error: Exception, *, dead: bool) -> None:
    """Count and log a message that failed at its `attempt`; `dead`: for the last time."""
    _processed.add(1, {attributes.RESULT: DEAD if dead else FAILED})
    fields = {"message_id": message.id, "attempt": attempt, "reason": reason(error)}
    if dead:
        _log.error("message is dead", extra=fields)
    else:
        _log.warning("message failed", extra=fields)


def reason(error: Exception) -> str:
    """`error` in words, as long as the column is and as any database takes them."""
    return texts.storable(f"{type(error).__name__}: {error}")[:4000]
