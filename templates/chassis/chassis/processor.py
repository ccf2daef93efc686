"""Applies messages once: the inbox rows and the handlers' effects are one transaction.

Messages come in the order of their partition's log. Changes of replicas and inserts share a
transaction of many; a served function, which may reach out of the database, has one of its own.
When a transaction of many fails, its messages are applied one by one. A message that fails alone
is decided all the same: its inbox row commits together with its row in `inbox_retry`, so whoever
else holds the message sees a duplicate, and whatever follows it in its aggregate waits behind it.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

import sqlalchemy as sa
from opentelemetry import metrics
from sqlalchemy import Connection, Engine

from chassis import attributes, clock, dialects, outbox, retries, tracing
from chassis.brokers.port import Incoming
from chassis.handlers import Handlers, Unknown
from chassis.leases import LeaseLost
from chassis.manifest import Manifest
from chassis.schema import inbox
from chassis.settings import Settings

_log = logging.getLogger("chassis.inbox")
_meter = metrics.get_meter("chassis")
_processed = _meter.create_counter(attributes.INBOX_PROCESSED, unit="{message}")
_lag = _meter.create_histogram(attributes.INBOX_LAG, unit="s")

DUPLICATE, WAITING, FAILED, DEAD = "duplicate", "waiting", "failed", "dead"
_CHANGES = (outbox.UPSERTED, outbox.DELETED)
_TOGETHER = (*_CHANGES, outbox.INSERT)
# Runs in a transaction that decides messages: the first so many of the batch, with those before.
Note = Callable[[Connection, int], None]


def _nothing(_: Connection, __: int) -> None:
    """The note of who has none."""


def _never() -> bool:
    return False


def _after(before: int, note: Note) -> Note:
    return lambda connection, decided: note(connection, before + decided)


@dataclass(frozen=True)
class Event:
    """A message and what it says; `content` is None where it is no CloudEvent."""

    message: Incoming
    content: dict[str, Any] | None
    aggregate: str

    @property
    def together(self) -> bool:
        """Whether it may share a transaction with others."""
        return self.content is not None and self.content.get("kind") in _TOGETHER

    @property
    def comes_again(self) -> bool:
        """Whether it is read again if our transaction is lost, and does the same then.

        The position that is read from is in that transaction, and nothing but a copy depends on it.
        """
        changes = self.content is not None and self.content.get("kind") in _CHANGES
        return changes and bool(self.message.position)


class Processor:
    """Applies messages for one consumer; synchronous, as the carved code is."""

    def __init__(
        self,
        manifest: Manifest,
        engine: Engine,
        settings: Settings,
        around: Callable[[], AbstractContextManager[object]] | None = None,
        system: str = "nats",
    ) -> None:
        self.consumer = manifest.name
        self._engine = engine
        self._settings = settings
        self._handlers = Handlers(manifest, around)
        self.system = system
        # What one call of `process` knows; the web process has several threads.
        self._knows = threading.local()

    def process(
        self,
        messages: Sequence[Incoming],
        note: Note = _nothing,
        halt: Callable[[], bool] = _never,
    ) -> list[str]:
        """Decide `messages`, which are in order; what became of each, up to where `halt` was true.

        `note` runs in every transaction. Raises what it raises, and what the database raises when
        it is down: then the messages must be given again.
        """
        if not messages:
            return []
        self._knows.waiting = None
        results: list[str] = []
        for group in _groups([_event(message) for message in messages], self._settings.batch):
            if halt():
                break
            results.extend(self._decide(group, _after(len(results), note)))
        return results

    def retry(self, halt: Callable[[], bool] = _never) -> int:
        """Try what waits and is due, an aggregate's messages in order; how many were decided."""
        done = 0
        while not halt():
            with self._engine.begin() as connection:
                positions = retries.due(connection, self.consumer, self._settings.batch)
            decided = 0
            for position in positions:
                if halt():
                    break
                decided += self._try_again(position)
            done += decided
            if not decided:
                break
        return done

    def replay(self, identities: Sequence[str] = ()) -> int:
        """Apply dead letters, all or those named; how many. Raises what a handler raises."""
        with self._engine.begin() as connection:
            found = retries.letters(connection, self.consumer, identities)
        for identity in found:
            with self._handlers.around(), self._engine.begin() as connection:
                message = retries.take_letter(connection, self.consumer, identity)
                if message is not None:
                    self._apply(connection, [_event(message)], replayed=True)
        return len(found)

    def _decide(self, group: list[Event], note: Note) -> list[str]:
        if len(group) > 1:
            try:
                with tracing.batch(self.consumer, [self._about(event) for event in group]):
                    return self._in_one(group, note)
            except Exception as error:
                if _is_ours(error):
                    raise
                _log.info("apply one by one", extra={"reason": _reason(error)})
            return [
                self._decide([event], _after(before, note))[0] for before, event in enumerate(group)
            ]
        [event] = group
        with self._processing(event) as span:
            try:
                return self._in_one(group, note)
            except Exception as error:
                if _is_ours(error):
                    raise
                span.record_exception(error)
                return [self._set_aside(event, error, note)]

    def _in_one(self, group: list[Event], note: Note) -> list[str]:
        with self._handlers.around(), self._engine.begin() as connection:
            if all(event.comes_again for event in group):
                dialects.need_not_last(connection)
            fresh = self._mark(connection, (event.message for event in group))
            if len(fresh) < len(group):
                # Who decided the others may have set them aside.
                self._knows.waiting = True
            held = self._held_up(connection, group)
            results, ready = [], []
            for event in group:
                if event.message.id not in fresh:
                    results.append(DUPLICATE)
                    continue
                fresh.remove(event.message.id)
                if event.aggregate in held:
                    retries.park(connection, self.consumer, event.message, event.aggregate)
                    results.append(WAITING)
                else:
                    results.append("")
                    ready.append(event)
            applied = iter(self._apply(connection, ready))
            results = [result or next(applied) for result in results]
            note(connection, len(group))
        _count(group, results)
        return results

    def _mark(self, connection: Connection, messages: Iterable[Incoming]) -> set[str]:
        moment = clock.now()
        rows = [
            {"consumer": self.consumer, "message_id": message.id, "received_at": moment}
            for message in messages
        ]
        return dialects.insert_new(connection, inbox, rows, inbox.c.message_id)

    def _held_up(self, connection: Connection, group: list[Event]) -> set[str]:
        if self._knows.waiting is None:
            self._knows.waiting = retries.any_waiting(connection, self.consumer)
        if not self._knows.waiting:
            return set()
        aggregates = {event.aggregate for event in group}
        return retries.held_up(connection, self.consumer, aggregates)

    def _apply(
        self, connection: Connection, events: Sequence[Event], *, replayed: bool = False
    ) -> list[str]:
        contents = []
        for event in events:
            if event.content is None:
                raise Unknown("no CloudEvent 1.0 in JSON")
            if not replayed and _age(event.content) > self._settings.inbox_retention:
                raise Unknown("older than the inbox remembers: it may have been applied before")
            contents.append(event.content)
        return self._handlers.apply(connection, contents)

    def _set_aside(self, event: Event, error: Exception, note: Note) -> str:
        """A message that failed, alone: let it wait for another try, or be a dead letter."""
        dead = isinstance(error, Unknown) or self._settings.inbox_attempts <= 1
        with self._engine.begin() as connection:
            if not self._mark(connection, [event.message]):
                return DUPLICATE
            if dead:
                retries.bury(connection, self.consumer, event.message, 1, _reason(error))
            else:
                wait, reason = self._settings.backoff(1), _reason(error)
                parked = (connection, self.consumer, event.message, event.aggregate)
                retries.park(*parked, attempts=1, wait=wait, reason=reason)
            note(connection, 1)
        self._knows.waiting = True
        _failed(event.message, 1, error, dead=dead)
        return DEAD if dead else FAILED

    def _try_again(self, position: int) -> bool:
        """Try one waiting message; whether it waits no longer."""
        attempts, event = 0, None
        try:
            with self._handlers.around(), self._engine.begin() as connection:
                row = retries.lock(connection, position)
                if row is None:
                    return False
                attempts = row.attempts + 1
                message = Incoming(
                    row.message_id, row.subject, 0, row.payload.encode(), row.headers
                )
                event = _event(message)
                with self._processing(event):
                    results = self._apply(connection, [event])
                retries.remove(connection, position)
            _count([event], results)
            return True
        except Exception as error:
            if event is None or _is_ours(error):
                raise
            return self._fail_again(position, event, attempts, error)

    def _fail_again(self, position: int, event: Event, attempts: int, error: Exception) -> bool:
        dead = isinstance(error, Unknown) or attempts >= self._settings.inbox_attempts
        with self._engine.begin() as connection:
            if retries.lock(connection, position) is None:
                return False
            reason = _reason(error)
            if dead:
                retries.bury(connection, self.consumer, event.message, attempts, reason)
                retries.remove(connection, position)
            else:
                wait = self._settings.backoff(attempts)
                retries.postpone(connection, position, attempts, wait, reason)
        _failed(event.message, attempts, error, dead=dead)
        return dead

    def _processing(self, event: Event) -> AbstractContextManager[Any]:
        return tracing.processing(self._about(event), self.consumer)

    def _about(self, event: Event) -> tracing.About:
        message = event.message
        return tracing.About(
            self.system, message.subject, message.partition, message.id, message.headers
        )


