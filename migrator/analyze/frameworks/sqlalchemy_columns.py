"""Columns as SQLAlchemy declares them, read from the syntax."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from migrator.model.graph import Column

Resolve = Callable[[str], str | None]
EnumValues = Callable[[str], tuple[str, tuple[str, ...]] | None]

_PYTHON_TYPES = {
    "int": "Integer()", "str": "String()", "bool": "Boolean()", "float": "Float()",
    "bytes": "LargeBinary()", "datetime.datetime": "DateTime()", "datetime.date": "Date()",
    "datetime.time": "Time()", "datetime.timedelta": "Interval()", "decimal.Decimal": "Numeric()",
    "uuid.UUID": "Uuid()",
}  # fmt: skip
COLUMN_CALLS = {
    "sqlalchemy.Column", "sqlalchemy.orm.mapped_column", "sqlalchemy.schema.Column",
    "sqlmodel.Field", "sqlalchemy.orm.column_property",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ForeignKeyFact:
    """``ForeignKey("table.column")`` as written, or with a class attribute resolved later."""

    target: str
    on_delete: str | None
    line: int


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """A column, where it stands, and where it points."""

    attribute: str
    column: Column
    foreign_keys: tuple[ForeignKeyFact, ...]
    line: int


class ColumnReader:
    """Reads columns of one module: `resolve` gives a name's meaning, `enum_values` the values of
    one of the monolith's enums, `constant` the value of a module-level constant."""

    def __init__(
        self, resolve: Resolve, enum_values: EnumValues, constant: Callable[[str], object]
    ) -> None:
        self.resolve = resolve
        self.enum_values = enum_values
        self.constant = constant

    def mapped(
        self, name: str, annotation: ast.expr | None, call: ast.Call | None, line: int
    ) -> ColumnFact | None:
        """``name: Mapped[X] = mapped_column(...)``; either part may be missing."""
        inner, optional = self._mapped_type(annotation)
        arguments = list(call.args) if call else []
        column_name = name
        first = arguments[0] if arguments else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            column_name = first.value
            del arguments[0]
        keys = tuple(k for arg in arguments if (k := self._foreign_key(arg)))
        types = [arg for arg in arguments if not self._is_schema_item(arg)]
        written = types[0] if types else self.keyword(call, "type_")
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
            server_default=self._server_default(self.keyword(call, "server_default")),
        )
        return ColumnFact(name, column, keys, line)

    def keyword(self, call: ast.Call | None, name: str) -> ast.expr | None:
        return next((k.value for k in call.keywords if k.arg == name), None) if call else None

    def called(self, node: ast.AST) -> str | None:
        """What a call calls, resolved."""
        if not isinstance(node, ast.Call):
            return None
        dotted = _dotted(node.func)
        return self.resolve(dotted) if dotted else None

    def _is_schema_item(self, node: ast.expr) -> bool:
        called = self.called(node) or ""
        return called.startswith("sqlalchemy") and called.rpartition(".")[2] in {
            "ForeignKey", "Sequence", "Identity", "Computed", "CheckConstraint", "FetchedValue",
        }  # fmt: skip

    def _foreign_key(self, node: ast.expr) -> ForeignKeyFact | None:
        if (self.called(node) or "").rpartition(".")[2] != "ForeignKey":
            return None
        assert isinstance(node, ast.Call)
        if not node.args:
            return None
        first = node.args[0]
        target = first.value if isinstance(first, ast.Constant) else _dotted(first)
        on_delete = self.keyword(node, "ondelete")
        rule = on_delete.value if isinstance(on_delete, ast.Constant) else None
        return ForeignKeyFact(str(target), rule if isinstance(rule, str) else None, node.lineno)

    def _mapped_type(self, annotation: ast.expr | None) -> tuple[ast.expr | None, bool]:
        node = annotation
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                node = ast.parse(node.value, mode="eval").body
            except SyntaxError:
                return None, True
        if isinstance(node, ast.Subscript):
            dotted = _dotted(node.value) or ""
            if dotted.rpartition(".")[2] == "Mapped":
                node = node.slice
        return _without_none(node)

    def _python_type(self, node: ast.expr | None) -> str | None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node = ast.parse(node.value, mode="eval").body
        dotted = _dotted(node) if node is not None else None
        if dotted is None:
            return None
        target = self.resolve(dotted) or dotted
        if target in _PYTHON_TYPES:
            return _PYTHON_TYPES[target]
        found = self.enum_values(target)
        return _enum(found[0].lower(), found[1]) if found else None

    def type_expression(self, node: ast.expr) -> str:
        """The type as an expression under ``from sqlalchemy import *``."""
        if isinstance(node, ast.Call):
            called = self.called(node) or _dotted(node.func) or ""
            if called.startswith("sqlalchemy") and called.rpartition(".")[2] in ("Enum", "ENUM"):
                return self._enum_expression(node)
            arguments = [self._argument(arg) for arg in node.args]
            arguments += [
                f"{k.arg}={self._argument(k.value)}"
                for k in node.keywords
                if k.arg in ("length", "precision", "scale", "timezone", "as_uuid", "dimensions")
            ]
            return f"{self._type_name(called)}({', '.join(arguments)})"
        dotted = _dotted(node)
        return (
            f"{self._type_name(self.resolve(dotted) or dotted)}()" if dotted else ast.unparse(node)
        )

    def _argument(self, node: ast.expr) -> str:
        dotted = _dotted(node)
        if dotted:
            value = self.constant(dotted)
            if isinstance(value, int | str | float):
                return repr(value)
            return self.type_expression(node)
        if isinstance(node, ast.Call):
            return self.type_expression(node)
        return ast.unparse(node)

    def _type_name(self, target: str) -> str:
        name = target.rpartition(".")[2].rpartition(":")[2]
        return f"postgresql.{name}" if ".dialects.postgresql" in target else name

    def _enum_expression(self, node: ast.Call) -> str:
        name = self.keyword(node, "name")
        label = name.value if isinstance(name, ast.Constant) else None
        if node.args and (dotted := _dotted(node.args[0])):
            found = self.enum_values(self.resolve(dotted) or dotted)
            if found:
                values = found[1]
                return _enum(str(label or found[0].lower()), values)
        values = tuple(str(a.value) for a in node.args if isinstance(a, ast.Constant))
        return _enum(str(label) if label else None, values)

    def _server_default(self, node: ast.expr | None) -> str | None:
        if node is None:
            return None
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return "'" + node.value.replace("'", "''") + "'"
        called = self.called(node) or ""
        if isinstance(node, ast.Call) and called.endswith("text") and node.args:
            first = node.args[0]
            return str(first.value) if isinstance(first, ast.Constant) else None
        if isinstance(node, ast.Call) and ".func." in called:
            arguments = ", ".join(ast.unparse(a) for a in node.args)
            return f"{called.rpartition('.')[2]}({arguments})"
        dotted = _dotted(node) or ""
        if dotted.endswith(("true", "false")):
            return dotted.rpartition(".")[2]
        return called.rpartition(".")[2] if called.endswith((".true", ".false")) else None

    def _flag(self, call: ast.Call | None, name: str, otherwise: bool) -> bool:
        value = self.keyword(call, name)
        return bool(value.value) if isinstance(value, ast.Constant) else otherwise


def _enum(name: str | None, values: tuple[str, ...]) -> str:
    named = f", name={name!r}" if name else ""
    return f"Enum({', '.join(repr(v) for v in values)}{named})"


def _without_none(node: ast.expr | None) -> tuple[ast.expr | None, bool]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        sides = [node.left, node.right]
        real = [s for s in sides if not (isinstance(s, ast.Constant) and s.value is None)]
        return (real[0] if real else None), len(real) < len(sides)
    if isinstance(node, ast.Subscript) and (_dotted(node.value) or "").endswith("Optional"):
        return node.slice, True
    return node, False


def _dotted(node: ast.AST) -> str | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    return ".".join([node.id, *parts]) if isinstance(node, ast.Name) else None
