"""Applies messages once: the inbox rows and the handlers' effects are one transaction.

Copied rows may do without: their versions make once of twice, and their inbox rows follow.

Messages come in the order of their partition's log; `grouping` says which share a transaction.
When one of many changes fails, they are applied one by one. A served function that fails in a
transaction of many is undone to its savepoint, and spares the others. A message that fails is
decided all the same: its inbox row commits together with its row in `inbox_retry`, so whoever else
holds the message sees a duplicate, and whatever follows it in its aggregate waits behind it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from chassis import clock, dialects, grouping, outcomes, retries, tracing, transaction
from chassis.blame import is_conflict, is_ours
from chassis.brokers.port import Incoming
from chassis.grouping import Event, Grouping
from chassis.handlers import Handlers, Unknown
from chassis.manifest import Manifest
from chassis.outcomes import DEAD, DUPLICATE, FAILED, WAITING
from chassis.schema import inbox
from chassis.settings import Settings

_log = logging.getLogger("chassis.inbox")
# What undoes one of several in a transaction.
Guard = Callable[[Connection], AbstractContextManager[None]]
# Runs in a transaction that decides messages: the first so many of the batch, with those before.
Note = Callable[[Connection, int], None]


def _nothing(_: Connection, __: int) -> None:
    """The note of who has none."""


def _never() -> bool:
    return False


def _after(before: int, note: Note) -> Note:
    return lambda connection, decided: note(connection, before + decided)


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
        self._engine, self._passing = engine, dialects.passing(engine)
        self._single = self._passing.execution_options(isolation_level="AUTOCOMMIT")
        self._settings = settings
        self._handlers = Handlers(manifest, around)
        self._grouping = Grouping()
        self.system = system
        # What one call of `process` knows; the web process has several threads.
        self._knows = threading.local()

    def process(
        self,
        messages: Sequence[Incoming],
        note: Note = _nothing,
        halt: Callable[[], bool] = _never,
        anew: bool = True,
    ) -> list[str]:
        """Decide `messages`, which are in order; what became of each, up to where `halt` was true.

        `anew` says that others may have had messages wait since the last call of this thread: else
        we would have seen theirs, as duplicates.
        `note` runs in every transaction. Raises what it raises, and what the database raises when
        it is down: then the messages must be given again.
        """
        if not messages:
            return []
        if anew:
            self._knows.waiting = None
        events = [grouping.read(message) for message in messages]
        results: list[str] = []
        while len(results) < len(events) and not halt():
            group = self._grouping.first(events[len(results) :], self._settings.batch)
            results.extend(self._decide(group, _after(len(results), note)))
        return results

    def retry(self, halt: Callable[[], bool] = _never) -> int:
        """Try what waits and is due, an aggregate's messages in order; how many were decided."""
        done = 0
        self._knows.waiting = None
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

    def replay(self, identities: Sequence[str] = ()) -> dict[str, str]:
        """Apply dead letters, all or those named; of each what became of it, or why it failed.

        One that fails stays a letter. Raises what the database raises when it is down.
        """
        with self._engine.begin() as connection:
            found = retries.letters(connection, self.consumer, identities)
        results = {}
        for identity in found:
            try:
                with self._handlers.around(), self._engine.begin() as connection:
                    message = retries.take_letter(connection, self.consumer, identity)
                    if message is not None:
                        event = grouping.read(message)
                        [results[identity]] = self._apply(connection, [event], replayed=True)
            except Exception as error:
                if is_ours(error):
                    raise
                results[identity] = outcomes.reason(error)
        return results

    def _decide(self, group: list[Event], note: Note) -> list[str]:
        """Decide `group` or, of served functions, its beginning; what became of each."""
        if len(group) > 1:
            try:
                return (self._in_turn if group[0].function else self._at_once)(group, note)
            except Exception as error:
                if is_ours(error):
                    raise
                _log.info("apply one by one", extra={"reason": outcomes.reason(error)})
            return [
                self._decide([event], _after(before, note))[0] for before, event in enumerate(group)
            ]
        [event] = group
        with self._processing(event) as span:
            try:
                return self._in_one(group, note)
            except Exception as error:
                if is_ours(error):
                    raise
                span.record_exception(error)
                return [self._decide_failed(event, error, note)]

    def _decide_failed(self, event: Event, error: Exception, note: Note) -> str:
        with self._engine.begin() as connection:
            if not self._mark(connection, [event.message]):
                # It has ended the transaction itself, or another inbox was faster.
                fields = {"message_id": event.message.id, "reason": outcomes.reason(error)}
                _log.warning("message failed once it was committed", extra=fields)
                return DUPLICATE
            result = self._set_aside(connection, event, error)
            note(connection, 1)
        self._tell_failure(event, result, error)
        return result

    def _at_once(self, group: list[Event], note: Note) -> list[str]:
        """All of `group` with the same few statements."""
        with tracing.batch(self.consumer, [self._about(event) for event in group]):
            return self._in_one(group, note)

    def _in_one(self, group: list[Event], note: Note) -> list[str]:
        again = all(event.comes_again for event in group)
        if again and self._are_copied(group):
            return self._copy(group, note)
        results, ready = [], []
        # What is read again, and does the same then, need not wait for the disk.
        engine = self._passing if again else self._engine
        with self._handlers.around(), engine.begin() as connection:
            fresh, held = self._meet(connection, group)
            for event in group:
                results.append(self._known(connection, event, fresh, held))
                if not results[-1]:
                    ready.append(event)
            applied = iter(self._apply(connection, ready))
            results = [result or next(applied) for result in results]
            note(connection, len(group))
        outcomes.count(group, results)
        return results

    def _are_copied(self, group: list[Event]) -> bool:
        """Whether nothing waits that `group` must not overtake, and a statement writes it."""
        dialect = self._engine.dialect
        return self._knows.waiting is False and all(
            event.content is not None and self._handlers.copies(event.content, dialect)
            for event in group
        )

    def _copy(self, group: list[Event], note: Note) -> list[str]:
        """Two statements, without a transaction around them: a copy is the same however often its
        version is written, so the inbox rows may come after it."""
        with self._handlers.around(), self._single.connect() as connection:
            applied = self._apply(connection, group)
            fresh = self._mark(connection, (event.message for event in group))
            note(connection, len(group))
        if len(fresh) < len(group):
            self._knows.waiting = None
        results = []
        for event, result in zip(group, applied, strict=True):
            results.append(result if event.message.id in fresh else DUPLICATE)
            fresh.discard(event.message.id)
        outcomes.count(group, results)
        return results

    def _in_turn(self, group: list[Event], note: Note) -> list[str]:
        """One after the other in one transaction, until one shall not share it."""
        if self._grouping.trusts(group):
            try:
                return self._share(group, note, transaction.trusted)
            except transaction.NeedsSavepoint as error:
                _log.info("apply with savepoints", extra={"reason": repr(error.__cause__)})
        return self._share(group, note, transaction.savepoint)

    def _share(self, group: list[Event], note: Note, guard: Guard) -> list[str]:
        results: list[str] = []
        failures: dict[int, Exception] = {}
        with self._engine.begin() as connection:
            fresh, held = self._meet(connection, group)
            with transaction.shared(connection):
                began = time.monotonic()
                for number, event in enumerate(group):
                    # The first in any case: else a slow database would never get on.
                    if number and not self._grouping.goes_on(event, time.monotonic() - began):
                        break
                    result = self._known(connection, event, fresh, held)
                    try:
                        result = result or self._guarded(connection, event, guard)
                    except transaction.NeedsItsOwn:
                        fresh.add(event.message.id)
                        break
                    except Exception as error:
                        if is_ours(error) or is_conflict(error):
                            raise
                        failures[number] = error
                        result = self._set_aside(connection, event, error)
                        if result == FAILED:
                            held.add(event.aggregate)
                    results.append(result)
            self._unmark(connection, fresh)
            if results:
                note(connection, len(results))
        outcomes.count(group[: len(results)], results)
        for number, failure in failures.items():
            self._tell_failure(group[number], results[number], failure)
        return results

    def _guarded(self, connection: Connection, event: Event, guard: Guard) -> str:
        undone = True
        with self._processing(event) as span:
            try:
                with self._handlers.around(), guard(connection):
                    result = self._apply(connection, [event])[0]
                undone = transaction.was_undone()
                return result
            except Exception as error:
                span.record_exception(error)
                raise
            finally:
                self._grouping.went(event, undone=undone)

    def _meet(self, connection: Connection, group: list[Event]) -> tuple[set[str], set[str]]:
        """Mark all as decided; ids of those that were not, and aggregates that wait."""
        fresh = self._mark(connection, (event.message for event in group))
        if len(fresh) < len(group):
            # Who decided the others may have set them aside.
            self._knows.waiting = True
        return fresh, self._held_up(connection, group)

    def _known(self, connection: Connection, event: Event, fresh: set[str], held: set[str]) -> str:
        """What becomes of a duplicate, or of what comes behind a waiting one; else empty."""
        if event.message.id not in fresh:
            return DUPLICATE
        fresh.remove(event.message.id)
        if event.aggregate not in held:
            return ""
        retries.park(connection, self.consumer, event.message, event.aggregate)
        return WAITING

    def _mark(self, connection: Connection, messages: Iterable[Incoming]) -> set[str]:
        moment = clock.now()
        rows = [
            {"consumer": self.consumer, "message_id": message.id, "received_at": moment}
            for message in messages
        ]
        return dialects.insert_new(connection, inbox, rows, inbox.c.message_id)

    def _unmark(self, connection: Connection, identities: set[str]) -> None:
        if identities:
            mine = (inbox.c.consumer == self.consumer, inbox.c.message_id.in_(identities))
            connection.execute(sa.delete(inbox).where(*mine))

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
            if not replayed and event.age > self._settings.inbox_retention:
                raise Unknown("older than the inbox remembers: it may have been applied before")
            contents.append(event.content)
        began = time.monotonic()
        try:
            return self._handlers.apply(connection, contents)
        finally:
            if len(events) == 1:
                alone = transaction.was_alone()
                self._grouping.ran(events[0], time.monotonic() - began, alone=alone)

    def _set_aside(self, connection: Connection, event: Event, error: Exception) -> str:
        """A message that failed the first time: let it wait for another try, or be dead."""
        message, reason = event.message, outcomes.reason(error)
        if isinstance(error, Unknown) or self._settings.inbox_attempts <= 1:
            retries.bury(connection, self.consumer, message, 1, reason)
            return DEAD
        parked = (connection, self.consumer, message, event.aggregate)
        retries.park(*parked, attempts=1, wait=self._settings.backoff(1), reason=reason)
        return FAILED

    def _tell_failure(self, event: Event, result: str, error: Exception) -> None:
        self._knows.waiting = True
        outcomes.failed(event.message, 1, error, dead=result == DEAD)

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
                event = grouping.read(message)
                with self._processing(event):
                    results = self._apply(connection, [event])
                retries.remove(connection, position)
            outcomes.count([event], results)
            return True
        except Exception as error:
            if event is None or is_ours(error):
                raise
            return self._fail_again(position, event, attempts, error)

    def _fail_again(self, position: int, event: Event, attempts: int, error: Exception) -> bool:
        dead = isinstance(error, Unknown) or attempts >= self._settings.inbox_attempts
        with self._engine.begin() as connection:
            if retries.lock(connection, position) is None:
                return False
            reason = outcomes.reason(error)
            if dead:
                retries.bury(connection, self.consumer, event.message, attempts, reason)
                retries.remove(connection, position)
            else:
                wait = self._settings.backoff(attempts)
                retries.postpone(connection, position, attempts, wait, reason)
        outcomes.failed(event.message, attempts, error, dead=dead)
        return dead

    def _processing(self, event: Event) -> AbstractContextManager[Any]:
        return tracing.processing(self._about(event), self.consumer)

    def _about(self, event: Event) -> tracing.About:
        message = event.message
        return tracing.About(
            self.system, message.subject, message.partition, message.id, message.headers
        )
