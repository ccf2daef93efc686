"""Messages that wait for another try, in the order of their aggregates, and dead letters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from chassis import clock, texts
from chassis.brokers.port import Incoming
from chassis.schema import inbox_dead_letter, inbox_retry

_retry, _letter = inbox_retry.c, inbox_dead_letter.c


def any_waiting(connection: Connection, consumer: str) -> bool:
    """Whether any message of `consumer` waits."""
    query = sa.select(_retry.position).where(_retry.consumer == consumer).limit(1)
    return connection.execute(query).first() is not None


def held_up(connection: Connection, consumer: str, aggregates: Iterable[str]) -> set[str]:
    """Those of `aggregates` of which a message waits."""
    query = sa.select(_retry.aggregate).distinct()
    found = query.where(_retry.consumer == consumer, _retry.aggregate.in_(set(aggregates)))
    return set(connection.execute(found).scalars())


def park(
    connection: Connection,
    consumer: str,
    message: Incoming,
    aggregate: str,
    *,
    attempts: int = 0,
    wait: float = 0.0,
    reason: str | None = None,
) -> None:
    """Let `message` wait, behind what waits of its aggregate."""
    row = {
        "consumer": consumer,
        "message_id": message.id,
        "aggregate": aggregate,
        "subject": message.subject,
        "payload": message.body.decode("utf-8", "replace"),
        "headers": dict(message.headers),
        "attempts": attempts,
        "next_attempt_at": clock.ahead(wait),
        "reason": reason,
        "created_at": clock.now(),
    }
    connection.execute(sa.insert(inbox_retry), row)


def due(connection: Connection, consumer: str, limit: int) -> Sequence[int]:
    """Positions of the messages that may be tried now: the first of their aggregates."""
    earlier = inbox_retry.alias("earlier")
    blocked = sa.exists().where(
        earlier.c.consumer == consumer,
        earlier.c.aggregate == _retry.aggregate,
        earlier.c.position < _retry.position,
    )
    query = (
        sa.select(_retry.position)
        .where(_retry.consumer == consumer, _retry.next_attempt_at <= clock.now(), ~blocked)
        .order_by(_retry.position)
        .limit(limit)
    )
    return connection.execute(query).scalars().all()


def lock(connection: Connection, position: int) -> sa.Row[Any] | None:
    """The waiting message for this transaction alone; None if another has it or it is gone."""
    query = sa.select(inbox_retry).where(_retry.position == position)
    return connection.execute(query.with_for_update(skip_locked=True)).first()


def remove(connection: Connection, position: int) -> None:
    """It waits no longer."""
    connection.execute(sa.delete(inbox_retry).where(_retry.position == position))


def postpone(connection: Connection, position: int, attempts: int, wait: float, why: str) -> None:
    """It failed again."""
    values = {"attempts": attempts, "next_attempt_at": clock.ahead(wait), "reason": why}
    connection.execute(sa.update(inbox_retry).where(_retry.position == position).values(values))


def bury(
    connection: Connection, consumer: str, message: Incoming, attempts: int, reason: str
) -> None:
    """Set `message` aside, for people to look at and to replay."""
    row = {
        "consumer": consumer,
        "message_id": message.id,
        "subject": message.subject,
        "payload": texts.as_json(message.body),
        "traceparent": message.headers.get("traceparent"),
        "attempts": attempts,
        "reason": reason,
        "dead_at": clock.now(),
    }
    connection.execute(sa.insert(inbox_dead_letter), row)


def letters(connection: Connection, consumer: str, identities: Sequence[str]) -> list[str]:
    """Ids of dead letters, all or those named, the oldest first."""
    query = sa.select(_letter.message_id).where(_letter.consumer == consumer)
    if identities:
        query = query.where(_letter.message_id.in_(identities))
    return list(connection.execute(query.order_by(_letter.dead_at)).scalars())


def take_letter(connection: Connection, consumer: str, identity: str) -> Incoming | None:
    """A dead letter as a message, taken from the letters; None if another transaction did."""
    same = (_letter.consumer == consumer, _letter.message_id == identity)
    row = connection.execute(sa.select(inbox_dead_letter).where(*same).with_for_update()).first()
    if row is None:
        return None
    connection.execute(sa.delete(inbox_dead_letter).where(*same))
    headers = {"traceparent": row.traceparent} if row.traceparent else {}
    return Incoming(row.message_id, row.subject, 0, texts.from_json(row.payload), headers)
