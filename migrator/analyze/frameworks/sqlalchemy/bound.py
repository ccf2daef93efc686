"""What a `declared_attr` says of one class: ``cls.something`` replaced by what the class says."""

from __future__ import annotations

from collections.abc import Callable

from migrator.analyze.facts.shape import CONST, FSTRING, OP, STR, Expr, Stmt
from migrator.analyze.project.project import Project

_NAMES = {"__table__.fullname": 0, "__table__.name": 1, "__tablename__": 1}
TableOf = Callable[[str], tuple[str, str] | None]


class Bound:
    """Of class `class_id`, in a `method` that gets it as its first parameter. `table_of` gives a
    class's table: its id, and its name alone."""

    def __init__(self, project: Project, class_id: str, method: Stmt, table_of: TableOf) -> None:
        self._project = project
        self._class = class_id
        self._prefix = f"{method[4][0][0] if method[4] else 'cls'}."
        self._table_of = table_of

    def __call__(self, expr: Expr) -> Expr:
        """The expression with every attribute of the class replaced that is a constant or a class;
        strings that are whole then are put together."""
        if type(expr) is str:
            return self._attribute(expr) if expr.startswith(self._prefix) else expr
        if type(expr) is not tuple:
            return expr
        found = tuple([self(part) for part in expr])
        if found and found[0] == FSTRING and len(found) == 2 and type(found[1]) is tuple:
            return _joined(found)
        if found and found[0] == OP and len(found) == 4 and found[1] == "+":
            left, right = found[2], found[3]
            if _is_text(left) and _is_text(right):
                return (STR, left[1] + right[1])
        return found

    def _attribute(self, dotted: str) -> Expr:
        name, _, rest = dotted[len(self._prefix) :].partition(".")
        if name in ("__tablename__", "__table__"):
            return self._table(self._class, f"{name}.{rest}" if rest else name) or dotted
        for class_ in self._project.classes.ancestors(self._class):
            value = class_.value(name)
            if value is None:
                continue
            if type(value) is tuple and value[0] in (STR, CONST) and not rest:
                return value
            target = self._project.resolve(class_.module.name, value) if type(value) is str else ""
            if not target or self._project.classes.get(target) is None:
                return dotted
            return (self._table(target, rest) or dotted) if rest else target
        return dotted

    def _table(self, class_id: str, attribute: str) -> Expr | None:
        place = _NAMES.get(attribute)
        known = self._table_of(class_id) if place is not None else None
        return (STR, known[place]) if known is not None and place is not None else None


def _is_text(expr: Expr) -> bool:
    return type(expr) is tuple and len(expr) == 2 and expr[0] == STR and type(expr[1]) is str


def _joined(expr: Expr) -> Expr:
    """The string that an f-string is where all its holes are filled."""
    whole = ""
    for part in expr[1]:
        filled = part if type(part) is str else part[1][0]
        if type(part) is not str and not _is_text(filled):
            return expr
        whole += part if type(part) is str else filled[1]
    return (STR, whole)
