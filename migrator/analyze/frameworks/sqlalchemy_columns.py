"""Columns as SQLAlchemy means them: type, nullability, keys, defaults, constraints."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from migrator.analyze.schema_sources import UNKNOWN, EnumClass, Sources, dotted, keyword
from migrator.model.graph import Column, Constraint

NULL_TYPE = "NullType()"
PYTHON_TYPES = {
    "int": "Integer()", "str": "String()", "bool": "Boolean()", "float": "Float()",
    "bytes": "LargeBinary()", "datetime.datetime": "DateTime()", "datetime.date": "Date()",
    "datetime.time": "Time()", "datetime.timedelta": "Interval()", "decimal.Decimal": "Numeric()",
    "uuid.UUID": "Uuid()",
}  # fmt: skip
SQLALCHEMY = ("sqlalchemy", "flask_sqlalchemy", "sqlmodel", "alembic")


@dataclass(frozen=True, slots=True)
class ForeignKeyFacts:
    """A foreign key as written: `targets` are ``table.column`` texts or definition attributes."""

    columns: tuple[str, ...]
    targets: tuple[str, ...]
    line: int
    on_delete: str | None = None
    name: str | None = None


@dataclass(slots=True)
class ColumnFacts:
    """A column, its foreign keys, and what of it could not be understood."""

    column: Column
    foreign_keys: list[ForeignKeyFacts] = field(default_factory=list)
    constraints: list[Constraint] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    line: int = 0


def last(name: str | None) -> str:
    """``b`` of ``a.b``, empty for None and for the monolith's own names."""
    if not name or ":" in name:
        return ""
    return name.rpartition(".")[2] if name.partition(".")[0] in SQLALCHEMY else ""


