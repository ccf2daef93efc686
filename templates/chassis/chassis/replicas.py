"""Applies changes of other services' rows to the local copies; older versions are dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table
from sqlalchemy.dialects.postgresql import insert

from chassis import codec, tables
from chassis.schema import replica_tombstone

VERSION = "replica_version"


def upsert(
    connection: Connection, table: Table, values: Mapping[str, Any], version: int, package: str
) -> bool:
    """Bring the copy to `values` (encoded, by column); False if it already is as new."""
    key = tables.row_key(table, values)
    if _tombstone(connection, table, key) >= version:
        return False
    target = _versioned(table, values)
    row = {
        column.name: codec.decode(values[column.name], package=package)
        for column in target.columns
        if column.name != VERSION
    }
    statement = insert(target).values({**row, VERSION: version})
    changed = {name: statement.excluded[name] for name in (*row, VERSION)}
    newer = statement.on_conflict_do_update(
        index_elements=list(target.primary_key.columns),
        set_=changed,
        where=target.c[VERSION] < statement.excluded[VERSION],
    )
    return connection.execute(newer.returning(target.c[VERSION])).first() is not None


def delete(
    connection: Connection, table: Table, values: Mapping[str, Any], version: int, package: str
) -> bool:
    """Remove the copy and remember the version; False if a newer one is here."""
    key = tables.row_key(table, values)
    statement = insert(replica_tombstone).values(
        tablename=table.fullname, rowkey=key, version=version
    )
    grave = replica_tombstone.c
    raised = statement.on_conflict_do_update(
        index_elements=[grave.tablename, grave.rowkey],
        set_={"version": statement.excluded.version},
        where=grave.version < statement.excluded.version,
    )
    if connection.execute(raised.returning(grave.version)).first() is None:
        return False
    target = _versioned(table, values)
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


def _versioned(table: Table, values: Mapping[str, Any]) -> Table:
    """The table with its version, which models do not know; columns that nobody sent stay."""
    columns = [
        Column(column.name, column.type, primary_key=column.primary_key)
        for column in table.columns
        if column.name in values
    ]
    version = Column(VERSION, BigInteger)
    return Table(table.name, MetaData(), *columns, version, schema=table.schema)
