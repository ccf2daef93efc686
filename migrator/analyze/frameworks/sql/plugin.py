"""SQL as text: strings in the code, and ``.sql`` files beside it."""

from __future__ import annotations

import marshal
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from migrator.analyze.facts.shape import FSTRING, SET, STR, Expr
from migrator.analyze.facts.sql_text import names_sql_file
from migrator.analyze.frameworks.protocol import At, Framework
from migrator.analyze.frameworks.sql.ddl import Declared, statements
from migrator.analyze.frameworks.sql.files import UnnamedFile, file_named
from migrator.analyze.frameworks.sql.text import UnparsableSQL, looks_like_sql, read
from migrator.analyze.infer.values import HOLE, FunctionCode
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Schema
from migrator.model.graph import AccessMode, Confidence, ForeignKey, Unresolved

_DRIVERS = {
    "postgres": ("psycopg", "psycopg2", "asyncpg", "pg8000"),
    "mysql": ("pymysql", "MySQLdb", "mysql", "aiomysql", "asyncmy"),
    "oracle": ("oracledb", "cx_Oracle"),
    "tsql": ("pyodbc", "pymssql"),
    "sqlite": ("sqlite3", "aiosqlite"),
}
_SYSTEM = ("pg_", "information_schema.", "sqlite_")


def dialect_of(project: Project) -> str:
    """The dialect of the database whose driver is imported; PostgreSQL where none is."""
    for dialect, packages in _DRIVERS.items():
        if project.imports(*packages):
            return dialect
    return "postgres"


class SQL(Framework):
    """Statements written as text; asked after all other frameworks.

    Tables that only such text makes are taken where nothing else declares any, or where a
    statement uses them.
    """

    name: ClassVar[str] = "sql"

    def declare(self, project: Project, schema: Schema) -> None:
        declared = Declared()
        for path in sorted(schema.sql_files, key=_in_order):
            declared.read(path, schema.sql_files[path], schema.dialect)
        for path, line, text in _written(project):
            # Strings are run in no order that could be known: what they drop may be made before.
            Declared.read(declared, path, text, schema.dialect, line)
        for path, line, why in declared.trouble:
            schema.unresolved.append(Unresolved(path, line, "SQL text", why))
        alone = not any(t.source not in ("library", "sql") for t in schema.tables.values())
        for id_, table in sorted(declared.tables.items()):
            if schema.table_named(id_) is not None:
                continue
            if alone:
                schema.add_table(table)
                schema.foreign_keys |= {_whole(k, declared) for k in declared.keys[id_]}
            else:
                schema.elsewhere[id_] = table
                why = "SQL text makes it, no model declares it"
                schema.unresolved.append(Unresolved(table.path, table.line, f"table {id_}", why))

    def text(self, at: At, text: str, whole: bool, line: int) -> bool:
        if names_sql_file(text):
            self._file(at, text, line)
            return True
        if not looks_like_sql(text):
            return False
        _run(at, text, line)
        return True

    def _file(self, at: At, name: str, line: int) -> None:
        files = at.schema.sql_files
        try:
            path = file_named(files, at.project.path(at.module), name)
        except UnnamedFile as error:
            at.unresolved(line, f"file {name.replace(HOLE, '…')}", str(error))
            return
        if path is None:
            return  # a file that the program writes, or one that is not in this tree
        for _, statement in statements(files[path]):
            if looks_like_sql(statement):
                _run(at, statement, line, f" in {path}", "likely")


def _run(
    at: At, text: str, line: int, where: str = " in SQL text", confidence: Confidence = "certain"
) -> None:
    try:
        tables: frozenset[tuple[str, AccessMode]] = read(text, at.schema.dialect)
    except UnparsableSQL as error:
        at.unresolved(line, f"SQL{where}".replace("SQL in SQL", "SQL"), str(error)[:80])
        return
    for name, mode in sorted(tables):
        known = at.schema.table_named(name)
        if HOLE in name:
            at.unresolved(line, "SQL text", "the table's name is computed")
        elif known is not None:
            at.access(known, mode, line, "sql", confidence)
        elif not name.lower().startswith(_SYSTEM):
            at.unresolved(line, f"table {name}{where}", "no model or migration declares it")


def _in_order(path: str) -> tuple[str, list[tuple[int, str]]]:
    """Scripts of one folder by the numbers in their names: ``2_b.sql`` before ``10_a.sql``."""
    import re

    folder, _, name = path.rpartition("/")
    return folder, [(int(d or -1), t) for d, t in re.findall(r"(\d*)(\D*)", name)]


def _whole(key: ForeignKey, declared: Declared) -> ForeignKey:
    """A key that names no columns leads to the primary key."""
    target = declared.tables.get(key.target)
    if key.referred_columns or target is None:
        return key
    return replace(key, referred_columns=tuple(c.name for c in target.columns if c.primary_key))


def _written(project: Project) -> Iterator[tuple[str, int, str]]:
    """(path, line, text) of strings that make tables: in functions, in module and class level
    constants."""
    for module in project.code:
        blocks = [
            (module.facts.detail.bodies[c.statement[7]].code, c.statement[1])
            for c in project.functions_like(module, _may_hold_sql)
        ]
        for code, line in blocks:
            for text in _texts(marshal.loads(code)):
                yield module.path, line, text
        for fact in module.own.values():
            for statement in fact.statements:
                if statement[0] == SET and statement[3] is not None:
                    for text in _texts(statement[3]):
                        yield module.path, statement[1], text
    for class_ in project.classes.by_id.values():
        for name in class_.members:
            value = class_.value(name)
            if value is not None:
                for text in _texts(value):
                    yield class_.module.path, class_.line, text


def _may_hold_sql(module: Module, code: FunctionCode) -> bool:
    body = code.statement[7]
    return type(body) is int and module.facts.detail.bodies[body].sql


def _texts(expr: Expr) -> Iterator[str]:
    """A name is a bare string: a tuple of names may begin with ``str`` as a string does."""
    waiting = [expr]
    while waiting:
        one = waiting.pop()
        if type(one) is not tuple or not one:
            continue
        if one[0] == STR and len(one) == 2 and type(one[1]) is str:
            if _makes_table(one[1]):
                yield one[1]
        elif one[0] == FSTRING and len(one) == 2 and type(one[1]) is tuple:
            text = "".join(p if type(p) is str else HOLE for p in one[1])
            if _makes_table(text):
                yield text
        else:
            waiting += reversed(one)


def _makes_table(text: str) -> bool:
    return text.lstrip()[:6].lower() == "create" and "table" in text.lower()
