"""Deletes what is no longer needed, in batches, by one process at a time."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from chassis import clock, dialects
from chassis.schema import inbox, outbox, outbox_dead_letter, outbox_delivery, replica_tombstone
from chassis.settings import Settings

_log = logging.getLogger("chassis.cleanup")
_OUTBOX_LOCK, _INBOX_LOCK = 0x6D696772, 0x6D696773
_BATCH = 5_000
_PAUSE_SECONDS = 30.0


def is_needed() -> sa.ColumnElement[bool]:
    """Whether a row of the outbox waits, or has a dead letter that may be replayed."""
    # Not IN: with more of them than fit its memory, PostgreSQL reads all for each row.
    waits = sa.exists().where(outbox_delivery.c.id == outbox.c.id)
    return waits | sa.exists().where(outbox_dead_letter.c.id == outbox.c.id)


def outbox_batch(connection: Connection, settings: Settings) -> int:
    """Delete one batch of what was published long ago; how many rows, 0 if another is at it."""
    with dialects.elected(connection, _OUTBOX_LOCK) as elected:
        return _forget_published(connection, settings) if elected else 0


def inbox_batch(connection: Connection, settings: Settings) -> int:
    """Forget one batch of messages that cannot come again; how many, 0 if another is at it."""
    before = clock.ahead(-settings.inbox_retention)
    with dialects.elected(connection, _INBOX_LOCK) as elected:
        if not elected:
            return 0
        return max(_forget_applied(connection, before), _forget_graves(connection, before))


def _forget_published(connection: Connection, settings: Settings) -> int:
    old = (
        sa.select(outbox.c.id)
        .where(outbox.c.created_at < clock.ahead(-settings.outbox_retention))
        .where(~is_needed())
        .order_by(outbox.c.created_at)
        .limit(_BATCH)
    )
    found = connection.execute(old).scalars().all()
    if found:
        connection.execute(sa.delete(outbox).where(outbox.c.id.in_(found)))
    return len(found)


def _forget_applied(connection: Connection, before: dt.datetime) -> int:
    keys = sa.select(inbox.c.consumer, inbox.c.message_id).where(inbox.c.received_at < before)
    found = connection.execute(keys.order_by(inbox.c.received_at).limit(_BATCH)).all()
    by_consumer: dict[str, list[str]] = {}
    for consumer, identity in found:
        by_consumer.setdefault(consumer, []).append(identity)
    for consumer, identities in by_consumer.items():
        same = (inbox.c.consumer == consumer, inbox.c.message_id.in_(identities))
        connection.execute(sa.delete(inbox).where(*same))
    return len(found)


def _forget_graves(connection: Connection, before: dt.datetime) -> int:
    grave = replica_tombstone.c
    keys = list(replica_tombstone.primary_key.columns)
    old = sa.select(*keys).where(grave.deleted_at < before).limit(_BATCH)
    found = connection.execute(old).all()
    if found:
        same = sa.tuple_(*keys).in_([tuple(row) for row in found])
        connection.execute(sa.delete(replica_tombstone).where(same))
    return len(found)


async def keep_clean(
    engine: Engine, settings: Settings, batch: Callable[[Connection, Settings], int]
) -> None:
    """Delete batch after batch while there are full ones, then pause; until cancelled."""

    def once() -> int:
        with engine.begin() as connection:
            return batch(connection, settings)

    while True:
        try:
            while await asyncio.to_thread(once) == _BATCH:
                await asyncio.sleep(0)
        except sa.exc.SQLAlchemyError as error:
            _log.warning("nothing is cleaned up", extra={"reason": repr(error)})
        await asyncio.sleep(_PAUSE_SECONDS)
