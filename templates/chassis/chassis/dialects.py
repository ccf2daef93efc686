"""The few statements that databases spell differently: PostgreSQL, SQLite, MySQL and MariaDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, Connection, Table
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.exc import IntegrityError

Row = dict[str, Any]


def insert_new(
    connection: Connection, table: Table, rows: Sequence[Row], key: Column[Any]
) -> set[Any]:
    """Insert the rows whose primary key is not there; the `key` of each that was.

    Waits for a transaction that inserts the same key: when this returns, the others are committed.
    """
    if not rows:
        return set()
    if _is_mysql(connection):
        return {row[key.name] for row in rows if _insert_one(connection, table, row)}
    statement = _insert(connection, table).on_conflict_do_nothing().returning(key)
    return set(connection.execute(statement, list(rows)).scalars())


def increase(
    connection: Connection, table: Table, column: Column[Any], rows: Sequence[Row]
) -> list[sa.Row[Any]]:
    """Add each row's `column` to that of the row with its primary key, or insert it; all columns.

    The rows stay locked until the transaction ends.
    """
    if _is_mysql(connection):
        return [_increase_one(connection, table, column, row) for row in rows]
    insert = _insert(connection, table)
    statement = insert.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={column.name: column + insert.excluded[column.name]},
    ).returning(table)
    return list(connection.execute(statement, list(rows)))


def upsert_newer(
    connection: Connection, table: Table, version: Column[Any], rows: Sequence[Row]
) -> set[tuple[Any, ...]]:
    """Write each row unless the one with its primary key has a `version` as high.

    All rows have the same columns and different keys; the primary keys of those written.
    """
    key = list(table.primary_key.columns)
    if _is_mysql(connection):
        written = [row for row in rows if _upsert_one(connection, table, version, row)]
        return {tuple(row[column.name] for column in key) for row in written}
    insert = _insert(connection, table)
    statement = insert.on_conflict_do_update(
        index_elements=key,
        set_={name: insert.excluded[name] for name in rows[0]},
        where=version < insert.excluded[version.name],
    ).returning(*key)
    return {tuple(row) for row in connection.execute(statement, list(rows))}


def json_text(connection: Connection, column: Column[Any]) -> sa.ColumnElement[str]:
    """A JSON column as the text of it, not parsed."""
    if connection.dialect.name == "postgresql":
        return sa.cast(column, sa.Text)
    return sa.type_coerce(column, sa.Text)


def try_lock(connection: Connection, number: int) -> bool:
    """Whether this transaction is the only one with the lock `number`; True without such locks."""
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(number))).scalar())


def need_not_last(connection: Connection) -> None:
    """This transaction may be lost with the machine, as if it had not been: do not wait for disk.

    Only for what is done again in that case, and of which nobody was told.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SET LOCAL synchronous_commit = off"))


def _is_mysql(connection: Connection) -> bool:
    return connection.dialect.name in ("mysql", "mariadb")


def _insert(connection: Connection, table: Table) -> Any:
    module = sqlite if connection.dialect.name == "sqlite" else postgresql
    return module.insert(table)


def _insert_one(connection: Connection, table: Table, row: Row) -> bool:
    # INSERT IGNORE would also cut what is too long. A duplicate undoes only its statement.
    try:
        connection.execute(sa.insert(table), row)
    except IntegrityError as error:
        if getattr(error.orig, "args", (0,))[0] == 1062:
            return False
        raise
    return True


def _same_key(table: Table, row: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    return [column == row[column.name] for column in table.primary_key]


def _increase_one(
    connection: Connection, table: Table, column: Column[Any], row: Row
) -> sa.Row[Any]:
    insert = mysql.insert(table).values(row)
    changed = {column.name: column + insert.inserted[column.name]}
    connection.execute(insert.on_duplicate_key_update(changed))
    return connection.execute(sa.select(table).where(*_same_key(table, row))).one()


def _upsert_one(connection: Connection, table: Table, version: Column[Any], row: Row) -> bool:
    if _insert_one(connection, table, row):
        return True
    older = sa.update(table).where(*_same_key(table, row), version < row[version.name])
    return connection.execute(older.values(row)).rowcount > 0
