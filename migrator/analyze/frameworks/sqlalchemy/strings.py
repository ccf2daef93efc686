"""Strings, constants and enums that a declaration names instead of writing them."""

from __future__ import annotations

from collections.abc import Iterable

from migrator.analyze.facts.shape import (
    CONST,
    LIST,
    OP,
    SET,
    STAR,
    TUPLE,
    Expr,
)
from migrator.analyze.frameworks.sqlalchemy.columns import (
    ColumnReader,
    constant,
    text,
)
from migrator.analyze.project.classes import Class
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Schema
from migrator.model.graph import Unresolved


class Strings:
    """Reads them in the scope of a module or class; tells what cannot be read."""

    def __init__(self, project: Project, schema: Schema) -> None:
        self.project = project
        self.schema = schema

    def _constant(self, module: Module, dotted: str) -> object:
        return constant(self._named(module, dotted))

    def _named(self, module: Module, dotted: str) -> Expr | None:
        """What a constant of a module or class was set to."""
        target = self.project.resolve(module.name, dotted) or ""
        owner, _, attribute = target.rpartition(".")
        class_ = self.project.classes.get(owner)
        if class_ is not None:
            return class_.value(attribute)
        fact = self.project.names.definition(target)
        if fact is None or fact.kind != "variable":
            return None
        return next((s[3] for s in fact.statements if s[0] == SET), None)

    def _string(self, module: Module, expr: Expr | None, class_: Class | None = None) -> str | None:
        """A string constant, a name of one, or a sum of such."""
        if expr is None:
            return None
        found = text(expr)
        if found is not None:
            return found
        if type(expr) is str:
            if class_ is not None and class_.value(expr) is not None:
                return self._string(module, class_.value(expr))
            value = self._constant(module, expr)
            if isinstance(value, str):
                return value
            owner, _, attribute = expr.rpartition(".")
            target = self.project.resolve(module.name, owner) if owner else None
            if attribute in ("__tablename__", "name") and target:
                own = self.project.classes.get(target)
                written = own.value("__tablename__") if own else None
                named = own is not None and written != expr
                return self._string(own.module, written, own) if own and named else None
            return None
        if type(expr) is tuple and expr[0] == OP and expr[1] == "+":
            left, right = self._string(module, expr[2]), self._string(module, expr[3])
            return left + right if left is not None and right is not None else None
        if type(expr) is tuple and expr[0] == OP and expr[1] == "%":
            return self._filled(module, expr)
        if type(expr) is tuple and expr[0] == "fstring":
            parts = [
                p if type(p) is str else self._string(module, p[1][0], class_) for p in expr[1]
            ]
            return None if None in parts else "".join(p for p in parts if p is not None)
        return None

    def _strings(
        self, module: Module, exprs: Iterable[Expr], class_: Class | None
    ) -> tuple[str, ...] | None:
        """The strings that are written, named or unpacked there; None where one cannot be read."""
        found: list[str] = []
        for expr in exprs:
            unpacked = type(expr) is tuple and expr[0] == STAR
            read = self._display(module, expr[1], class_) if unpacked else None
            one = None if unpacked else self._string(module, expr, class_)
            if read is None and one is None:
                return None
            found += read if read is not None else [str(one)]
        return tuple(found)

    def _display(self, module: Module, expr: Expr, class_: Class | None) -> tuple[str, ...] | None:
        """What is in a list or tuple, or in one that a constant of the module or class names."""
        if type(expr) is str:
            own = class_.value(expr) if class_ is not None else None
            expr = own if own is not None else self._named(module, expr)
        if type(expr) is tuple and expr[0] in (TUPLE, LIST):
            return self._strings(module, expr[1], class_)
        return None

    def _filled(self, module: Module, expr: Expr) -> str | None:
        pattern = self._string(module, expr[2])
        given = expr[3][1] if type(expr[3]) is tuple and expr[3][0] == TUPLE else (expr[3],)
        values = [self._string(module, g) for g in given]
        if pattern is None or None in values:
            return None
        try:
            return pattern % tuple(values)
        except (TypeError, ValueError):
            return None

    def _enum_values(self, target: str) -> tuple[str, tuple[str, ...]] | None:
        class_ = self.project.classes.get(target)
        if class_ is None:
            return None
        members = tuple(
            name
            for name in class_.members
            if not name.startswith("_") and class_.value(name) is not None
        )
        return (class_.name, members) if members else None

    def reader(self, module: Module, class_: Class | None = None) -> ColumnReader:
        return ColumnReader(
            lambda dotted: self.project.resolve(module.name, dotted),
            self._enum_values,
            lambda dotted: self._constant(module, dotted),
            lambda exprs: self._strings(module, exprs, class_),
            lambda line, what, why: self._unknown(module, line, what, why),
        )

    def _texts(self, expr: Expr) -> tuple[str, ...]:
        elements = expr[1] if type(expr) is tuple and expr[0] in (TUPLE, LIST) else ()
        return tuple(t for e in elements if (t := text(e)) is not None)

    def _is_true(self, expr: Expr | None) -> bool:
        return type(expr) is tuple and expr[0] == CONST and bool(expr[1])

    def _is_false(self, expr: Expr | None) -> bool:
        return expr == (CONST, False)

    def _unknown(self, module: Module, line: int, what: str, why: str) -> None:
        self.schema.unresolved.append(Unresolved(module.path, line, what, why))
