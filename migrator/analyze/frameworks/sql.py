"""Tables read and written by SQL text, through sqlglot."""

from __future__ import annotations

from functools import lru_cache

import sqlglot
from sqlglot import exp

from migrator.model.graph import AccessMode


class UnparsableSQL(ValueError):
    """The text is no SQL of the dialect."""


@lru_cache(maxsize=4096)
def tables_of(sql: str, dialect: str = "postgres") -> frozenset[tuple[str, AccessMode]]:
    """(table, mode) for each table; common table expressions and aliases are none.

    Raises UnparsableSQL.
    """
    try:
        statements = [s for s in sqlglot.parse(sql, read=dialect) if s is not None]
    except sqlglot.errors.SqlglotError as error:
        raise UnparsableSQL(str(error).splitlines()[0]) from error
    found: set[tuple[str, AccessMode]] = set()
    for statement in statements:
        if isinstance(statement, exp.Command):
            raise UnparsableSQL("a statement that is not understood")
        found |= _statement(statement)
    return frozenset(found)


def _statement(statement: exp.Expr) -> set[tuple[str, AccessMode]]:
    expressions = {cte.alias_or_name for cte in statement.find_all(exp.CTE)}
    found: set[tuple[str, AccessMode]] = set()
    written: set[int] = set()
    for kind, mode in ((exp.Insert, "insert"), (exp.Update, "update"), (exp.Delete, "delete")):
        for node in statement.find_all(kind):
            target = node.this.this if isinstance(node.this, exp.Schema) else node.this
            if isinstance(target, exp.Table):
                found.add((_name(target), mode))  # type: ignore[arg-type]
                written.add(id(target))
    if isinstance(statement, exp.TruncateTable):
        tables = [t for t in statement.expressions if isinstance(t, exp.Table)]
        written |= {id(t) for t in tables}
        found |= {(_name(t), "delete") for t in tables}
    for table in statement.find_all(exp.Table):
        name = _name(table)
        if id(table) not in written and name and name not in expressions:
            found.add((name, "read"))
    return found


def _name(table: exp.Table) -> str:
    return f"{table.db}.{table.name}" if table.db and table.db != "public" else table.name


def looks_like_sql(text: str) -> bool:
    """Whether a string is worth parsing: a statement's verb and its usual company."""
    words = text.strip().upper().split(None, 1)
    if len(words) < 2:
        return False
    head, rest = words[0], words[1]
    wanted = {
        "SELECT": " FROM ", "INSERT": "INTO ", "UPDATE": " SET ", "DELETE": "FROM ",
        "WITH": "SELECT", "TRUNCATE": "", "MERGE": "INTO ",
    }  # fmt: skip
    return head in wanted and wanted[head] in f" {' '.join(rest.split())} "
