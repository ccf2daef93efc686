"""Applies messages once: the inbox row and the handler's effects are one transaction.

Messages are worked off one after the other in the order of the stream. One that fails is tried
again in place, so that nothing overtakes it, and then set aside as a dead letter.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from typing import Any

import sqlalchemy as sa
from opentelemetry import metrics
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert

from chassis import attributes, tracing
from chassis.broker import Broker, BrokerUnavailable, Consumer, Incoming
from chassis.handlers import Handlers, Unknown
from chassis.manifest import Manifest
from chassis.outbox import change_subject, token
from chassis.schema import inbox, inbox_dead_letter
from chassis.settings import Settings

_log = logging.getLogger("chassis.inbox")
_meter = metrics.get_meter("chassis")
_processed = _meter.create_counter(attributes.INBOX_PROCESSED, unit="{message}")
_dead = _meter.create_counter(attributes.INBOX_DEAD, unit="{message}")
_lag = _meter.create_histogram(attributes.INBOX_LAG, unit="s")

_FETCH_SECONDS, _WORKING_SECONDS, _PRUNE_SECONDS = 1.0, 15.0, 600.0
_PRUNE_BATCH = 5_000
DUPLICATE = "duplicate"


def subjects(manifest: Manifest) -> list[str]:
    """What the service listens to: rows that it copies, and requests to itself."""
    copies = {change_subject(owner, table) for table, owner in manifest.replicas.items()}
    return [*sorted(copies), f"requests.{token(manifest.name)}.>"]


class Processor:
    """Applies single messages; synchronous, as the carved code is."""

    def __init__(
        self,
        manifest: Manifest,
        engine: Engine,
        around: Callable[[], AbstractContextManager[object]] | None = None,
    ) -> None:
        self._manifest = manifest
        self._engine = engine
        self._handlers = Handlers(manifest, around)

    def process(self, identity: str, subject: str, body: bytes, headers: dict[str, str]) -> str:
        """Apply one message; how it went. Whatever it raises has left nothing behind."""
        consumer = self._manifest.name
        with tracing.processing(subject, identity, headers, consumer):
            event = _event(body)
            result = self._apply(identity, event)
            _processed.add(1, {attributes.RESULT: result})
            _record_lag(event)
            fields = {"message_id": identity, "subject": subject, "result": result}
            _log.info("message processed", extra=fields)
            return result

    def bury(
        self, identity: str, subject: str, body: bytes, headers: dict[str, str], reason: str
    ) -> None:
        """Set a message aside, for people to look at and to replay."""
        try:
            payload = json.loads(body)
        except ValueError:
            payload = {"unreadable": body.decode("utf-8", "replace")}
        row = {
            "consumer": self._manifest.name,
            "message_id": identity,
            "subject": subject,
            "payload": payload,
            "traceparent": headers.get("traceparent"),
            "reason": reason,
        }
        with self._engine.begin() as connection:
            connection.execute(insert(inbox_dead_letter).values(row).on_conflict_do_nothing())
        _dead.add(1)

    def replay(self, identities: list[str]) -> int:
        """Apply dead letters, all or those named; how many were applied."""
        letter = inbox_dead_letter.c
        query = sa.select(inbox_dead_letter).where(letter.consumer == self._manifest.name)
        if identities:
            query = query.where(letter.message_id.in_(identities))
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(letter.dead_at)).all()
        for row in rows:
            headers = {"traceparent": row.traceparent} if row.traceparent else {}
            body = json.dumps(row.payload).encode()
            self.process(row.message_id, row.subject, body, headers)
            with self._engine.begin() as connection:
                connection.execute(
                    sa.delete(inbox_dead_letter).where(
                        letter.consumer == row.consumer, letter.message_id == row.message_id
                    )
                )
        return len(rows)

    def prune_once(self, age: float) -> int:
        """Forget one batch of messages that cannot come again; how many."""
        old = sa.func.now() - sa.func.make_interval(0, 0, 0, 0, 0, 0, age)
        keys = sa.select(inbox.c.consumer, inbox.c.message_id).where(inbox.c.received_at < old)
        found = sa.tuple_(inbox.c.consumer, inbox.c.message_id)
        with self._engine.begin() as connection:
            gone = sa.delete(inbox).where(found.in_(keys.limit(_PRUNE_BATCH)))
            return connection.execute(gone).rowcount

    def _apply(self, identity: str, event: dict[str, Any]) -> str:
        with self._handlers.around(), self._engine.begin() as connection:
            row = {"consumer": self._manifest.name, "message_id": identity}
            first = insert(inbox).values(row).on_conflict_do_nothing()
            # Not by rowcount: of an INSERT SQLAlchemy does not keep it.
            if connection.execute(first.returning(inbox.c.message_id)).first() is None:
                return DUPLICATE
            return self._handlers.apply(connection, event)


class Inbox:
    """The consumer of one service."""

    def __init__(self, processor: Processor, broker: Broker, settings: Settings) -> None:
        self._processor = processor
        self._broker = broker
        self._settings = settings
        # One thread for all: the carved code's thread-local sessions stay in one place.
        self._thread = ThreadPoolExecutor(1, "inbox")

    async def run(self, manifest: Manifest, stop: asyncio.Event) -> None:
        """Work until `stop` is set; whatever is down is tried again."""
        consumer: Consumer | None = None
        failures = 0
        prune = asyncio.create_task(self._prune())
        try:
            while not stop.is_set():
                try:
                    if consumer is None:
                        consumer = await self._broker.consumer(
                            token(manifest.name), subjects(manifest)
                        )
                    for message in await consumer.fetch(_FETCH_SECONDS):
                        if stop.is_set():
                            return
                        await self._handle(message, stop)
                    failures = 0
                except BrokerUnavailable as error:
                    failures += 1
                    consumer = None
                    fields = {"reason": repr(error), "failures": failures}
                    _log.warning("inbox waits", extra=fields)
                    await _sleep(self._settings.backoff(failures), stop)
        finally:
            prune.cancel()
            await asyncio.gather(prune, return_exceptions=True)
            self._thread.shutdown()

    async def _handle(self, message: Incoming, stop: asyncio.Event) -> None:
        attempt = 0
        parts = (message.id, message.subject, message.body, message.headers)
        while not stop.is_set():
            try:
                await self._alive(message, self._in_thread(self._processor.process, *parts))
                break
            except Exception as error:
                if not _database_is_down(error):
                    attempt += 1
                reason = f"{type(error).__name__}: {error}"
                fields = {"message_id": message.id, "attempt": attempt, "reason": reason}
                _log.warning("message failed", extra=fields)
                if attempt >= self._settings.inbox_attempts or isinstance(error, Unknown):
                    with suppress(sa.exc.DBAPIError):
                        await self._in_thread(self._processor.bury, *parts, reason)
                        _log.error("message is dead", extra=fields)
                        break
                pause = _sleep(self._settings.backoff(max(attempt, 1)), stop)
                await self._alive(message, pause)
        else:
            # Stopped before it was done: it stays with the broker.
            return
        await message.ack()

    async def _in_thread(self, function: Any, *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)

    async def _alive(self, message: Incoming, work: Awaitable[Any]) -> Any:
        """Wait for `work`, keeping the broker from delivering the message anew."""
        task = asyncio.ensure_future(work)
        while True:
            done, _ = await asyncio.wait({task}, timeout=_WORKING_SECONDS)
            if done:
                return task.result()
            with suppress(BrokerUnavailable):
                await message.still_working()

    async def _prune(self) -> None:
        while True:
            with suppress(sa.exc.DBAPIError):
                age = self._settings.inbox_retention
                while await asyncio.to_thread(self._processor.prune_once, age) == _PRUNE_BATCH:
                    await asyncio.sleep(0)
            await asyncio.sleep(_PRUNE_SECONDS)


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except ValueError as error:
        raise Unknown(f"no JSON: {error}") from error
    if not isinstance(event, dict) or event.get("specversion") != "1.0":
        raise Unknown("no CloudEvent 1.0")
    return event


def _record_lag(event: dict[str, Any]) -> None:
    with suppress(KeyError, ValueError, TypeError):
        sent = dt.datetime.fromisoformat(event["time"])
        _lag.record(max(0.0, (dt.datetime.now(dt.UTC) - sent).total_seconds()))


def _database_is_down(error: Exception) -> bool:
    return isinstance(error, sa.exc.DBAPIError) and (
        error.connection_invalidated or error.statement is None
    )


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
