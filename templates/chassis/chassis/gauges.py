"""Gauges that are read from the tables now and then."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Mapping

import sqlalchemy as sa
from opentelemetry import metrics
from sqlalchemy import Column, Connection, Engine, Table

from chassis import attributes, cleanup, clock
from chassis.schema import (
    inbox,
    inbox_dead_letter,
    inbox_retry,
    outbox,
    outbox_dead_letter,
    outbox_delivery,
)
from chassis.settings import Settings

_log = logging.getLogger("chassis.gauges")
_SECONDS = 5.0
_MESSAGES, _AGE = "{message}", "s"
_UNITS = {
    attributes.OUTBOX_PENDING: _MESSAGES,
    attributes.OUTBOX_OLDEST_AGE: _AGE,
    attributes.OUTBOX_DEAD: _MESSAGES,
    attributes.OUTBOX_CLEANUP_LAG: _AGE,
    attributes.INBOX_RETRYING: _MESSAGES,
    attributes.INBOX_DEAD: _MESSAGES,
    attributes.INBOX_CLEANUP_LAG: _AGE,
}


def of_outbox(connection: Connection, settings: Settings) -> Mapping[str, float]:
    """What waits, how old the oldest is, what is dead, and how late the cleanup is."""
    return {
        attributes.OUTBOX_PENDING: _count(connection, outbox_delivery),
        attributes.OUTBOX_OLDEST_AGE: clock.age(_oldest_pending(connection)),
        attributes.OUTBOX_DEAD: _count(connection, outbox_dead_letter),
        attributes.OUTBOX_CLEANUP_LAG: _late(
            connection, outbox.c.created_at, settings.outbox_retention, ~cleanup.is_needed()
        ),
    }


def of_inbox(connection: Connection, settings: Settings) -> Mapping[str, float]:
    """What waits for another try, what is dead, and how late the cleanup is."""
    return {
        attributes.INBOX_RETRYING: _count(connection, inbox_retry),
        attributes.INBOX_DEAD: _count(connection, inbox_dead_letter),
        attributes.INBOX_CLEANUP_LAG: _late(
            connection, inbox.c.received_at, settings.inbox_retention
        ),
    }


async def keep_observed(engine: Engine, settings: Settings, role: str) -> None:
    """Set the gauges of `role` (relay or inbox) every few seconds, until cancelled.

    An inbox tells of the outbox as well: when the relay is not there, its messages wait unseen.
    """
    reads = (of_outbox,) if role == "relay" else (of_inbox, of_outbox)
    meter = metrics.get_meter("chassis")
    made = {name: meter.create_gauge(name, unit=unit) for name, unit in _UNITS.items()}

    def once() -> Mapping[str, float]:
        with engine.connect() as connection:
            found = [read(connection, settings) for read in reads]
        return {name: value for part in found for name, value in part.items()}

    while True:
        try:
            for name, value in (await asyncio.to_thread(once)).items():
                made[name].set(value)
        except sa.exc.SQLAlchemyError as error:
            _log.warning("gauges are not read", extra={"reason": repr(error)})
        await asyncio.sleep(_SECONDS)


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def _oldest_pending(connection: Connection) -> dt.datetime | None:
    queue = outbox_delivery.c
    first = sa.select(queue.created_at).order_by(queue.position).limit(1)
    return connection.execute(first).scalar()


def _late(
    connection: Connection,
    column: Column[dt.datetime],
    retention: float,
    *those: sa.ColumnElement[bool],
) -> float:
    old = sa.select(column).where(column < clock.ahead(-retention), *those)
    oldest = connection.execute(old.order_by(column).limit(1)).scalar()
    return max(0.0, clock.age(oldest) - retention)
