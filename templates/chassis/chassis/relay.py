"""Carries the outbox to the broker: in order for each aggregate, at least once.

A batch is one transaction: lock the heads, publish, mark. Whoever holds an aggregate's lowest
pending row holds the aggregate, so several relays share the load. A relay that dies between
publishing and marking publishes again; the message id lets broker and inbox drop the second.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import psycopg
import sqlalchemy as sa
from opentelemetry import metrics
from sqlalchemy import Connection, Engine, Row

from chassis import attributes, tracing
from chassis.broker import Broker, BrokerUnavailable, Outgoing, Rejected
from chassis.schema import CHANNEL
from chassis.settings import Settings

_log = logging.getLogger("chassis.relay")
_meter = metrics.get_meter("chassis")
_published = _meter.create_counter(attributes.OUTBOX_PUBLISHED, unit="{message}")
_failed = _meter.create_counter(attributes.OUTBOX_FAILED, unit="{message}")
_pending_now = _meter.create_gauge(attributes.OUTBOX_PENDING, unit="{message}")
_oldest = _meter.create_gauge(attributes.OUTBOX_OLDEST_AGE, unit="s")
_dead_now = _meter.create_gauge(attributes.OUTBOX_DEAD, unit="{message}")

_PER_AGGREGATE = 50
_PRUNE_LOCK = 0x6D696772
_PRUNE_BATCH = 5_000
_OBSERVE_SECONDS, _PRUNE_SECONDS = 5.0, 60.0

_HEADS = sa.text("""
SELECT d.aggregatetype, d.aggregateid FROM outbox_delivery d
WHERE d.state = 'pending' AND d.next_attempt_at <= now() AND NOT EXISTS (
  SELECT 1 FROM outbox_delivery e
  WHERE e.aggregatetype = d.aggregatetype AND e.aggregateid = d.aggregateid
    AND e.state = 'pending' AND e.sequence < d.sequence)
ORDER BY d.next_attempt_at LIMIT :batch FOR UPDATE OF d SKIP LOCKED
""")
_MESSAGES = sa.text("""
SELECT o.id, o.aggregatetype, o.aggregateid, o.subject, o.payload, o.traceparent, o.tracestate,
       d.attempts
FROM unnest(CAST(:types AS text[]), CAST(:ids AS text[])) AS h(kind, key)
CROSS JOIN LATERAL (
  SELECT e.id, e.sequence, e.attempts FROM outbox_delivery e
  WHERE e.aggregatetype = h.kind AND e.aggregateid = h.key AND e.state = 'pending'
  ORDER BY e.sequence LIMIT :limit) AS d
JOIN outbox o ON o.id = d.id
ORDER BY o.aggregatetype, o.aggregateid, d.sequence
""")
_MARK = sa.text("""
UPDATE outbox_delivery SET state = 'published', published_at = now(), reason = NULL
WHERE id = ANY(CAST(:ids AS uuid[]))
""")
_FAIL = sa.text("""
UPDATE outbox_delivery SET attempts = attempts + 1, reason = :reason,
  next_attempt_at = now() + make_interval(secs => :wait),
  state = CASE WHEN attempts + 1 >= :most THEN 'dead' ELSE 'pending' END
WHERE id = :id
""")
_OBSERVE = sa.text("""
SELECT count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = 'dead'),
  coalesce(extract(epoch FROM now() - min(created_at) FILTER (WHERE state = 'pending')), 0)
FROM outbox_delivery WHERE state <> 'published'
""")
_PRUNE = sa.text("""
WITH gone AS (
  DELETE FROM outbox_delivery WHERE id IN (
    SELECT id FROM outbox_delivery
    WHERE state = 'published' AND published_at < now() - make_interval(secs => :age)
    LIMIT :batch) RETURNING id)
