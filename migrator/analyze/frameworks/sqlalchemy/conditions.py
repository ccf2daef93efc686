"""Conditions on the class that a `declared_attr` is asked for, as far as class attributes tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from migrator.analyze.facts.shape import (
    ANY,
    CONST,
    LIST,
    MINUS,
    NOT,
    ONE_OF,
    OPERATORS,
    SET_,
    STR,
    TUPLE,
    Expr,
    Stmt,
)
from migrator.analyze.frameworks.sqlalchemy.columns import is_call
from migrator.analyze.project.classes import Class
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project

_UNKNOWN = object()
_BY_NAME: dict[str, Callable[[Any, Any], bool]] = {
    "in": lambda left, right: left in right,
    "not in": lambda left, right: left not in right,
    "==": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    "is": lambda left, right: bool(left == right),
    "is not": lambda left, right: bool(left != right),
    "<": lambda left, right: bool(left < right),
    "<=": lambda left, right: bool(left <= right),
    ">": lambda left, right: bool(left > right),
    ">=": lambda left, right: bool(left >= right),
}
_MOST_STEPS = 8
_COLLECTS = {"set", "frozenset", "list", "tuple", "sorted"}


class Conditions:
    """Of the class `class_id`, in a `method` that gets it as its first parameter."""

    def __init__(self, project: Project, class_id: str, method: Stmt) -> None:
        self._project = project
        self._class = class_id
        self._own = method[4][0][0] if method[4] else "cls"
        self._steps = 0
        self._home = project.modules[class_id.partition(":")[0]]

    def truth(self, test: Expr) -> bool | None:
        """Whether the condition holds, None where that is not known."""
        if type(test) is tuple and test[0] == ANY and len(test) > 2:
            if test[2] == NOT:
                known = self.truth(test[1][0])
                return None if known is None else not known
            return self._compared(OPERATORS[test[2]], *test[1])
        if type(test) is tuple and test[0] == ONE_OF:  # facts do not tell `and` from `or`
            parts = {self.truth(part) for part in test[1]}
            return parts.pop() if len(parts) == 1 else None
        value = self._value(test, self._home)
        return None if value is _UNKNOWN else bool(value)

    def _compared(self, operator: str, *sides: Expr) -> bool | None:
        left, right = (self._value(side, self._home) for side in sides)
        if left is _UNKNOWN or right is _UNKNOWN:
            return None
        try:
            return _BY_NAME[operator](left, right)
        except TypeError:
            return None

    def _value(self, expr: Expr, module: Module) -> object:
        """A constant, a tuple of values, or ``module:Class.MEMBER`` for a member of an enum."""
        if type(expr) is tuple:
            if expr[0] in (CONST, STR):
                return expr[1]
            if expr[0] in (LIST, TUPLE, SET_):
                values = tuple(self._value(e, module) for e in expr[1])
                return _UNKNOWN if _UNKNOWN in values else values
            if expr[0] == ANY and len(expr) > 2 and expr[2] == MINUS:
                left, right = (self._value(e, module) for e in expr[1])
                if isinstance(left, tuple) and isinstance(right, tuple):
                    return tuple(v for v in left if v not in right)
                return _UNKNOWN
            if is_call(expr) and type(expr[2]) is str and len(expr[3]) == 1 and not expr[4]:
                return self._called(expr[2], self._value(expr[3][0], module))
            if is_call(expr) and expr[2] in _COLLECTS and not expr[3]:
                return ()
            return _UNKNOWN
        if type(expr) is not str:
            return _UNKNOWN
        if expr.startswith(f"{self._own}."):
            return self._attribute(expr.partition(".")[2])
        return self._named(expr, module)

    def _called(self, name: str, inner: object) -> object:
        if not isinstance(inner, tuple | str) or (isinstance(inner, str) and name != "len"):
            return _UNKNOWN
        if name == "len":
            return len(set(inner) if isinstance(inner, tuple) else inner)
        return inner if name in _COLLECTS else _UNKNOWN

    def _attribute(self, name: str) -> object:
        return self._inherited(self._class, name)

    def _inherited(self, class_id: str, name: str) -> object:
        """The value of a class's attribute; attributes may name each other without end."""
        for class_ in self._project.classes.ancestors(class_id):
            value = class_.value(name)
            if value is not None and self._steps < _MOST_STEPS:
                self._steps += 1
                try:
                    return self._value(value, class_.module)
                finally:
                    self._steps -= 1
        return _UNKNOWN

    def _named(self, dotted: str, module: Module) -> object:
        """A member of an enum is its own name, an enum all its members; of any other class it is
        the attribute's value."""
        target = self._project.resolve(module.name, dotted) or ""
        classes = self._project.classes
        enum = classes.get(target)
        if enum is not None:
            return _members(enum) if self._is_enum(enum) else _UNKNOWN
        owner, _, member = target.rpartition(".")
        class_ = classes.get(owner)
        if class_ is None:
            return _UNKNOWN
        if self._is_enum(class_):
            return target if member in class_.members else _UNKNOWN
        return self._inherited(owner, member)

    def _is_enum(self, class_: Class) -> bool:
        return any(name.endswith(("Enum", "Flag")) for name in class_.mro[1:])


def _members(enum: Class) -> tuple[str, ...]:
    return tuple(
        f"{enum.id}.{name}"
        for name in enum.members
        if not name.startswith("_") and enum.value(name) is not None
    )
