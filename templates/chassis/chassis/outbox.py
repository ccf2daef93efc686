"""Messages that commit with the caller's transaction."""

from __future__ import annotations

import datetime as dt
import os
import re
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from opentelemetry import propagate
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from chassis import dialects
from chassis.brokers.port import partition_of
from chassis.schema import outbox, outbox_aggregate, outbox_delivery
from chassis.settings import carried_by_debezium

UPSERTED, DELETED, INSERT, CALL = "upserted", "deleted", "insert", "call"


@dataclass(frozen=True)
class Message:
    """What to tell whom: `type` is one of the kinds above, `data` must be JSON."""

    subject: str
    aggregatetype: str
    aggregateid: str
    type: str
    data: Any


def change_subject(service: str, table: str) -> str:
    """Where `service` tells of its rows."""
    return f"events.{token(service)}.{token(table)}"


def request_subject(service: str, kind: str) -> str:
    """Where others ask `service` for something."""
    return f"requests.{token(service)}.{token(kind)}"


def token(name: str) -> str:
    """`name` as one part of a subject."""
    return re.sub(r"[^\w-]", "_", name)


def uuid7() -> uuid.UUID:
    """A UUID that sorts by the time it was made (RFC 9562, version 7)."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def append(
    target: Session | Connection, messages: Sequence[Message], *, source: str
) -> list[uuid.UUID]:
    """Add `messages` of the service `source` to the transaction of `target`; their ids."""
    if not messages:
        return []
    connection = target.connection() if isinstance(target, Session) else target
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    next_of = _reserve(connection, messages)
    rows = []
    for message in messages:
        aggregate = (message.aggregatetype, message.aggregateid)
        rows.append(_row(message, source, next_of[aggregate], carrier))
        next_of[aggregate] += 1
    connection.execute(sa.insert(outbox), [{n: row[n] for n in _COLUMNS} for row in rows])
    if not carried_by_debezium():
        queue = [{name: row[name] for name in _QUEUE} for row in rows]
        connection.execute(sa.insert(outbox_delivery), queue)
    return [row["id"] for row in rows]


_QUEUE = ("id", "partition", "aggregatetype", "aggregateid", "sequence", "created_at")
_COLUMNS = tuple(column.name for column in outbox.columns)


def _reserve(connection: Connection, messages: Iterable[Message]) -> dict[tuple[str, str], int]:
    """The first free sequence of each aggregate; later writers of it wait for our commit."""
    counts = Counter((message.aggregatetype, message.aggregateid) for message in messages)
    # In one order everywhere, so that two batches cannot wait for each other.
    rows = [
        {"aggregatetype": kind, "aggregateid": key, "last": counts[kind, key]}
        for kind, key in sorted(counts)
    ]
    found = dialects.increase(connection, outbox_aggregate, outbox_aggregate.c.last, rows)
    return {(kind, key): last - counts[kind, key] + 1 for kind, key, last in found}


def _row(message: Message, source: str, sequence: int, carrier: dict[str, str]) -> dict[str, Any]:
    identity, moment = uuid7(), dt.datetime.now(dt.UTC)
    payload = {
        "specversion": "1.0",
        "id": str(identity),
        "source": f"/services/{source}",
        "type": f"{message.aggregatetype}.{message.type}",
        "subject": message.aggregateid,
        "time": moment.isoformat(),
        "datacontenttype": "application/json",
        # CloudEvents' extension attributes `sequence` and `traceparent`.
        "sequence": str(sequence),
        "kind": message.type,
        "aggregate": message.aggregatetype,
        "data": message.data,
        **carrier,
    }
    return {
        "id": identity,
        "aggregatetype": message.aggregatetype,
        "aggregateid": message.aggregateid,
        "type": message.type,
        "payload": payload,
        "sequence": sequence,
        "subject": message.subject,
        "partition": partition_of(message.aggregatetype, message.aggregateid),
        "created_at": moment,
        "traceparent": carrier.get("traceparent"),
        "tracestate": carrier.get("tracestate"),
    }
