"""Core tables: ``Table(…)`` at module level, in a class, or put on one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrator.analyze.facts.shape import (
    DO,
    LIST,
    SET,
    STAR,
    TUPLE,
    Expr,
    Stmt,
)
from migrator.analyze.frameworks.sqlalchemy.bases import Bases
from migrator.analyze.frameworks.sqlalchemy.columns import (
    is_call,
    keyword,
    last,
    text,
)
from migrator.analyze.frameworks.sqlalchemy.declared import TableFact
from migrator.analyze.frameworks.sqlalchemy.filled import repeated
from migrator.analyze.frameworks.sqlalchemy.made import made_by
from migrator.analyze.project.classes import Class
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Schema
from migrator.model.graph import Constraint


class CoreTables(Bases):
    """Reads them by the name of the definition or attribute that holds them."""

    def __init__(self, project: Project, schema: Schema) -> None:
        super().__init__(project, schema)
        self.core: dict[str, TableFact] = {}

    def _variable(self, id_: str, module: Module, statement: Stmt) -> None:
        value = statement[3]
        if not is_call(value):
            return
        fact = self._table_call(id_, module, value, statement[1])
        if fact is None:
            home, made = made_by(self.project, module, value, ("Table",))
            fact = self._table_call(id_, home, made, statement[1]) if made else None
        if fact is not None:
            fact.module = module
            self.core[id_] = fact
            self.schema.trait(id_, "model")

    def _tables_in(self, class_: Class) -> None:
        """Core tables kept as attributes of a class."""
        for name, statements in class_.members.items():
            value = statements[-1][3] if statements[-1][0] == SET else None
            if name != "__table__" and is_call(value):
                id_ = f"{class_.id}.{name}"
                fact = self._table_call(id_, class_.module, value, statements[-1][1])
                if fact is not None:
                    self.core[id_] = fact

    def _added_tables(self, module: Module) -> None:
        """``SomeClass.table = Table(…)`` at module level, or a Table that nothing is called."""
        for statement in module.facts.interface.body:
            for index, inner in enumerate(repeated(statement)):
                unnamed = f"{module.name}:<table {inner[1]} {index}>"
                if is_call(inner[3]):
                    fact = self._table_call(unnamed, module, inner[3], inner[1])
                    if fact is not None:
                        self.core[unnamed] = fact
            if statement[0] == DO and is_call(statement[2]):
                unnamed = f"{module.name}:<table {statement[1]}>"
                fact = self._table_call(unnamed, module, statement[2], statement[1])
                if fact is not None:
                    self.core[unnamed] = fact
            if statement[0] != SET or not is_call(statement[3]):
                continue
            for target in statement[2]:
                if type(target) is str and "." in target:
                    id_ = self.project.resolve(module.name, target)
                    fact = (
                        self._table_call(id_, module, statement[3], statement[1])
                        if id_ and ":" in id_
                        else None
                    )
                    if id_ and fact is not None:
                        self.core[id_] = fact

    def _table_call(self, id_: str, module: Module, call: Expr, line: int) -> TableFact | None:
        name_of = self.project.resolved(module.name, call[2])
        if last(name_of) != "Table" or len(call[3]) < 2:
            return None
        if (
            ":" in name_of
            and not self._flask_attribute(name_of)
            and not self._has_column(module, call)
        ):
            return None
        if (
            ":" not in name_of
            and not name_of.startswith(("sqlalchemy", "flask_sqlalchemy", "flask_appbuilder"))
            and "." not in name_of
        ):
            return None
        name = self._string(module, call[3][0])
        if name is None:
            self._unknown(module, line, f"table {id_}", "its name is computed")
            return None
        schema = self._string(module, keyword(call, "schema"))
        # Flask-SQLAlchemy's `Table` may leave the metadata out.
        start = 1 if is_call(call[3][1]) else 2
        if schema is None and start == 2:
            schema = self._schema_of_metadata(module, call[3][1])
        fact = TableFact(id_, module, line, name, schema, "core")
        reader = self.reader(module)
        for item in self._items(call[3][start:]):
            if not is_call(item):
                continue
            kind = last(self.project.resolved(module.name, item[2]))
            if kind == "Column":
                first = item[3][0] if item[3] else keyword(item, "name")
                column = self._string(module, first) or "?"
                key = text(keyword(item, "key")) or column
                fact.columns[key] = reader.mapped(column, None, item, item[1])
            else:
                self._table_item(module, fact, item)
        return fact

    def _items(self, items: tuple[Expr, ...]) -> Iterator[Expr]:
        for item in items:
            if type(item) is tuple and item[0] == STAR:
                inner = item[1]
                if type(inner) is tuple and inner[0] in (LIST, TUPLE):
                    yield from inner[1]
            else:
                yield item

    def _has_column(self, module: Module, call: Expr) -> bool:
        """Whether a call of the monolith's own ``Table`` is given columns, as a table is."""
        return any(
            is_call(item)
            and last(self.project.resolved(module.name, item[2])) == "Column"
            and self.project.resolved(module.name, item[2]).startswith("sqlalchemy")
            for item in call[3][1:]
        )

    def _flask_attribute(self, called: str) -> bool:
        fact = self.project.names.definition(called.rpartition(".")[0])
        module = called.partition(":")[0]
        return any(
            s[0] == SET
            and is_call(s[3])
            and self._makes_flask_db(self.project.resolved(module, s[3][2]))
            for s in (fact.statements if fact else ())
        )

    def _schema_of_metadata(self, module: Module, expr: Expr) -> str | None:
        if type(expr) is not str:
            return None
        owner, _, attribute = expr.rpartition(".")
        if attribute == "metadata":
            target = self.project.resolve(module.name, owner) or ""
            return self.base_schema.get(target)
        return self._metadata_schema(module, expr)

    def _table_item(self, module: Module, fact: TableFact, item: Expr) -> None:
        kind = last(self.project.resolved(module.name, item[2]))
        texts = [t for a in item[3] if (t := text(a)) is not None]
        name = self._string(module, keyword(item, "name"))
        if kind == "UniqueConstraint":
            columns = self._all_named(module, fact, item[3])
            if columns:
                fact.constraints.append(Constraint("unique", columns, name))
            else:
                self._unknown(module, item[1], f"constraint {name}", "its columns are computed")
        elif kind == "CheckConstraint" and texts:
            fact.constraints.append(Constraint("check", (), name, texts[0]))
        elif kind == "Index" and texts:
            unique = self._is_true(keyword(item, "unique"))
            columns = self._all_named(module, fact, item[3][1:])
            if columns:
                fact.constraints.append(Constraint("index", columns, texts[0], None, unique))
            else:
                self._unknown(module, item[1], f"index {texts[0]}", "on an expression")
        elif kind == "ForeignKeyConstraint":
            columns = self._columns_named(module, fact, argument(item, 0, "columns"))
            referred = self._columns_named(module, fact, argument(item, 1, "refcolumns"))
            rule = text(keyword(item, "ondelete"))
            if columns and len(columns) == len(referred):
                fact.composite.append((columns, referred, rule, item[1]))

    def _columns_named(
        self, module: Module, fact: TableFact, expr: Expr | None
    ) -> tuple[str, ...]:  # fmt: skip
        """The columns in a list: strings, or names of columns of the class."""
        display = type(expr) is tuple and expr[0] in (TUPLE, LIST)
        return self._all_named(module, fact, expr[1] if display and expr else ())

    def _all_named(
        self, module: Module, fact: TableFact, elements: Iterable[Expr]
    ) -> tuple[str, ...]:  # fmt: skip
        """None of them where one is no column that is known."""
        found = [self._column_named(module, fact, element) for element in elements]
        return tuple(name for name in found if name is not None) if None not in found else ()

    def _column_named(self, module: Module, fact: TableFact, element: Expr) -> str | None:
        written = self._string(module, element)
        if written is not None or type(element) is not str:
            return written
        known = fact.columns.get(element)
        if known is not None:
            return known.column.name
        owner, _, attribute = element.rpartition(".")
        table = self._string(module, f"{owner}.__tablename__") if owner else None
        return f"{table}.{attribute}" if table else None


def argument(call: Expr, position: int, name: str) -> Expr | None:
    """What a call is given by position or by name."""
    return call[3][position] if position < len(call[3]) else keyword(call, name)
