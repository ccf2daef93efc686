"""The table's name of a class: written, computed from the class's name, or by convention."""

from __future__ import annotations

import re

from migrator.analyze.facts.shape import (
    CONST,
    DEF,
    OP,
    RETURN,
    SET,
    Expr,
    Stmt,
)
from migrator.analyze.frameworks.sqlalchemy.columns import (
    is_call,
    keyword,
    last,
)
from migrator.analyze.frameworks.sqlalchemy.core import CoreTables
from migrator.analyze.frameworks.sqlalchemy.declared import TableFact
from migrator.analyze.frameworks.sqlalchemy.mixins import table_of
from migrator.analyze.project.classes import Class
from migrator.analyze.project.modules import Module


class Naming(CoreTables):
    """Reads ``__tablename__`` in its many forms."""

    def _table_name(self, class_: Class, parent: TableFact | None) -> tuple[str | None, str | None]:
        """The table's name, or None and why it is not known."""
        for above in class_.mro:
            own = self.project.classes.get(above)
            if own is None:
                if (given := table_of(above)) is not None:
                    return given, None
                continue
            if parent is not None and own.id == parent.id:
                return None, None
            written = own.members.get("__tablename__")
            if not written:
                continue
            statement = written[-1]
            if statement[0] == SET:
                if statement[3] is None:
                    continue
                if statement[3] == (CONST, None):
                    return None, None
                found = self._string(own.module, statement[3], own)
                return found, None if found else "its table's name is computed"
            if statement[0] == DEF:
                computed = self._computed_name(own, statement, class_)
                return computed, None if computed else "its table's name is computed"
        if parent is not None:
            return None, None
        if self._snake_cases(class_):
            if any(b.startswith("sqlmodel") for b in class_.mro):
                return class_.name.lower(), None
            if not self._has_primary_key(class_):
                return None, None
            return snake_case(class_.name), None
        return None, "it names no table"

    def _has_primary_key(self, class_: Class) -> bool:
        for own in self.project.classes.ancestors(class_.id):
            for statements in own.members.values():
                for statement in statements:
                    value = statement[3] if statement[0] == SET else None
                    if is_call(value) and self._is_true(keyword(value, "primary_key")):
                        return True
        return False

    def _computed_name(self, home: Class, statement: Stmt, class_: Class) -> str | None:
        """``__tablename__`` as a function of the class's name."""
        body = self.project.block(self.project.method(home, statement))
        returned = [s[2] for s in body if s[0] == RETURN and s[2] is not None]
        if len(body) != 1 or len(returned) != 1:
            return None
        return self._applied(home.module, returned[0], class_.name, statement)

    def _applied(self, module: Module, expr: Expr, name: str, statement: Stmt) -> str | None:
        """Strings made of ``cls.__name__`` by the usual ways."""
        own = statement[4][0][0] if statement[4] else "cls"
        if expr == f"{own}.__name__":
            return name
        value = self._string(module, expr)
        if value is not None:
            return value
        if not is_call(expr):
            if type(expr) is tuple and expr[0] == OP and expr[1] == "+":
                left = self._applied(module, expr[2], name, statement)
                right = self._applied(module, expr[3], name, statement)
                return left + right if left is not None and right is not None else None
            if type(expr) is tuple and expr[0] == "fstring":
                parts = [
                    p if type(p) is str else self._applied(module, p[1][0], name, statement)
                    for p in expr[1]
                ]
                return None if None in parts else "".join(p for p in parts if p is not None)
            return None
        func = expr[2]
        if func == f"{own}.__name__.lower" and not expr[3]:
            return name.lower()
        if type(func) is tuple and func[0] == "attr" and func[3] in ("lower", "upper"):
            inner = self._applied(module, func[2], name, statement)
            return getattr(inner, func[3])() if inner is not None else None
        if type(func) is str and len(expr[3]) == 1:
            inner = self._applied(module, expr[3][0], name, statement)
            if inner is not None and re.search(r"snake|underscore", last(func), re.I):
                return snake_case(inner)
            if inner is not None and last(func) in ("lower", "str"):
                return inner.lower() if last(func) == "lower" else inner
        if type(func) is str and last(func) == "sub":
            return self._substituted(module, expr, name, statement)
        return None

    def _substituted(self, module: Module, call: Expr, name: str, statement: Stmt) -> str | None:
        """``re.sub(pattern, repl, name)``, or ``sub`` of a pattern compiled beforehand."""
        args = call[3]
        if len(args) == 2 and call[2].count(".") == 1:
            args = (self._compiled(module, call[2].partition(".")[0]), *args)
        if len(args) != 3:
            return None
        pattern, repl = (self._string(module, e) for e in args[:2])
        inner = self._applied(module, args[2], name, statement)
        if pattern is None or repl is None or inner is None:
            return None
        try:
            return re.sub(pattern, repl, inner)
        except (re.error, IndexError):
            return None

    def _compiled(self, module: Module, dotted: str) -> Expr | None:
        """The pattern of a module's ``NAME = re.compile(pattern)``."""
        target = self.project.resolve(module.name, dotted) or ""
        fact = self.project.names.definition(target)
        for statement in fact.statements if fact else ():
            value = statement[3] if statement[0] == SET else None
            if is_call(value) and last(value[2]) == "compile" and len(value[3]) == 1:
                return value[3][0]
        return None


def snake_case(name: str) -> str:
    """As Flask-SQLAlchemy names a table after its class."""
    name = re.sub(r"((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))", r"_\1", name)
    return name.lower().lstrip("_")
