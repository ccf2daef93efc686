"""Where the top-level classes, functions and values of the monolith are, and what constants say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from migrator.analyze.names import Names, ParsedModule

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
MAX_DEPTH = 12
ENUMS = ("enum.Enum", "enum.StrEnum", "enum.IntEnum", "enum.Flag", "enum.IntFlag")


class Unknown:
    """The value of an expression that only running the code could tell."""


UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True)
class EnumClass:
    """The members of an enum class in order."""

    name: str
    members: tuple[tuple[str, object], ...]


def dotted(node: ast.AST | None) -> str | None:
    """``a.b.c`` of a chain of names, None of anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


def statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run at the top level, those inside ``if``, ``try``, ``with`` too."""
    for node in body:
        yield node
        for inner in ("body", "orelse", "finalbody", "handlers"):
            if isinstance(node, ast.If | ast.Try | ast.With | ast.For):
                for part in getattr(node, inner, ()):
                    if isinstance(part, ast.ExceptHandler):
                        yield from statements(part.body)
                    else:
                        yield from statements([part])


def assigned(node: ast.stmt) -> tuple[str, ast.expr] | None:
    """The name and value of a simple assignment."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, value = node.targets[0], node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        target, value = node.target, node.value
    else:
        return None
    return (target.id, value) if isinstance(target, ast.Name) else None


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The keyword argument of that name."""
    return next((k.value for k in call.keywords if k.arg == name), None)


class Sources:
    """All modules' top-level classes, functions and assigned values by definition id."""

    def __init__(self, modules: Sequence[ParsedModule], names: Names) -> None:
        self.names = names
        self.modules: dict[str, ParsedModule] = {m.name: m for m in modules}
        self.classes: dict[str, ast.ClassDef] = {}
        self.functions: dict[str, FunctionNode] = {}
        self.values: dict[str, ast.expr] = {}
        for module in modules:
            self._index(module)

    def _index(self, module: ParsedModule) -> None:
        for node in statements(module.tree.body):
            if isinstance(node, ast.ClassDef):
                self.classes[f"{module.name}:{node.name}"] = node
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.functions[f"{module.name}:{node.name}"] = node
            elif pair := assigned(node):
                self.values.setdefault(f"{module.name}:{pair[0]}", pair[1])

    def path(self, module: str) -> str:
        """The module's path relative to the root."""
        return str(self.modules[module].path)

    def resolve(self, module: str, node: ast.AST | None) -> str | None:
        """What a name used at the top level means; `Flask-SQLAlchemy`'s ``db.X`` is unfolded."""
        name = dotted(node)
        found = self.names.resolve(module, name) if name else None
        return self.unfold(found) if found else None

    def unfold(self, found: str) -> str:
        """``pkg.mod:db.Column`` is ``sqlalchemy.Column`` when ``db`` is a ``SQLAlchemy()``."""
        owner, colon, name = found.partition(":")
        head, dot, rest = name.partition(".")
        value = self.values.get(f"{owner}:{head}") if colon and dot else None
        if isinstance(value, ast.Call):
            made = self.names.resolve(owner, dotted(value.func) or "")
            if made and made.rpartition(".")[2] == "SQLAlchemy":
                if rest == "Model":
                    return "flask_sqlalchemy.Model"
                return f"sqlalchemy.orm.{rest}" if rest == "relationship" else f"sqlalchemy.{rest}"
        return found

    def bases(self, definition: str) -> list[str]:
        """What the class's bases mean; unresolved ones are left out."""
        node = self.classes[definition]
        module = definition.partition(":")[0]
        plain = [b.value if isinstance(b, ast.Subscript) else b for b in node.bases]
        return [found for base in plain if (found := self.resolve(module, base))]

    def ancestors(self, definition: str) -> list[str]:
        """Own and foreign ancestors, nearest first."""
        found: list[str] = []
        waiting = self.bases(definition) if definition in self.classes else []
        while waiting:
            base = waiting.pop(0)
            if base not in found and base != definition:
                found.append(base)
                waiting = (self.bases(base) if base in self.classes else []) + waiting
        return found

    def member(self, definition: str, name: str) -> tuple[str, ast.expr] | None:
        """A class attribute's value and the module it is written in, own or inherited."""
        for owner in [definition, *self.ancestors(definition)]:
            node = self.classes.get(owner)
            for statement in node.body if node else ():
                pair = assigned(statement)
                if pair and pair[0] == name:
                    return owner.partition(":")[0], pair[1]
        return None

    def enum(self, definition: str) -> EnumClass | None:
        """The enum's members, None when the class is none."""
        if definition not in self.classes:
            return None
        if not any(base in ENUMS for base in self.ancestors(definition)):
            return None
        node, module = self.classes[definition], definition.partition(":")[0]
        members: list[tuple[str, object]] = []
        for statement in node.body:
            pair = assigned(statement)
            if pair and not pair[0].startswith("_"):
                automatic = isinstance(pair[1], ast.Call)
                value: object = pair[0].lower() if automatic else self.constant(pair[1], module)
                members.append((pair[0], value))
        return EnumClass(node.name, tuple(members))

    def constant(
        self, node: ast.AST | None, module: str, bound: Mapping[str, object] | None = None,
        depth: int = 0,
    ) -> object:
        """The value of an expression of constants, `UNKNOWN` when it is not one."""
        if node is None or depth > MAX_DEPTH:
            return UNKNOWN
        if isinstance(node, ast.Constant):
            return node.value
        name = dotted(node)
        if name and bound and name in bound:
            return bound[name]
        if name:
            return self._named_constant(name, module, depth)
        return self._composed(node, module, bound, depth)

    def _composed(
        self, node: ast.AST, module: str, bound: Mapping[str, object] | None, depth: int
    ) -> object:
        def value(part: ast.AST) -> object:
            return self.constant(part, module, bound, depth + 1)

        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            number = value(node.operand)
            return -number if isinstance(number, int | float) else UNKNOWN
        if isinstance(node, ast.Tuple | ast.List):
            items = [value(item) for item in node.elts]
            return UNKNOWN if UNKNOWN in items else tuple(items)
        if isinstance(node, ast.JoinedStr):
            parts = [
                value(p.value if isinstance(p, ast.FormattedValue) else p) for p in node.values
            ]
            return UNKNOWN if UNKNOWN in parts else "".join(str(part) for part in parts)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = value(node.left), value(node.right)
            if isinstance(left, str) and isinstance(right, str):
                return left + right
            if isinstance(left, tuple) and isinstance(right, tuple):
                return left + right
        if isinstance(node, ast.Call):
            return _string_call(node, [value(arg) for arg in node.args], value)
        return UNKNOWN

    def _named_constant(self, name: str, module: str, depth: int) -> object:
        found = self.names.resolve(module, name)
        if not found or ":" not in found:
            return UNKNOWN
        owner, _, path = found.partition(":")
        parts = path.split(".")
        definition = f"{owner}:{parts[0]}"
        if len(parts) == 1:
            return self.constant(self.values.get(definition), owner, None, depth + 1)
        enum = self.enum(definition)
        if enum and len(parts) == 3 and parts[2] in ("value", "name"):
            members = dict(enum.members)
            return members.get(parts[1], UNKNOWN) if parts[2] == "value" else parts[1]
        if enum is None and len(parts) == 2 and definition in self.classes:
            member = self.member(definition, parts[1])
            return self.constant(member[1], member[0], None, depth + 1) if member else UNKNOWN
        return UNKNOWN


def _string_call(node: ast.Call, args: list[object], value: object) -> object:
    """String methods and ``re.sub`` over constants: table names are often made so."""
    texts = [arg for arg in args if isinstance(arg, str)]
    if len(texts) != len(args) or node.keywords or not isinstance(node.func, ast.Attribute):
        return UNKNOWN
    method = node.func.attr
    if dotted(node.func) == "re.sub" and len(texts) == 3:
        try:
            return re.sub(texts[0], texts[1], texts[2])
        except re.error:
            return UNKNOWN
    receiver = value(node.func.value) if callable(value) else UNKNOWN
    if isinstance(receiver, str) and method in ("lower", "upper", "strip", "replace", "title"):
        try:
            return str(getattr(receiver, method)(*texts))
        except TypeError:
            return UNKNOWN
    return UNKNOWN
