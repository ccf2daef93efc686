"""SQL text through sqlglot: which tables a statement reads and writes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from migrator.model.graph import AccessMode

_COMPANY = {
    "SELECT": " FROM ", "INSERT": "INTO ", "UPDATE": " SET ", "DELETE": "FROM ",
    "WITH": "SELECT", "TRUNCATE": "", "MERGE": "INTO ", "REPLACE": "INTO ",
}  # fmt: skip


class UnparsableSQL(ValueError):
    """The text is no SQL of the dialect."""


def read(text: str, dialect: str) -> frozenset[tuple[str, AccessMode]]:
    """`tables_of` in the first dialect that understands the text, `dialect` before others."""
    trouble: UnparsableSQL | None = None
    for one in dict.fromkeys((dialect, "postgres", "mysql", "sqlite")):
        try:
            return tables_of(text, one)
        except UnparsableSQL as error:
            trouble = trouble or error
    assert trouble is not None
    raise trouble


@lru_cache(maxsize=4096)
def tables_of(sql: str, dialect: str = "postgres") -> frozenset[tuple[str, AccessMode]]:
    """(table, mode) for each table; common table expressions and aliases are none.

    Raises UnparsableSQL.
    """
    import logging

    import sqlglot
    from sqlglot import exp

    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
    try:
        statements = [s for s in sqlglot.parse(_placeholders(sql), read=dialect) if s is not None]
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        message = str(error).splitlines()[0] if str(error) else "nested too deeply"
        raise UnparsableSQL(message) from error
    found: set[tuple[str, AccessMode]] = set()
    for statement in statements:
        if isinstance(statement, exp.Command):
            raise UnparsableSQL("a statement that is not understood")
        if not isinstance(statement, exp.DDL | exp.Create | exp.Drop | exp.Alter) or isinstance(
            statement, exp.Insert
        ):
            found |= _statement(statement)
    return frozenset(found)


def _placeholders(sql: str) -> str:
    """``%s`` and ``%(name)s`` of the drivers are no SQL: a parameter stands there."""
    import re

    return re.sub(r"%\(\w+\)s|(?<!\w)%s", "NULL", sql).replace("%%", "%")


def _statement(statement: object) -> set[tuple[str, AccessMode]]:
    from sqlglot import exp

    assert isinstance(statement, exp.Expression)
    expressions = {cte.alias_or_name.lower() for cte in statement.find_all(exp.CTE)}
    found: set[tuple[str, AccessMode]] = set()
    written: set[int] = set()
    kinds: Iterable[tuple[type[exp.Expression], AccessMode]] = (
        (exp.Insert, "insert"), (exp.Update, "update"), (exp.Delete, "delete"),
    )  # fmt: skip
    for kind, mode in kinds:
        for node in statement.find_all(kind):
            target = node.this.this if isinstance(node.this, exp.Schema) else node.this
            if isinstance(target, exp.Table):
                found.add((_name(target), mode))
                written.add(id(target))
    if isinstance(statement, exp.TruncateTable):
        tables = [t for t in statement.expressions if isinstance(t, exp.Table)]
        written |= {id(t) for t in tables}
        found |= {(_name(t), "delete") for t in tables}
    for table in statement.find_all(exp.Table):
        name = _name(table)
        if id(table) in written or not name or name.lower() in expressions:
            continue
        if isinstance(table.this, exp.Func | exp.Anonymous):
            continue
        found.add((name, "read"))
    return found


def _name(table: object) -> str:
    from sqlglot import exp

    assert isinstance(table, exp.Table)
    return f"{table.db}.{table.name}" if table.db and table.db != "public" else table.name


def looks_like_sql(text: str) -> bool:
    """Whether a string is worth parsing: a statement's verb and its usual company."""
    words = text.strip().lstrip("(").split(None, 1)
    if len(words) < 2:
        return False
    head, rest = words[0].upper(), words[1].upper()
    return head in _COMPANY and _COMPANY[head] in f" {' '.join(rest.split())} "
