"""Columns as SQLAlchemy declares them, read from facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from migrator.analyze.facts.shape import CALL, CONST, ITEM, OP, STR, TUPLE, Expr
from migrator.analyze.infer.annotations import parsed, text_of
from migrator.model.graph import Column

Resolve = Callable[[str], str | None]
Strings = Callable[[Sequence[Expr]], tuple[str, ...] | None]
Unknown = Callable[[int, str, str], None]
EnumValues = Callable[[str], tuple[str, tuple[str, ...]] | None]

_PYTHON_TYPES = {
    "int": "Integer()", "str": "String()", "bool": "Boolean()", "float": "Float()",
    "bytes": "LargeBinary()", "datetime.datetime": "DateTime()", "datetime.date": "Date()",
    "datetime.time": "Time()", "datetime.timedelta": "Interval()", "decimal.Decimal": "Numeric()",
    "uuid.UUID": "Uuid()",
}  # fmt: skip
_SCHEMA_ITEMS = {
    "ForeignKey", "Sequence", "Identity", "Computed", "CheckConstraint", "FetchedValue",
    "DefaultClause", "UniqueConstraint",
}  # fmt: skip
_KEPT_KEYWORDS = ("length", "precision", "scale", "timezone", "as_uuid", "dimensions")


@dataclass(frozen=True, slots=True)
class ForeignKeyFact:
    """``ForeignKey("table.column")`` as written, or the dotted name of a class attribute."""

    target: str
    on_delete: str | None
    line: int
    is_name: bool = False


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """A column, where it stands (`path` where that is not its model's), and where it points."""

    attribute: str
    column: Column
    foreign_keys: tuple[ForeignKeyFact, ...]
    line: int
    path: str | None = None


def last(name: str | None) -> str:
    return (name or "").rpartition(".")[2].rpartition(":")[2]


def is_call(expr: Expr) -> TypeGuard[tuple[Any, ...]]:
    return type(expr) is tuple and expr[0] == CALL


def text(expr: Expr) -> str | None:
    """A string constant."""
    return expr[1] if type(expr) is tuple and expr[0] == STR else None


def texts_only(exprs: Sequence[Expr]) -> tuple[str, ...] | None:
    """What `exprs` say where all are written out."""
    found = [text(expr) for expr in exprs]
    return tuple(t for t in found if t is not None) if None not in found else None


def constant(expr: Expr) -> object:
    return expr[1] if type(expr) is tuple and expr[0] in (STR, CONST) else None


def keyword(call: Expr | None, name: str) -> Expr | None:
    return next((v for k, v in call[4] if k == name), None) if call is not None else None


class ColumnReader:
    """Reads columns of one module: `resolve` gives a name's meaning, `enum_values` the values of
    one of the monolith's enums, `value` that of a module-level constant, `strings` all that are
    written, named or unpacked. `unknown` is told what cannot be read."""

    def __init__(
        self, resolve: Resolve, enum_values: EnumValues, value: Callable[[str], object],
        strings: Strings, unknown: Unknown,
    ) -> None:  # fmt: skip
        self.resolve = resolve
        self.enum_values = enum_values
        self.value = value
        self.strings = strings
        self.unknown = unknown

    def mapped(
        self, name: str, annotation: Expr | None, call: Expr | None, line: int
    ) -> ColumnFact:
        """``name: Mapped[X] = mapped_column(...)``; either part may be missing."""
        inner, optional = self._mapped_type(annotation)
        arguments = list(call[3]) if call is not None else []
        column_name = name
        given = text(arguments[0]) if arguments else None
        if given is None and arguments and type(arguments[0]) is str:
            known = self.value(arguments[0])
            given = known if isinstance(known, str) else None
        if given is not None:
            column_name = given
            del arguments[0]
        else:
            written_name = text(keyword(call, "name"))
            column_name = written_name if written_name is not None else name
        keys = tuple(k for arg in arguments if (k := self._foreign_key(arg)))
        sqlmodel = text(keyword(call, "foreign_key"))
        if sqlmodel is not None:
            keys += (ForeignKeyFact(sqlmodel, None, line),)
        types = [arg for arg in arguments if not self._is_schema_item(arg)]
        written = types[0] if types else keyword(call, "type_") or keyword(call, "sa_type")
        type_ = self.type_expression(written) if written is not None else self._python_type(inner)
        primary = self._flag(call, "primary_key", False)
        nullable = self._flag(call, "nullable", optional if annotation else not primary)
        column = Column(
            name=column_name,
            type=type_ or ("" if keys else "String()"),
            nullable=nullable and not primary,
            primary_key=primary,
            unique=self._flag(call, "unique", False),
            index=self._flag(call, "index", False),
            server_default=self._server_default(keyword(call, "server_default")),
        )
        return ColumnFact(name, column, keys, line)

    def called(self, expr: Expr) -> str | None:
        """What a call calls, resolved."""
        if not is_call(expr) or type(expr[2]) is not str:
            return None
        return self.resolve(expr[2]) or expr[2]

    def _is_schema_item(self, expr: Expr) -> bool:
        return last(self.called(expr)) in _SCHEMA_ITEMS

    def _foreign_key(self, expr: Expr) -> ForeignKeyFact | None:
        if last(self.called(expr)) != "ForeignKey" or not (expr[3] or expr[4]):
            return None
        first = expr[3][0] if expr[3] else keyword(expr, "column")
        rule = text(keyword(expr, "ondelete"))
        target = text(first)
        if target is not None:
            return ForeignKeyFact(target, rule, expr[1])
        if type(first) is str:
            known = self.value(first)
            if isinstance(known, str):
                return ForeignKeyFact(known, rule, expr[1])
            return ForeignKeyFact(first, rule, expr[1], True)
        return None

    def _mapped_type(self, annotation: Expr | None) -> tuple[Expr | None, bool]:
        expr = annotation
        if text(expr) is not None:
            expr = parsed(text(expr) or "")
        if (
            type(expr) is tuple
            and expr[0] == ITEM
            and last(_name(expr[1])) in ("Mapped", "column_property")
        ):
            expr = expr[2]
        if text(expr) is not None:
            expr = parsed(text(expr) or "")
        return without_none(expr)

    def _python_type(self, expr: Expr | None) -> str | None:
        if type(expr) is tuple and expr[0] == ITEM and last(_name(expr[1])) == "Annotated":
            items = expr[2][1] if expr[2][0] == TUPLE else (expr[2],)
            return self._python_type(items[0])
        if type(expr) is not str:
            return None
        target = self.resolve(expr) or expr
        if target in _PYTHON_TYPES:
            return _PYTHON_TYPES[target]
        found = self.enum_values(target)
        return _enum(found[0].lower(), found[1]) if found else None

    def type_expression(self, expr: Expr) -> str:
        """The type as an expression under ``from sqlalchemy import *``."""
        if is_call(expr):
            called = self.called(expr) or text_of(expr[2])
            if last(called) in ("Enum", "ENUM") and called.startswith("sqlalchemy"):
                return self._enum_expression(expr)
            arguments = [self._argument(arg) for arg in expr[3]]
            arguments += [
                f"{name}={self._argument(value)}"
                for name, value in expr[4]
                if name in _KEPT_KEYWORDS
            ]
            return f"{self._type_name(called)}({', '.join(arguments)})"
        if type(expr) is str:
            return f"{self._type_name(self.resolve(expr) or expr)}()"
        return text_of(expr)

    def _argument(self, expr: Expr) -> str:
        if type(expr) is str:
            value = self.value(expr)
            if isinstance(value, int | str | float):
                return repr(value)
            return self.type_expression(expr)
        return self.type_expression(expr) if is_call(expr) else text_of(expr)

    def _type_name(self, target: str) -> str:
        name = last(target)
        return f"postgresql.{name}" if ".dialects.postgresql" in target else name

    def _enum_expression(self, call: Expr) -> str:
        label = text(keyword(call, "name"))
        if call[3] and type(call[3][0]) is str:
            found = self.enum_values(self.resolve(call[3][0]) or call[3][0])
            if found:
                return _enum(label or found[0].lower(), found[1])
        values = self.strings(call[3])
        if not values:
            self.unknown(call[1], text_of(call), "the values of this enum are computed")
            return "String()"
        return _enum(label, values)

    def _server_default(self, expr: Expr | None) -> str | None:
        if expr is None:
            return None
        value = text(expr)
        if value is not None:
            return "'" + value.replace("'", "''") + "'"
        called = self.called(expr) or ""
        if is_call(expr) and last(called) == "text" and expr[3]:
            return text(expr[3][0])
        if is_call(expr) and ".func." in called:
            return f"{last(called)}({', '.join(text_of(a) for a in expr[3])})"
        name = called or (expr if type(expr) is str else "")
        return last(name) if last(name) in ("true", "false") else None

    def _flag(self, call: Expr | None, name: str, otherwise: bool) -> bool:
        value = keyword(call, name)
        return bool(value[1]) if type(value) is tuple and value[0] == CONST else otherwise


def _name(expr: Expr) -> str:
    return expr if type(expr) is str else ""


def _enum(name: str | None, values: tuple[str, ...]) -> str:
    named = f", name={name!r}" if name else ""
    return f"Enum({', '.join(repr(v) for v in values)}{named})"


def without_none(expr: Expr | None) -> tuple[Expr | None, bool]:
    """The type without ``| None`` or ``Optional``, and whether there was one."""
    if type(expr) is tuple and expr[0] == OP and expr[1] == "|":
        real = [s for s in (expr[2], expr[3]) if s != (CONST, None)]
        return (real[0] if real else None), len(real) < 2
    if type(expr) is tuple and expr[0] == ITEM and last(_name(expr[1])) == "Optional":
        return expr[2], True
    return expr, False