class ColumnReader:
    """Reads ``Column(...)``, ``mapped_column(...)`` and ``Mapped[...]``."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources

    def called(self, node: ast.AST | None, module: str) -> str:
        """The SQLAlchemy name that a call calls."""
        if not isinstance(node, ast.Call):
            return ""
        return last(self.sources.resolve(module, node.func))

    def column(
        self, call: ast.Call | None, annotation: ast.expr | None, attribute: str, module: str,
        annotation_map: dict[str, str] | None = None,
    ) -> ColumnFacts:
        """The column of an attribute; `annotation` is what stands inside ``Mapped[...]``."""
        inner, optional, extra = self._annotation(annotation, module)
        calls = [c for c in (call, extra) if c is not None]
        args = [arg for c in calls for arg in c.args]
        options = {k.arg: k.value for c in reversed(calls) for k in c.keywords if k.arg}
        name, facts = attribute, ColumnFacts(Column(attribute, ""), line=0)
        given: str | None = None
        explicit = options.get("name")
        for index, arg in enumerate(args):
            text = self.sources.constant(arg, module) if index == 0 else UNKNOWN
            if isinstance(text, str):
                name = text
                continue
            made = self.called(arg, module)
            if made == "ForeignKey" and isinstance(arg, ast.Call):
                facts.foreign_keys.append(self.foreign_key(arg, module))
            elif made == "CheckConstraint" and isinstance(arg, ast.Call):
                facts.constraints += self.constraint(arg, module, {})
            elif made in ("Identity", "Sequence"):
                continue
            elif made in ("Computed", "FetchedValue"):
                facts.problems.append(f"{made}(...) is not read")
            elif given is None and (read := self.type(arg, module)):
                given = read
        if isinstance(explicit, ast.Constant) and isinstance(explicit.value, str):
            name = explicit.value
        if given is None and "type_" in options:
            given = self.type(options["type_"], module)
        if given is None and inner is not None:
            given = self.annotated_type(inner, module, annotation_map or {})
        if not given and not facts.foreign_keys:
            facts.problems.append("its type is not resolved")
            given = NULL_TYPE
        primary = self._flag(options.get("primary_key"), module) or False
        nullable = self._flag(options.get("nullable"), module)
        if nullable is None:
            nullable = not primary and (optional or annotation is None)
        facts.column = Column(
            name=name,
            type=given or "",
            nullable=nullable and not primary,
            primary_key=primary,
            unique=self._flag(options.get("unique"), module) or False,
            index=self._flag(options.get("index"), module) or False,
            server_default=self._default(options.get("server_default"), module, facts),
            autoincrement=self._flag(options.get("autoincrement"), module),
        )
        facts.foreign_keys = [
            ForeignKeyFacts((name,), k.targets, k.line, k.on_delete, k.name)
            for k in facts.foreign_keys
        ]
        return facts

    def _flag(self, node: ast.expr | None, module: str) -> bool | None:
        value = self.sources.constant(node, module)
        return value if isinstance(value, bool) else None

    def _default(self, node: ast.expr | None, module: str, facts: ColumnFacts) -> str | None:
        if node is None or (isinstance(node, ast.Constant) and node.value is None):
            return None
        value = self.sources.constant(node, module)
        if isinstance(value, str):
            return "'" + value.replace("'", "''") + "'"
        text = self.expression(node, module)
        if text is None:
            facts.problems.append("its server default is not resolved")
        return text

    def expression(self, node: ast.expr, module: str) -> str | None:
        """The SQL text of ``text("now()")``, ``func.now()``, ``true()``."""
        if not isinstance(node, ast.Call):
            return None
        name = self.sources.resolve(module, node.func) or ""
        if last(name) in ("text", "literal_column"):
            value = self.sources.constant(node.args[0], module) if node.args else UNKNOWN
            return value if isinstance(value, str) else None
        if last(name) in ("true", "false", "null"):
            return last(name)
        if name.startswith("sqlalchemy.") and ".func." in name:
            if last(name).startswith("current_"):
                return last(name).upper()
            parts = [self._argument(arg, module) for arg in node.args]
            return None if None in parts else f"{last(name)}({', '.join(p for p in parts if p)})"
        return None

    def _argument(self, node: ast.expr, module: str) -> str | None:
        value = self.sources.constant(node, module)
        if isinstance(value, str):
            return "'" + value.replace("'", "''") + "'"
        return str(value) if isinstance(value, int | float) else self.expression(node, module)

    # --- types ------------------------------------------------------------------------------

    def type(self, node: ast.expr, module: str, depth: int = 0) -> str | None:
        """A type expression with its constants resolved: ``String(255)``."""
        call = node if isinstance(node, ast.Call) else None
        name = self.sources.resolve(module, call.func if call else node)
        if not name or depth > 5:
            return None
        if ":" in name:
            return self._own_type(name, call, module, depth)
        if name.partition(".")[0] not in SQLALCHEMY:
            return None
        short = name.rpartition(".")[2]
        if not short[:1].isupper():
            return None
        if short == "Enum":
            return self._enum(call, module) if call else None
        prefix = "postgresql." if ".postgresql" in name else ""
        if call and isinstance(node, ast.Call) and short == "with_variant":
            return None
        parts = self._arguments(call, module, depth) if call else []
        return None if parts is None else f"{prefix}{short}({', '.join(parts)})"

    def _arguments(self, call: ast.Call, module: str, depth: int) -> list[str] | None:
        parts: list[str] = []
        for label, arg in [(None, a) for a in call.args] + [(k.arg, k.value) for k in call.keywords]:
            value = self.sources.constant(arg, module)
            text = repr(value) if value is not UNKNOWN else self.type(arg, module, depth + 1)
            if text is None:
                if label in ("none_as_null", "astext_type"):
                    continue
                return None
            parts.append(f"{label}={text}" if label else text)
        return parts

    def _own_type(self, name: str, call: ast.Call | None, module: str, depth: int) -> str | None:
        """A ``TypeDecorator`` is its ``impl``; a variable is what it was assigned."""
        if name in self.sources.values:
            return self.type(self.sources.values[name], name.partition(":")[0], depth + 1)
        if name not in self.sources.classes:
            return None
        if impl := self.sources.member(name, "impl"):
            text = self.type(impl[1], impl[0], depth + 1)
            takes_length = call is not None and bool(call.args) and isinstance(impl[1], ast.Name)
            if text and call and takes_length and text.endswith("()"):
                parts = self._arguments(call, module, depth)
                return f"{text[:-2]}({', '.join(parts)})" if parts else text
            return text
        for base in self.sources.bases(name):
            if last(base)[:1].isupper() and last(base) not in ("TypeDecorator", "UserDefinedType"):
                return f"{last(base)}()"
        return None

    def _enum(self, call: ast.Call, module: str) -> str | None:
        options = {k.arg: k.value for k in call.keywords}
        found: EnumClass | None = None
        values: list[object] = []
        for arg in call.args:
            own = self.sources.resolve(module, arg)
            found = self.sources.enum(own) if own and ":" in own else None
            if found is None:
                values.append(self.sources.constant(arg, module))
        if found:
            by_value = "values_callable" in options
            values = [value if by_value else name for name, value in found.members]
        if not values or UNKNOWN in values:
            return None
        parts = [repr(value) for value in values]
        if found and "name" not in options:
            parts.append(f"name={found.name.lower()!r}")
        for label in ("name", "native_enum", "length", "create_constraint", "schema"):
            value = self.sources.constant(options.get(label), module)
            if value is not UNKNOWN:
                parts.append(f"{label}={value!r}")
        return f"Enum({', '.join(parts)})"

    def _annotation(
        self, node: ast.expr | None, module: str
    ) -> tuple[ast.expr | None, bool, ast.Call | None]:
        """What is annotated, whether None is allowed, and the call inside ``Annotated``."""
        extra: ast.Call | None = None
        optional = False
        for _ in range(6):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                node = parse_annotation(node.value)
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
                sides = [s for s in (node.left, node.right) if not _is_none(s)]
                optional, node = optional or len(sides) == 1, sides[0] if sides else None
            elif isinstance(node, ast.Subscript) and last_part(node.value) == "Optional":
                optional, node = True, node.slice
            elif isinstance(node, ast.Subscript) and last_part(node.value) == "Annotated":
                items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
                found = [i for i in items if self.called(i, module) in ("mapped_column", "Column")]
                extra = found[0] if found and isinstance(found[0], ast.Call) else extra
                node = items[0]
            elif (own := self.sources.resolve(module, node)) and own in self.sources.values:
                node, module = self.sources.values[own], own.partition(":")[0]
            else:
                break
        return node, optional, extra

    def annotated_type(self, node: ast.expr, module: str, known: dict[str, str]) -> str | None:
        """The type that SQLAlchemy infers from ``Mapped[...]``."""
        if isinstance(node, ast.Subscript) and last_part(node.value) == "Literal":
            items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            values = ", ".join(repr(self.sources.constant(i, module)) for i in items)
            return f"Enum({values}, native_enum=False)"
        name = self.sources.resolve(module, node) or dotted(node) or ast.unparse(node)
        if name in known:
            return known[name]
        if found := self.sources.enum(name):
            parts = [repr(member) for member, _ in found.members]
            return f"Enum({', '.join(parts)}, name={found.name.lower()!r})"
        return PYTHON_TYPES.get(name.removeprefix("builtins."))

    # --- keys and constraints ---------------------------------------------------------------

    def foreign_key(self, call: ast.Call, module: str) -> ForeignKeyFacts:
        """``ForeignKey("users.id", ondelete=...)``; the columns are the caller's to fill."""
        target = self._target(call.args[0], module) if call.args else ""
        return ForeignKeyFacts((), (target,), call.lineno, *self._key_options(call, module))

    def _key_options(self, call: ast.Call, module: str) -> tuple[str | None, str | None]:
        on_delete = self.sources.constant(keyword(call, "ondelete"), module)
        name = self.sources.constant(keyword(call, "name"), module)
        return (
            on_delete if isinstance(on_delete, str) else None,
            name if isinstance(name, str) else None,
        )

    def _target(self, node: ast.expr, module: str) -> str:
        value = self.sources.constant(node, module)
        if isinstance(value, str):
            return value
        return self.sources.resolve(module, node) or ""

    def foreign_key_constraint(self, call: ast.Call, module: str) -> ForeignKeyFacts | None:
        """``ForeignKeyConstraint([columns], [targets])``."""
        if len(call.args) < 2:
            return None
        columns = self.sources.constant(call.args[0], module)
        elements = getattr(call.args[1], "elts", [])
        if not isinstance(columns, tuple):
            return None
        targets = tuple(self._target(element, module) for element in elements)
        options = self._key_options(call, module)
        return ForeignKeyFacts(tuple(map(str, columns)), targets, call.lineno, *options)

    def constraint(self, call: ast.Call, module: str, columns: dict[str, str]) -> list[Constraint]:
        """Unique, check, index and primary key; `columns` maps attributes to column names."""
        kind = self.called(call, module)
        given = self.sources.constant(keyword(call, "name"), module)
        name = given if isinstance(given, str) else None
        args = list(call.args)
        if kind == "CheckConstraint":
            value = self.sources.constant(args[0], module) if args else UNKNOWN
            text = value if isinstance(value, str) else self.expression(args[0], module)
            return [Constraint("check", (), name, text)] if text else []
        if kind == "Index" and args:
            first = self.sources.constant(args.pop(0), module)
            name = first if isinstance(first, str) else None
        found = [self._column_name(arg, module, columns) for arg in args]
        if kind in ("UniqueConstraint", "PrimaryKeyConstraint"):
            kinds = "unique" if kind == "UniqueConstraint" else "primary_key"
            known = tuple(n for n in found if n)
            return [Constraint(kinds, known, name)] if known else []  # type: ignore[arg-type]
        unique = self._flag(keyword(call, "unique"), module) or False
        if None in found or not found:
            text = ", ".join(ast.unparse(arg) for arg in args)
            return [Constraint("index", (), name, text, unique)]
        return [Constraint("index", tuple(n for n in found if n), name, None, unique)]

    def _column_name(self, node: ast.expr, module: str, columns: dict[str, str]) -> str | None:
        if isinstance(node, ast.Name) and node.id in columns:
            return columns[node.id]
        value = self.sources.constant(node, module)
        if isinstance(value, str):
            return columns.get(value, value)
        if isinstance(node, ast.Attribute):
            return columns.get(node.attr)
        return None


def parse_annotation(text: str) -> ast.expr | None:
    """A quoted annotation as an expression."""
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        return None


def last_part(node: ast.AST) -> str:
    """The last name of ``typing.Optional``."""
    return (dotted(node) or "").rpartition(".")[2]


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
