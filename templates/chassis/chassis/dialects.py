"""The few statements that databases spell differently: PostgreSQL, SQLite, MySQL and MariaDB."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, Connection, Engine, Table
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.exc import IntegrityError

Row = dict[str, Any]
# No column of a model.
_ROWKEY = "chassis_rowkey"
# The option of an engine.
_LASTS = "chassis_lasts"


def insert_new(
    connection: Connection,
    table: Table,
    rows: Sequence[Row],
    key: Column[Any],
) -> set[Any]:
    """Insert the rows whose primary key is not there; the `key` of each that was.

    Waits for a transaction that inserts the same key: when this returns, the others are committed.
    """
    if not rows:
        return set()
    if _is_mysql(connection):
        return {row[key.name] for row in rows if _insert_one(connection, table, row)}
    if connection.dialect.name == "postgresql":
        # An array for each column: a parameter for each value takes three times as long.
        arrays = {name: [row[name] for row in rows] for name in rows[0]}
        about = (table, key, lasts(connection), tuple(arrays))
        return set(_run(connection, _insert_arrays, [arrays], *about).scalars())
    return set(_run(connection, _insert_new, rows, table, key).scalars())


def increase(
    connection: Connection, table: Table, column: Column[Any], rows: Sequence[Row]
) -> list[sa.Row[Any]]:
    """Add each row's `column` to that of the row with its primary key, or insert it; all columns.

    The rows stay locked until the transaction ends.
    """
    if _is_mysql(connection):
        return [_increase_one(connection, table, column, row) for row in rows]
    return list(_run(connection, _increase, rows, table, column))


@dataclass(frozen=True, slots=True)
class Graves:
    """Versions of deleted rows, by the `name` of their table and a text of their primary key."""

    table: Table
    name: str

    def among(self, connection: Connection, keys: Sequence[str]) -> dict[str, int]:
        """The version of each of `keys` that has one."""
        of, by = self.table.c, self.table.c.rowkey
        query = sa.select(by, of.version).where(of.tablename == self.name)
        found = connection.execute(query.where(among(connection, by, keys)))
        return {row.rowkey: row.version for row in found}


def upsert_newer(
    connection: Connection,
    table: Table,
    version: Column[Any],
    rows: Mapping[str, Row],
    graves: Graves | None = None,
) -> set[tuple[Any, ...]]:
    """Write each row unless the one with its primary key, or its grave, has a `version` as high.

    The rows, by the text of their primary key, have the same columns and different keys; the
    primary keys of those written.
    """
    key = list(table.primary_key.columns)
    names = tuple(next(iter(rows.values())))
    if connection.dialect.name == "postgresql" and _are_plain(table, names):
        arrays = {name: [row[name] for row in rows.values()] for name in names}
        given = [{**arrays, _ROWKEY: list(rows)} if graves else arrays]
        about = (table, version, names, graves, lasts(connection))
        return {tuple(row) for row in _run(connection, _upsert_arrays, given, *about)}
    buried = graves.among(connection, list(rows)) if graves else {}
    alive = [row for text, row in rows.items() if buried.get(text, -1) < row[version.name]]
    if not alive:
        return set()
    if _is_mysql(connection):
        written = [row for row in alive if _upsert_one(connection, table, version, row)]
        return {tuple(row[column.name] for column in key) for row in written}
    return {tuple(row) for row in _run(connection, _upsert_rows, alive, table, version, names)}


@lru_cache(maxsize=512)
def takes_arrays(dialect: sa.Dialect, table: Table) -> bool:
    """Whether `upsert_newer` writes rows of `table` with one statement, however many."""
    return dialect.name == "postgresql" and _are_plain(table, table.columns.keys())


def among(
    connection: Connection, column: Column[Any], values: Sequence[Any]
) -> sa.ColumnElement[bool]:
    """Whether `column` is one of `values`, with one parameter for all where the database can.

    PostgreSQL takes longer to read a parameter for each than for the rest of the statement.
    """
    if connection.dialect.name == "postgresql":
        given = sa.bindparam(None, list(values), postgresql.ARRAY(column.type))
        return column == sa.func.any(given)
    return column.in_(values)


@contextmanager
def elected(connection: Connection, number: int) -> Iterator[bool]:
    """Whether this transaction is the only one with the lock `number`; True without such locks."""
    if connection.dialect.name == "postgresql":
        # Let go at the end of the transaction.
        lock = sa.func.pg_try_advisory_xact_lock(number)
        yield bool(connection.execute(sa.select(lock)).scalar())
    elif _is_mysql(connection):
        # A lock of the server, and of the connection, which goes back to a pool.
        name = sa.func.concat(number, ".", sa.func.left(sa.func.database(), 50))
        won = bool(connection.execute(sa.select(sa.func.get_lock(name, 0))).scalar())
        try:
            yield won
        finally:
            if won:
                connection.execute(sa.select(sa.func.release_lock(name)))
    else:
        yield True


def need_not_last(connection: Connection) -> None:
    """This transaction may be lost with the machine, as if it had not been: do not wait for disk.

    Only for what is done again in that case, and of which nobody was told.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SET LOCAL synchronous_commit = off"))


