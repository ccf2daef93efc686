"""marshmallow: a schema that is given rows reads what its fields name."""

from __future__ import annotations

from typing import ClassVar

from migrator.analyze.facts.shape import CALL, LAMBDA, SET, STR, Expr
from migrator.analyze.frameworks.protocol import At, Framework
from migrator.analyze.infer.values import Call, Closure, Instance, Many, Method, Value, options

_DUMPS = {"dump", "dumps", "jsonify"}
_NESTED = {"Nested", "Pluck"}
_DEEPEST = 3


class Marshmallow(Framework):
    """``UserSchema().dump(user)``."""

    name: ClassVar[str] = "marshmallow"
    packages: ClassVar[tuple[str, ...]] = (
        "marshmallow", "marshmallow_sqlalchemy", "flask_marshmallow",
    )  # fmt: skip

    def call(self, at: At, function: Value, call: Call) -> Value | None:
        if type(function) is not Method or function.home is not None:
            return None
        owner = function.owner
        if function.name in _DUMPS and type(owner) is Instance and ":" in owner.cls:
            for row in _rows(at, call.argument(0, "obj"), call.line):
                _shown(at, owner.cls, row, call.line, 0)
        return None


def _rows(at: At, value: Value | None, line: int) -> list[Value]:
    """The objects in a value: one, or those of a collection."""
    found: list[Value] = []
    for option in options(value):
        if type(option) is Instance:
            found.append(option)
        else:
            inner = option.item if type(option) is Many else at.element(option, line)
            found += [o for o in options(inner) if type(o) is Instance]
    return found


def _shown(at: At, schema: str, row: Value, line: int, depth: int) -> None:
    """Read from `row` what the fields of class `schema` show of it."""
    seen: set[str] = set()
    for class_ in at.project.classes.ancestors(schema):
        for name, statements in class_.members.items():
            statement = statements[-1]
            field = statement[3] if statement[0] == SET else None
            if name in seen or type(field) is not tuple or field[0] != CALL:
                continue
            seen.add(name)
            kind = at.project.resolved(class_.module.name, field[2])
            if "fields." not in kind and not kind.startswith("marshmallow"):
                continue
            options_ = dict(field[4])
            if options_.get("load_only") == ("const", True):
                continue
            last = kind.rpartition(".")[2]
            if last == "Function":
                _computed(at, field, row, line)
            elif last != "Method":
                written = _text(options_.get("attribute")) or name
                value = at.attribute(row, written.partition(".")[0], line)
                if last in _NESTED and field[3] and depth < _DEEPEST:
                    inner = at.project.resolved(class_.module.name, field[3][0])
                    for one in _rows(at, value, line) if inner in at.project.classes.by_id else ():
                        _shown(at, inner, one, line, depth + 1)


def _computed(at: At, field: Expr, row: Value, line: int) -> None:
    """``fields.Function(lambda user: user.group.name)``."""
    first = field[3][0] if field[3] else None
    if type(first) is tuple and first[0] == LAMBDA:
        at.call(Closure(first[1], first[2]), Call(line, None, (), (row,), {}, {}))


def _text(expr: Expr | None) -> str | None:
    return expr[1] if type(expr) is tuple and expr[0] == STR else None
