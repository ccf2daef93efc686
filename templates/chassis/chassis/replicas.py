"""Applies changes of other services' rows to the local copies; older versions are dropped.

Changes are applied many at once: of several of one row only the newest is written, and each table
takes a few statements however many changes there are. What is seen after the commit is the same as
if each had been written in turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table

from chassis import clock, codec, dialects, tables
from chassis.schema import replica_tombstone

VERSION = "replica_version"


@dataclass(frozen=True, slots=True)
class Change:
    """A row of `table` as `version` has it: encoded values by column; of a deleted one its key."""

    table: Table
    values: Mapping[str, Any]
    version: int
    deleted: bool


def apply(connection: Connection, changes: Sequence[Change], package: str) -> list[bool]:
    """Bring the copies to the newest of `changes`; for each whether the copy was older.

    A change that a later one of the same row overtakes is told as that one.
    """
    newest: dict[Table, dict[str, Change]] = {}
    keys = [tables.row_key(change.table, change.values) for change in changes]
    for key, change in zip(keys, changes, strict=True):
        rows = newest.setdefault(change.table, {})
        if key not in rows or rows[key].version < change.version:
            rows[key] = change
    written = {
        table: _delete(connection, table, {k: c for k, c in rows.items() if c.deleted})
        | _upsert(connection, table, {k: c for k, c in rows.items() if not c.deleted}, package)
        for table, rows in newest.items()
    }
    seen: dict[tuple[Table, str], int] = {}
    results = []
    for key, change in zip(keys, changes, strict=True):
        before = seen.get((change.table, key), -1)
        results.append(key in written[change.table] and change.version > before)
        seen[change.table, key] = max(before, change.version)
    return results


def _upsert(
    connection: Connection, table: Table, changes: Mapping[str, Change], package: str
) -> set[str]:
    """Write rows that are newer than the copy and than its deletion; their keys."""
    alike: dict[frozenset[str], dict[str, Change]] = {}
    for key, change in changes.items():
        alike.setdefault(frozenset(change.values), {})[key] = change
    graves = dialects.Graves(replica_tombstone, table.fullname)
    written: set[str] = set()
    for names, rows in alike.items():
        target = _versioned(table, names)
        keys: dict[tuple[Any, ...], str] = {}
        given: dict[str, dict[str, Any]] = {}
        for key, change in rows.items():
            row = _row(table, change, package)
            identity = _identity(table, row)
            if identity in keys:
                # Two texts may be of one key; the database takes it once only.
                del given[keys[identity]]
            keys[identity], given[key] = key, row
        found = dialects.upsert_newer(connection, target, target.c[VERSION], given, graves)
        written |= {keys[identity] for identity in found if identity in keys}
    return written


def _identity(table: Table, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key)


def _delete(connection: Connection, table: Table, changes: Mapping[str, Change]) -> set[str]:
    """Remove copies that are older and remember the versions; the keys of those that were."""
    if not changes:
        return set()
    now, name = clock.now(), table.fullname
    graves = {
        key: {"tablename": name, "rowkey": key, "version": change.version, "deleted_at": now}
        for key, change in changes.items()
    }
    newest = replica_tombstone.c.version
    dug = {key for _, key in dialects.upsert_newer(connection, replica_tombstone, newest, graves)}
    if dug:
        target = _versioned(table, frozenset(column.name for column in table.primary_key))
        same = [column == sa.bindparam(f"key_{column.name}") for column in target.primary_key]
        older = sa.delete(target).where(*same, target.c[VERSION] < sa.bindparam("newest"))
        rows = [_grave(target, changes[key]) for key in changes if key in dug]
        connection.execute(older, rows)
    return dug


def _grave(target: Table, change: Change) -> dict[str, Any]:
    key = {f"key_{c.name}": codec.decode(change.values[c.name]) for c in target.primary_key}
    return {**key, "newest": change.version}


def _row(table: Table, change: Change, package: str) -> dict[str, Any]:
    values = {
        column.name: codec.decode(change.values[column.name], package=package)
        for column in table.columns
        if column.name in change.values
    }
    return {**values, VERSION: change.version}


@cache
def _versioned(table: Table, names: frozenset[str]) -> Table:
    """The table with its version, which models do not know; columns that nobody sent stay.

    Kept, since SQLAlchemy compiles its statements anew for every new table object.
    """
    columns = [
        Column(column.name, column.type, primary_key=column.primary_key)
        for column in table.columns
        if column.name in names
    ]
    version = Column(VERSION, BigInteger)
    return Table(table.name, MetaData(), *columns, version, schema=table.schema)