def _is_ours(error: Exception) -> bool:
    """Whether the message is not to blame: the database is down, or the partition was taken."""
    if isinstance(error, sa.exc.TimeoutError | LeaseLost):
        return True
    return isinstance(error, sa.exc.DBAPIError) and (
        error.connection_invalidated or error.statement is None
    )


def _groups(events: Sequence[Event], most: int) -> Iterator[list[Event]]:
    """`events` in order: runs of those that may share a transaction, and single ones."""
    run: list[Event] = []
    for event in events:
        if run and (not event.together or len(run) == most):
            yield run
            run = []
        if event.together:
            run.append(event)
        else:
            yield [event]
    if run:
        yield run


def _event(message: Incoming) -> Event:
    try:
        content = json.loads(message.body)
        if content["specversion"] != "1.0":
            content = None
    except (ValueError, KeyError, TypeError):
        content = None
    if content is None:
        return Event(message, None, f"? {message.id}")
    parts = [str(content.get(name, "")) for name in ("source", "aggregate", "subject")]
    key = " ".join(parts)
    # Where the column is bounded; equal keys stay equal, which is all that order needs.
    return Event(
        message, content, key if len(key) < 200 else f"{key[:180]} {sha1(key.encode()).hexdigest()}"
    )


def _age(content: dict[str, Any]) -> float:
    try:
        return clock.age(dt.datetime.fromisoformat(content["time"]))
    except (KeyError, ValueError, TypeError):
        return 0.0


def _count(group: Sequence[Event], results: Sequence[str]) -> None:
    for result, number in Counter(results).items():
        if result != WAITING:
            _processed.add(number, {attributes.RESULT: result})
    told = _log.isEnabledFor(logging.INFO)
    for event, result in zip(group, results, strict=True):
        if event.content is not None and result != DUPLICATE:
            _lag.record(_age(event.content))
        if told:
            message = event.message
            fields = {"message_id": message.id, "subject": message.subject, "result": result}
            _log.info("message processed", extra=fields)


def _failed(message: Incoming, attempt: int, error: Exception, *, dead: bool) -> None:
    _processed.add(1, {attributes.RESULT: DEAD if dead else FAILED})
    fields = {"message_id": message.id, "attempt": attempt, "reason": _reason(error)}
    if dead:
        _log.error("message is dead", extra=fields)
    else:
        _log.warning("message failed", extra=fields)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:4000]
