"""The outbox' queue: what is to be published next, and what became of it.

Pages walk a partition by position and begin anew every so often, so a row that becomes visible
late, or whose time comes again, is met in the next round: nothing is skipped. A row whose
predecessor in its aggregate still waits behind the page's beginning is `held`.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import ARRAY

from chassis import clock, dialects
from chassis.schema import outbox, outbox_dead_letter, outbox_delivery

_queue = outbox_delivery.c
_SHORTS, _LONGS = ARRAY(sa.SmallInteger), ARRAY(sa.BigInteger)


class Entry(NamedTuple):
    """One message of the queue."""

    position: int
    partition: int
    id: uuid.UUID
    aggregate: tuple[str, str]
    attempts: int
    next_attempt_at: dt.datetime | None
    held: bool
    subject: str
    body: bytes
    trace: Mapping[str, str]

    def is_due(self, now: dt.datetime) -> bool:
        """Whether it may be tried now."""
        return self.next_attempt_at is None or clock.aware(self.next_attempt_at) <= now


def page(
    connection: Connection, after: Mapping[int, int], each: int, known: Sequence[int] = ()
) -> list[Entry]:
    """The next rows behind the given position of each partition, at most `each` of one.

    Those with a position among `known` are passed over, as if they were no more in the queue.
    """
    if not after:
        return []
    if connection.dialect.name == "postgresql":
        given = {"partitions": list(after), "positions": list(after.values()), "each": each}
        rows = connection.execute(_page_of_postgresql(), {**given, "known": known})
    else:
        new = _queue.position.not_in(known)
        parts = [sa.select(_next(*place, each, new).subquery()) for place in sorted(after.items())]
        body = sa.type_coerce(outbox.c.payload, sa.Text)
        due = sa.union_all(*parts).subquery("due")
        rows = connection.execute(_with_messages(due, due, body))
    return [_entry(row) for row in rows.all()]


@cache
def _page_of_postgresql() -> sa.Select[Any]:
    """Made once for all partitions: else making and planning it takes longer than the rest."""
    given = (sa.bindparam("partitions", type_=_SHORTS), sa.bindparam("positions", type_=_LONGS))
    place = sa.func.unnest(*given).table_valued("partition", "position").render_derived("place")
    each = sa.bindparam("each", type_=sa.Integer)
    new = _queue.position != sa.func.all(sa.bindparam("known", type_=_LONGS))
    rows = _next(place.c.partition, place.c.position, each, new).correlate(place).lateral("due")
    body = sa.cast(outbox.c.payload, sa.Text)
    return _with_messages(rows, sa.join(place, rows, sa.true()), body)


def _next(partition: Any, position: Any, each: Any, new: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """The next rows of one partition."""
    after = sa.literal(position, sa.BigInteger) if isinstance(position, int) else position
    earlier = outbox_delivery.alias("earlier")
    before = (
        sa.select(earlier.c.position)
        .correlate_except(earlier)
        .where(
            after > 0,
            earlier.c.aggregatetype == _queue.aggregatetype,
            earlier.c.aggregateid == _queue.aggregateid,
            earlier.c.sequence == _queue.sequence - 1,
            earlier.c.position <= after,
        )
        # With EXISTS, PostgreSQL reads all that is before the page to have an answer for each row.
        .limit(1)
        .scalar_subquery()
    )
    columns = (_queue.position, _queue.partition, _queue.id, _queue.attempts)
    return (
        sa.select(*columns, _queue.next_attempt_at, before.is_not(None).label("held"))
        .where(_queue.partition == partition, _queue.position > after, new)
        .order_by(_queue.position)
        .limit(each)
    )


def _with_messages(
    due: sa.FromClause, source: sa.FromClause, body: sa.ColumnElement[str]
) -> sa.Select[Any]:
    names = ("aggregatetype", "aggregateid", "subject", "traceparent", "tracestate")
    joined = source.join(outbox, outbox.c.id == due.c.id)
    page = sa.select(due, *(outbox.c[name] for name in names), body.label("body"))
    return page.select_from(joined).order_by(due.c.position)


def published(connection: Connection, entries: Sequence[Entry]) -> None:
    """Take from the queue what the broker has."""
    if entries:
        positions = [entry.position for entry in entries]
        gone = sa.delete(outbox_delivery)
        gone = gone.where(dialects.among(connection, _queue.position, positions))
        lasting = dialects.lasts(connection)
        connection.execute(gone if lasting else gone.where(dialects.unhurried(connection)))


def postpone(connection: Connection, entry: Entry, reason: str, wait: float) -> None:
    """Try `entry` again after `wait` seconds, and what follows it in its aggregate after it."""
    values = {
        "attempts": entry.attempts + 1,
        "reason": reason,
        "next_attempt_at": clock.ahead(wait),
    }
    row = sa.update(outbox_delivery).where(_queue.position == entry.position)
    connection.execute(row.values(values))


def bury(connection: Connection, entry: Entry, reason: str) -> None:
    """Make a dead letter of `entry`, unless another relay did."""
    row = connection.execute(
        sa.select(outbox_delivery).where(_queue.position == entry.position).with_for_update()
    ).first()
    if row is None:
        return
    letter = {
        "id": row.id,
        "partition": row.partition,
        "aggregatetype": row.aggregatetype,
        "aggregateid": row.aggregateid,
        "sequence": row.sequence,
        "attempts": row.attempts + 1,
        "reason": reason,
        "dead_at": clock.now(),
    }
    connection.execute(sa.insert(outbox_dead_letter), letter)
    published(connection, [entry])


def replay(connection: Connection, identities: Sequence[uuid.UUID] = ()) -> int:
    """Make dead letters, all or those named, pending again; how many.

    They come to their consumers behind what was published since.
    """
    letter = outbox_dead_letter.c
    query = sa.select(outbox_dead_letter).order_by(letter.dead_at).with_for_update()
    if identities:
        query = query.where(letter.id.in_(identities))
    rows = connection.execute(query).all()
    names = ("id", "partition", "aggregatetype", "aggregateid", "sequence")
    again = [{name: getattr(row, name) for name in names} for row in rows]
    if again:
        connection.execute(sa.insert(outbox_delivery), again)
        gone = letter.id.in_([row["id"] for row in again])
        connection.execute(sa.delete(outbox_dead_letter).where(gone))
    return len(again)


def _entry(row: Sequence[Any]) -> Entry:
    position, partition, identity, attempts, due, held, kind, key, subject, *rest = row
    traceparent, tracestate, body = rest
    trace = {"traceparent": traceparent} if traceparent else {}
    if tracestate:
        trace["tracestate"] = tracestate
    place = (position, partition, identity, (kind, key), attempts, due, bool(held))
    return Entry(*place, subject, body.encode(), trace)
