"""What a live database says, read through SQLAlchemy's inspector and never written.

Each connection is told to be read-only before the first statement, and everything is read in
one transaction that is rolled back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, Inspector, make_url
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from migrator.model.errors import MigratorError
from migrator.model.graph import Column, ForeignKey, Table

COUNTED_AT_MOST = 100_000
"""Rows that are counted one by one where the database keeps no estimate."""

_DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql", "mariadb": "pymysql"}
_ALIASES = {"postgres": "postgresql"}
_SYSTEM = {"information_schema", "pg_catalog", "mysql", "performance_schema", "sys"}
_TIMEOUT = 10  # seconds to connect


@dataclass(frozen=True, slots=True)
class LiveSchema:
    """What one database holds: `tables` have source ``database``; the schema of those in the
    connection's default schema is None, as code that names no schema means them."""

    dialect: str
    tables: tuple[Table, ...]
    foreign_keys: tuple[ForeignKey, ...]


def read_database(url: str, progress: Callable[[str], None] | None = None) -> LiveSchema:
    """The tables, keys and row estimates of the database at `url` (``postgresql://``, ``mysql://``
    or ``sqlite:///``). Raises MigratorError; no message ever holds the password."""
    engine = _engine(url)
    shown = engine.url.render_as_string(hide_password=True)
    try:
        with _read_only(engine) as connection:
            return _schema(connection, progress or _silent)
    except SQLAlchemyError as error:
        first = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        hint = "the URL, the server and the right to read the catalog are what it takes"
        raise MigratorError(f"database: {first}", where=shown, hint=hint) from error
    finally:
        engine.dispose()


def _engine(text_: str) -> Engine:
    try:
        url = make_url(text_)
    except ArgumentError as error:
        hint = "as in postgresql://user@host/name, mysql://user@host/name or sqlite:///file.db"
        raise MigratorError("--database: not a database URL", hint=hint) from error
    family, _, driver = url.drivername.partition("+")
    family = _ALIASES.get(family, family)
    if family == "sqlite":
        return _sqlite(url)
    if family not in _DRIVERS:
        raise MigratorError(
            f"--database: {family} is not supported", hint="PostgreSQL, MySQL and SQLite are"
        )
    wanted = driver or _DRIVERS[family]
    url = url.set(drivername=f"{family}+{wanted}")
    try:
        return create_engine(url, connect_args={"connect_timeout": _TIMEOUT})
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        hint = f"pip install 'migrator[{'mysql' if family != 'postgresql' else 'postgresql'}]'"
        raise MigratorError(f"--database: driver {wanted} is not installed", hint=hint) from error


def _sqlite(url: URL) -> Engine:
    """SQLite opened with mode=ro: it cannot be written, nor made by asking for it."""
    from pathlib import Path

    if not url.database or url.database == ":memory:":
        raise MigratorError("--database: a SQLite file is needed", hint="sqlite:///path/to/file.db")
    path = Path(url.database)
    if not path.is_file():
        raise MigratorError("no such database file", where=str(path))
    return create_engine(
        url.set(
            drivername="sqlite",
            database=f"{path.resolve().as_uri()}",
            query={"mode": "ro", "uri": "true"},
        )
    )


@contextmanager
def _read_only(engine: Engine) -> Iterator[Connection]:
    dialect = engine.dialect.name
    options = {"postgresql_readonly": True} if dialect == "postgresql" else {}
    if dialect in ("mysql", "mariadb"):
        event.listen(engine, "connect", _read_only_session)
    with engine.connect().execution_options(**options) as connection:
        try:
            yield connection
        finally:
            connection.rollback()


def _read_only_session(raw: object, record: object) -> None:
    del record
    cursor = raw.cursor()  # type: ignore[attr-defined]
    cursor.execute("SET SESSION TRANSACTION READ ONLY")
    cursor.close()