def passing(engine: Engine) -> Engine:
    """The engine, with transactions of which what this module writes need not last."""
    return engine.execution_options(**{_LASTS: False})


def lasts(connection: Connection) -> bool:
    """Whether `connection` is not of an engine that is `passing`."""
    return bool(connection.get_execution_options().get(_LASTS, True))


def unhurried(connection: Connection) -> sa.ColumnElement[bool]:
    """True; as the condition of a statement, the same as `need_not_last`."""
    return _off() if connection.dialect.name == "postgresql" else sa.true()


def _off() -> sa.ColumnElement[bool]:
    setting = sa.func.set_config("synchronous_commit", "off", True)
    return sa.select(setting).scalar_subquery() == "off"


def _is_mysql(connection: Connection) -> bool:
    return connection.dialect.name in ("mysql", "mariadb")


def _run(
    connection: Connection, make: Callable[..., Any], rows: Sequence[Row], *about: Any
) -> sa.CursorResult[Any]:
    """Run the insert that `make` gives for a dialect's `insert` and `about`.

    SQLAlchemy compiles what has ON CONFLICT anew each time, which takes longer than to run it.
    """
    compiled = _compiled(connection.dialect, make, tuple(rows[0]), len(rows) > 1, *about)
    return connection.execute(compiled, list(rows))


@lru_cache(maxsize=512)
def _compiled(
    dialect: sa.Dialect, make: Callable[..., Any], names: tuple[str, ...], many: bool, *about: Any
) -> Any:
    insert = (sqlite if dialect.name == "sqlite" else postgresql).insert
    made = make(insert, *about)
    return made.compile(dialect=dialect, column_keys=list(names), for_executemany=many)


def _insert_new(insert: Callable[..., Any], table: Table, key: Column[Any]) -> Any:
    return insert(table).on_conflict_do_nothing().returning(key)


def _insert_arrays(
    insert: Callable[..., Any],
    table: Table,
    key: Column[Any],
    lasting: bool,
    names: tuple[str, ...],
) -> Any:
    _, rows = _rows_of_arrays(table, names)
    if not lasting:
        rows = rows.where(_off())
    return insert(table).from_select(names, rows).on_conflict_do_nothing().returning(key)


def _rows_of_arrays(
    table: Table, names: tuple[str, ...], more: Mapping[str, Any] | None = None
) -> tuple[sa.TableValuedAlias, sa.Select[Any]]:
    """Rows whose columns are given as an array for each; with `more` columns, not selected."""
    types = {name: table.c[name].type for name in names} | dict(more or {})
    arrays = [sa.bindparam(name, type_=postgresql.ARRAY(types[name])) for name in types]
    new = sa.func.unnest(*arrays).table_valued(*types).render_derived("new")
    return new, sa.select(*(new.c[name] for name in names))


def _are_plain(table: Table, names: Iterable[str]) -> bool:
    """Whether arrays of the columns' values mean the same as the values."""
    return all(type(table.c[name].type) in _PLAIN for name in names)


_PLAIN = {
    sa.BigInteger, sa.Integer, sa.SmallInteger, sa.Numeric, sa.Float, sa.Double, sa.Boolean,
    sa.String, sa.Text, sa.Unicode, sa.DateTime, sa.Date, sa.Uuid,
}  # fmt: skip


def _increase(insert: Callable[..., Any], table: Table, column: Column[Any]) -> Any:
    new = insert(table)
    return new.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={column.name: column + new.excluded[column.name]},
    ).returning(table)


def _upsert_arrays(
    insert: Callable[..., Any],
    table: Table,
    version: Column[Any],
    names: tuple[str, ...],
    graves: Graves | None,
    lasting: bool,
) -> Any:
    keys = {_ROWKEY: graves.table.c.rowkey.type} if graves else {}
    new, rows = _rows_of_arrays(table, names, keys)
    if graves:
        of = graves.table.c
        same = (of.tablename == graves.name, of.rowkey == new.c[_ROWKEY])
        rows = rows.where(~sa.exists().where(*same, of.version >= new.c[version.name]))
    if not lasting:
        rows = rows.where(_off())
    return _unless_older(insert(table).from_select(names, rows), table, version, names)


def _upsert_rows(
    insert: Callable[..., Any], table: Table, version: Column[Any], names: tuple[str, ...]
) -> Any:
    return _unless_older(insert(table), table, version, names)


def _unless_older(new: Any, table: Table, version: Column[Any], names: tuple[str, ...]) -> Any:
    key = list(table.primary_key.columns)
    return new.on_conflict_do_update(
        index_elements=key,
        set_={name: new.excluded[name] for name in names},
        where=version < new.excluded[version.name],
    ).returning(*key)


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
