"""Alembic revisions: a second account of the tables, replayed in order without running it.

Models stand where both tell of a table; what differs is told. A table that only revisions make is
taken where no model declares any, or where SQL text uses it.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from migrator.analyze.facts.shape import CALL, DEF, SET, WITH, Block, Expr, Stmt
from migrator.analyze.frameworks.protocol import Framework
from migrator.analyze.frameworks.sqlalchemy.columns import (
    ColumnFact,
    ColumnReader,
    constant,
    is_call,
    last,
    text,
    texts_only,
)
from migrator.analyze.project.dynamic import literal_strings
from migrator.analyze.project.modules import Module, imported_names
from migrator.analyze.project.project import Project
from migrator.analyze.project.walk import keyword, method_of, nested, owner_of
from migrator.analyze.schema import Schema
from migrator.model.graph import ForeignKey, Table, Unresolved


@dataclass(slots=True)
class Made:
    """A table as the revisions leave it, columns by name."""

    name: str
    schema: str | None
    path: str
    line: int
    columns: dict[str, ColumnFact] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


class Alembic(Framework):
    """Tables from ``op.create_table`` and what changes them later."""

    name: ClassVar[str] = "alembic"
    packages: ClassVar[tuple[str, ...]] = ("alembic",)

    def declare(self, project: Project, schema: Schema) -> None:
        revisions = [r for m in project.revisions if (r := _Revision.of(m)) is not None]
        if not revisions:
            return
        replay = _Replay()
        for revision in ordered(revisions):
            replay.run(revision)
        alone = not schema.tables
        for id_, made in sorted(replay.tables.items()):
            known = schema.tables.get(id_)
            if known is not None:
                if replay.unknown is None:
                    _compare(schema, made, known)
                continue
            table = _table(made)
            if alone:
                schema.add_table(table)
                schema.foreign_keys |= set(_keys(made, replay.tables))
            else:
                schema.elsewhere[id_] = table
                why = "revisions make it, no model declares it"
                schema.unresolved.append(Unresolved(made.path, made.line, f"table {id_}", why))
        if replay.unknown is not None:
            schema.unresolved.append(replay.unknown)


def _compare(schema: Schema, made: Made, known: Table) -> None:
    """What revisions and model tell differently of one table."""
    have = {c.name for c in known.columns}
    parts = []
    if more := sorted(set(made.columns) - have):
        parts.append(f"only revisions make {', '.join(more)}")
    if fewer := sorted(have - set(made.columns)):
        parts.append(f"only the model has {', '.join(fewer)}")
    if parts:
        why = f"revisions and model differ: {'; '.join(parts)}"
        schema.unresolved.append(Unresolved(made.path, made.line, f"table {made.id}", why))


def _table(made: Made) -> Table:
    columns = tuple(c.column for c in made.columns.values())
    return Table(made.name, made.schema, columns, made.path, made.line, "migration")


def _keys(made: Made, tables: Mapping[str, Made]) -> Iterator[ForeignKey]:
    for fact in made.columns.values():
        for key in fact.foreign_keys:
            target, _, column = key.target.rpartition(".")
            if target in tables:
                yield ForeignKey(
                    made.id, target, (fact.column.name,), (column,), made.path, key.line,
                    key.on_delete,
                )  # fmt: skip


@dataclass(slots=True)
class _Revision:
    module: Module
    name: str
    after: frozenset[str]
    upgrade: Block
    resolve: Callable[[str], str | None]

    @classmethod
    def of(cls, module: Module) -> _Revision | None:
        values: dict[str, Expr] = {}
        upgrade: Stmt | None = None
        for statement in module.facts.interface.body:
            if statement[0] == SET:
                values |= {t: statement[3] for t in statement[2] if type(t) is str}
            elif statement[0] == DEF and statement[3] == "upgrade":
                upgrade = statement
        name = text(values.get("revision"))
        if name is None or upgrade is None or "down_revision" not in values:
            return None
        bound = {
            i.bound: i.target
            for s in module.facts.interface.imports
            for i in imported_names(module.name, module.is_package, s)
            if i.bound
        }

        def resolve(dotted: str) -> str | None:
            head, _, rest = dotted.partition(".")
            target = bound.get(head)
            return f"{target}.{rest}" if target and rest else target

        after = frozenset(literal_strings(values["down_revision"]) or ())
        body = upgrade[7]
        if type(body) is int:
            body = marshal.loads(module.facts.detail.bodies[body].code)
        return cls(module, name, after, body, resolve)


def ordered(revisions: list[_Revision]) -> list[_Revision]:
    """Each after those that it names as its ``down_revision``."""
    known = {r.name for r in revisions}
    waiting = sorted(revisions, key=lambda r: r.module.path)
    done: set[str] = set()
    found: list[_Revision] = []
    while waiting:
        ready = [r for r in waiting if not (r.after & known) - done] or waiting[:1]
        found += ready
        done |= {r.name for r in ready}
        waiting = [r for r in waiting if r not in ready]
    return found


class _Replay:
    def __init__(self) -> None:
        self.tables: dict[str, Made] = {}
        self.unknown: Unresolved | None = None

    def run(self, revision: _Revision) -> None:
        batches: dict[str, tuple[str, str | None]] = {}
        for statement in nested(revision.upgrade):
            if statement[0] == WITH:
                for expr, target in statement[2]:
                    if is_call(expr) and method_of(expr) == "batch_alter_table":
                        name, schema = self._named(expr, 0)
                        if name is not None and type(target) is str:
                            batches[target] = (name, schema)
            for call in _own_calls(statement):
                owner = owner_of(call[2])
                if type(owner) is not str:
                    continue
                if owner in batches:
                    self._change(revision, method_of(call), call, *batches[owner], 0)
                elif revision.resolve(owner) in ("alembic.op", "op"):
                    self._operation(revision, call)

    def _operation(self, revision: _Revision, call: Expr) -> None:
        operation = method_of(call)
        if operation == "execute":
            self._executed(revision, call)
            return
        if operation not in _OPERATIONS:
            return
        name, schema = self._named(call, 0)
        if name is None:
            self._lost(revision, call, "the table's name is computed")
        elif operation == "create_table":
            made = Made(name, schema, revision.module.path, call[1])
            self.tables[made.id] = made
            for arg in call[3][1:]:
                self._add(revision, made, arg)
        elif operation == "drop_table":
            self.tables.pop(_id(name, schema), None)
        elif operation == "rename_table":
            new = text(call[3][1]) if len(call[3]) > 1 else text(keyword(call, "new_table_name"))
            known = self.tables.pop(_id(name, schema), None)
            if known is not None and new is not None:
                known.name = new
                self.tables[known.id] = known
        else:
            self._change(revision, operation, call, name, schema, 1)

    def _change(
        self, revision: _Revision, operation: str, call: Expr, name: str, schema: str | None,
        at: int,
    ) -> None:  # fmt: skip
        made = self.tables.get(_id(name, schema))
        if made is None:
            return
        given = call[3][at] if len(call[3]) > at else keyword(call, "column_name")
        if operation == "add_column":
            self._add(revision, made, given)
        elif operation in ("drop_column", "alter_column"):
            column = text(given)
            if column is None:
                self._lost(revision, call, "the column's name is computed")
            elif operation == "drop_column":
                made.columns.pop(column, None)
            elif (new := text(keyword(call, "new_column_name"))) is not None:
                fact = made.columns.pop(column, None)
                if fact is not None:
                    made.columns[new] = fact

    def _add(self, revision: _Revision, made: Made, expr: Expr) -> None:
        if not is_call(expr):
            if type(expr) is tuple and expr and expr[0] != CALL:
                self._lost(revision, (CALL, made.line), "its columns are computed")
            return
        if last(revision.resolve(expr[2]) or str(expr[2])) != "Column":
            return
        # What a type is made of is told where the models are read.
        reader = ColumnReader(
            revision.resolve, lambda _: None, lambda _: None, texts_only, lambda *_: None
        )
        name = constant(expr[3][0]) if expr[3] else constant(keyword(expr, "name"))
        if isinstance(name, str):
            made.columns[name] = reader.mapped(name, None, expr, expr[1])

    def _named(self, call: Expr, at: int) -> tuple[str | None, str | None]:
        given = call[3][at] if len(call[3]) > at else keyword(call, "table_name")
        return text(given), text(keyword(call, "schema"))

    def _executed(self, revision: _Revision, call: Expr) -> None:
        given = call[3][0] if call[3] else None
        given = given[3][0] if is_call(given) and given[3] else given
        sql = (text(given) or "").split(None, 2)
        if len(sql) > 1 and sql[1].upper() == "TABLE":
            self._lost(revision, call, "SQL text changes a table")

    def _lost(self, revision: _Revision, call: Expr, why: str) -> None:
        if self.unknown is None:
            told = f"{why}: revisions are not compared with models"
            self.unknown = Unresolved(revision.module.path, call[1], "revision", told)


_OPERATIONS = {
    "create_table", "drop_table", "rename_table", "add_column", "drop_column", "alter_column",
}  # fmt: skip


def _own_calls(statement: Stmt) -> Iterator[Expr]:
    """The call that a statement is, or whose result it keeps."""
    expr = statement[2] if statement[0] == "do" else statement[3] if statement[0] == SET else None
    if is_call(expr):
        yield expr


def _id(name: str, schema: str | None) -> str:
    return f"{schema}.{name}" if schema else name
