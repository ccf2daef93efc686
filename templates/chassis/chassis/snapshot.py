"""Tells every row of a published table: the first fill of others' replicas, or a repair."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Engine, Table

from chassis import capture, outbox, tables
from chassis.manifest import Manifest

_BATCH = 500


def publish_all(engine: Engine, manifest: Manifest, name: str) -> int:
    """Append one message for each row of the table `name`; how many."""
    table = tables.declared(manifest).get(name)
    if table is None:
        raise LookupError(f"{name}: no model declares this table")
    last: tuple[object, ...] | None = None
    count = 0
    while True:
        with engine.begin() as connection:
            # Locked, so that a writer's newer state cannot get the smaller sequence.
            query = _page(table, last).with_for_update(read=True)
            rows = connection.execute(query).mappings().all()
            messages = [capture.upsert(manifest.name, table, row) for row in rows]
            outbox.append(connection, messages, source=manifest.name)
        count += len(rows)
        if len(rows) < _BATCH:
            return count
        last = tuple(rows[-1][column] for column in table.primary_key)


def _page(table: Table, last: tuple[object, ...] | None) -> sa.Select[tuple[object, ...]]:
    columns = list(table.primary_key.columns)
    query = sa.select(table).order_by(*columns).limit(_BATCH)
    if last is None:
        return query
    return query.where(columns[0] > last[0] if len(columns) == 1 else sa.tuple_(*columns) > last)
