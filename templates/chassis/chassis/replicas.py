"""Applies changes of other services' rows to the local copies; older versions are dropped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table

from chassis import clock, codec, dialects, tables
from chassis.schema import replica_tombstone

VERSION = "replica_version"


def upsert(
    connection: Connection, table: Table, values: Mapping[str, Any], version: int, package: str
) -> bool:
    """Bring the copy to `values` (encoded, by column); False if it already is as new."""
    key = tables.row_key(table, values)
    if _tombstone(connection, table, key) >= version:
        return False
    target = _versioned(table, frozenset(values))
    row = {
        column.name: codec.decode(values[column.name], package=package)
        for column in target.columns
        if column.name != VERSION
    }
    return bool(
        dialects.upsert_newer(connection, target, target.c[VERSION], [{**row, VERSION: version}])
    )


def delete(
    connection: Connection, table: Table, values: Mapping[str, Any], version: int, package: str
) -> bool:
    """Remove the copy and remember the version; False if a newer one is here."""
    key = tables.row_key(table, values)
    grave = {
        "tablename": table.fullname,
        "rowkey": key,
        "version": version,
        "deleted_at": clock.now(),
    }
    newest = replica_tombstone.c.version
    if not dialects.upsert_newer(connection, replica_tombstone, newest, [grave]):
        return False
    target = _versioned(table, frozenset(values))
    same = [
        column == codec.decode(values[column.name], package=package)
        for column in target.primary_key
    ]
    connection.execute(sa.delete(target).where(*same, target.c[VERSION] < version))
    return True


def _tombstone(connection: Connection, table: Table, key: str) -> int:
    grave = replica_tombstone.c
    query = sa.select(grave.version).where(grave.tablename == table.fullname, grave.rowkey == key)
    return connection.execute(query).scalar() or 0


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