def _schema(connection: Connection, tell: Callable[[str], None]) -> LiveSchema:
    inspector = inspect(connection)
    default = inspector.default_schema_name
    tables: list[Table] = []
    keys: list[ForeignKey] = []
    for schema in _schemas(inspector, connection.dialect.name, default):
        tell(f"database: schema {schema or default or 'main'}")
        named = None if schema == default else schema
        rows = _estimates(connection, schema or default)
        columns = inspector.get_multi_columns(schema)
        primary = inspector.get_multi_pk_constraint(schema)
        parts = _partitions(connection, schema)
        for key, found in sorted(columns.items(), key=lambda item: item[0][1]):
            name = key[1]
            if name in parts:
                continue
            keyed = set(primary[key]["constrained_columns"]) if key in primary else set()
            estimate = rows.get(name)
            if estimate is None:
                estimate = _counted(connection, name, schema)
            made = tuple(_column(c, keyed) for c in found)
            tables.append(Table(name, named, made, "", 0, "database", rows=estimate))
        for (_, name), constraints in sorted(
            inspector.get_multi_foreign_keys(schema).items(), key=lambda item: item[0][1]
        ):
            if name in parts:
                continue
            source = f"{named}.{name}" if named else name
            for constraint in constraints:
                there = constraint["referred_schema"]
                prefix = "" if there in (None, default) else f"{there}."
                keys.append(
                    ForeignKey(
                        source,
                        f"{prefix}{constraint['referred_table']}",
                        tuple(constraint["constrained_columns"]),
                        tuple(constraint["referred_columns"]),
                        "",
                        0,
                        (constraint.get("options") or {}).get("ondelete"),
                        constraint["name"],
                        "database",
                    )
                )
    ordered = sorted(keys, key=lambda k: (k.source, k.columns, k.target))
    return LiveSchema(connection.dialect.name, tuple(tables), tuple(ordered))


def _schemas(inspector: Inspector, dialect: str, default: str | None) -> list[str | None]:
    """PostgreSQL has several schemas in a database; elsewhere a schema is another database."""
    if dialect != "postgresql":
        return [default if dialect != "sqlite" else None]
    names = inspector.get_schema_names()
    return [n for n in names if n not in _SYSTEM and not n.startswith("pg_")]


def _partitions(connection: Connection, schema: str | None) -> set[str]:
    """Partitions are parts of a table that code names by the whole."""
    if connection.dialect.name != "postgresql":
        return set()
    asked = text(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = :schema AND c.relispartition"
    )
    return set(connection.execute(asked, {"schema": schema}).scalars())


def _estimates(connection: Connection, schema: str | None) -> dict[str, int]:
    """Rows a table as the database's own statistics have it; a table without is left out."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        asked = text(
            "SELECT c.relname, c.reltuples::bigint FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = :schema AND c.relkind IN ('r', 'p') AND c.reltuples >= 0"
        )
    elif dialect in ("mysql", "mariadb"):
        asked = text(
            "SELECT table_name, table_rows FROM information_schema.tables "
            "WHERE table_schema = :schema AND table_rows IS NOT NULL"
        )
    else:
        return {}
    return {name: int(rows) for name, rows in connection.execute(asked, {"schema": schema})}


def _counted(connection: Connection, name: str, schema: str | None) -> int | None:
    """Rows counted, at most COUNTED_AT_MOST; None where the table may not be read."""
    quote = connection.dialect.identifier_preparer
    table = quote.quote(name) if not schema else f"{quote.quote(schema)}.{quote.quote(name)}"
    limited = f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT {COUNTED_AT_MOST}) AS counted"
    try:
        with connection.begin_nested():
            return int(connection.execute(text(limited)).scalar_one())
    except SQLAlchemyError:
        return None


def _column(column: ReflectedColumn, primary: set[str]) -> Column:
    default = column.get("default")
    return Column(
        name=column["name"],
        type=repr(column["type"]),
        nullable=bool(column["nullable"]) and column["name"] not in primary,
        primary_key=column["name"] in primary,
        server_default=None if default is None else str(default),
    )


def _silent(message: str) -> None:
    del message