DELETE FROM outbox WHERE id IN (SELECT id FROM gone)
""")


@dataclass
class Outcome:
    """What became of a batch."""

    published: list[Row[Any]]
    rejected: list[tuple[Row[Any], str]]
    unavailable: BrokerUnavailable | None = None


class Relay:
    """One relay over one database and one broker."""

    def __init__(self, engine: Engine, broker: Broker, settings: Settings) -> None:
        self._engine = engine
        self._broker = broker
        self._settings = settings

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; whatever is down is tried again."""
        tasks = [asyncio.create_task(self._observe()), asyncio.create_task(self._prune())]
        failures = 0
        try:
            while not stop.is_set():
                try:
                    found = await self.step()
                    failures = 0
                    if not found:
                        await self._wait(stop)
                except (BrokerUnavailable, sa.exc.DBAPIError) as error:
                    failures += 1
                    _log.warning("relay waits", extra={"reason": repr(error), "failures": failures})
                    await _sleep(self._settings.backoff(failures), stop)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def step(self) -> int:
        """Publish one batch; how many rows were due."""
        connection = await asyncio.to_thread(self._engine.connect)
        try:
            rows = await asyncio.to_thread(self._claim, connection)
            outcome = await self._publish(rows)
            await asyncio.to_thread(self._mark, connection, outcome)
        finally:
            await asyncio.to_thread(connection.close)
        if outcome.unavailable is not None:
            raise outcome.unavailable
        return len(rows)

    def _claim(self, connection: Connection) -> list[Row[Any]]:
        heads = connection.execute(_HEADS, {"batch": self._settings.batch}).all()
        if not heads:
            return []
        parameters = {
            "types": [head.aggregatetype for head in heads],
            "ids": [head.aggregateid for head in heads],
            "limit": _PER_AGGREGATE,
        }
        return list(connection.execute(_MESSAGES, parameters))

    async def _publish(self, rows: list[Row[Any]]) -> Outcome:
        outcome = Outcome([], [])
        chains = groupby(rows, key=lambda row: (row.aggregatetype, row.aggregateid))
        await asyncio.gather(*(self._chain(list(chain), outcome) for _, chain in chains))
        return outcome

    async def _chain(self, rows: list[Row[Any]], outcome: Outcome) -> None:
        """One aggregate's messages: the next only once the broker has the one before."""
        for row in rows:
            try:
                await self._send(row)
            except Rejected as error:
                outcome.rejected.append((row, str(error)))
                return
            except BrokerUnavailable as error:
                outcome.unavailable = error
                return
            outcome.published.append(row)

    async def _send(self, row: Row[Any]) -> None:
        written = {"traceparent": row.traceparent, "tracestate": row.tracestate}
        carrier = {name: value for name, value in written.items() if value}
        body = json.dumps(row.payload, separators=(",", ":")).encode()
        with tracing.publishing(row.subject, str(row.id), carrier) as headers:
            await self._broker.publish(Outgoing(str(row.id), row.subject, body, headers))

    def _mark(self, connection: Connection, outcome: Outcome) -> None:
        if outcome.published:
            connection.execute(_MARK, {"ids": [str(row.id) for row in outcome.published]})
        for row, reason in outcome.rejected:
            parameters = {
                "id": row.id,
                "reason": reason,
                "wait": self._settings.backoff(row.attempts + 1),
                "most": self._settings.relay_attempts,
            }
            connection.execute(_FAIL, parameters)
            _log.error("message refused", extra={"message_id": str(row.id), "reason": reason})
        connection.commit()
        _published.add(len(outcome.published))
        _failed.add(len(outcome.rejected))

    async def _wait(self, stop: asyncio.Event) -> None:
        """Until something is appended, or the polling floor."""
        waits = {asyncio.create_task(stop.wait()), asyncio.create_task(self._notified())}
        _, left = await asyncio.wait(
            waits, timeout=self._settings.poll, return_when=asyncio.FIRST_COMPLETED
        )
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _notified(self) -> None:
        # Only a wake-up: behind a pooler LISTEN may fail, and polling does the work.
        try:
            connection = await psycopg.AsyncConnection.connect(
                _plain(self._engine), autocommit=True
            )
        except psycopg.Error:
            await asyncio.sleep(self._settings.poll)
            return
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}".encode())
            # Something may have committed before we listened.
            due = await connection.execute(
                "SELECT 1 FROM outbox_delivery WHERE state = 'pending'"
                " AND next_attempt_at <= now() LIMIT 1"
            )
            if await due.fetchone():
                # Another relay may hold it, so not at once.
                await asyncio.sleep(min(0.02, self._settings.poll))
                return
            async for _ in connection.notifies(timeout=self._settings.poll, stop_after=1):
                return

    async def _observe(self) -> None:
        while True:
            with suppress(sa.exc.DBAPIError):
                pending, dead, age = await asyncio.to_thread(self._one, _OBSERVE)
                _pending_now.set(pending)
                _dead_now.set(dead)
                _oldest.set(float(age))
            await asyncio.sleep(_OBSERVE_SECONDS)

    def _one(self, statement: sa.TextClause) -> Row[Any]:
        with self._engine.connect() as connection:
            return connection.execute(statement).one()

    async def _prune(self) -> None:
        while True:
            with suppress(sa.exc.DBAPIError):
                while await asyncio.to_thread(self.prune_once) == _PRUNE_BATCH:
                    await asyncio.sleep(0)
            await asyncio.sleep(_PRUNE_SECONDS)

    def prune_once(self) -> int:
        """Delete one batch of what was published long ago, unless another relay does; how many."""
        with self._engine.begin() as connection:
            lock = sa.select(sa.func.pg_try_advisory_xact_lock(_PRUNE_LOCK))
            if not connection.execute(lock).scalar_one():
                return 0
            age = {"age": self._settings.outbox_retention, "batch": _PRUNE_BATCH}
            return connection.execute(_PRUNE, age).rowcount


def _plain(engine: Engine) -> str:
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
