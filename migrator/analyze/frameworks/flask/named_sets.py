"""Sets of names that classes keep in attributes, put together from constants of others."""

from __future__ import annotations

from collections.abc import Callable

from migrator.analyze.facts.shape import CALL, LIST, OP, SET, SET_, TUPLE, Expr
from migrator.analyze.project.classes import Class
from migrator.analyze.project.constants import string_of
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project

_DEEPEST = 6
_Within = Callable[[str], Expr | None]


def texts_of(project: Project, class_: Class, attribute: str) -> set[str] | None:
    """The strings in a set that a class or one above it is given; None where it has none, or it is
    computed."""
    for above in project.classes.ancestors(class_.id):
        written = above.value(attribute)
        if written is not None:
            return _texts(project, above.module, above.value, written, 0)
    return None


def _texts(
    project: Project, module: Module, within: _Within, expr: Expr, depth: int
) -> set[str] | None:
    if depth > _DEEPEST:
        return None
    if type(expr) is str:
        return _named(project, module, within, expr, depth)
    if type(expr) is not tuple:
        return None
    parts: tuple[Expr, ...] = ()
    if expr[0] in (SET_, LIST, TUPLE):
        parts = expr[1]
    elif expr[0] == OP and expr[1] == "|":
        parts = expr[2:4]
    elif expr[0] == CALL and expr[2] in ("set", "frozenset") and len(expr[3]) <= 1:
        parts = expr[3]
    else:
        text = string_of(project, module, expr)
        return {text} if text is not None else None
    found: set[str] = set()
    for part in parts:
        texts = _texts(project, module, within, part, depth + 1)
        if texts is None:
            return None
        found |= texts
    return found


def _named(
    project: Project, module: Module, within: _Within, name: str, depth: int
) -> set[str] | None:
    written = within(name) if "." not in name else None
    if written is not None:
        return _texts(project, module, within, written, depth + 1)
    target = project.resolve(module.name, name) or ""
    owner, _, attribute = target.rpartition(".")
    class_ = project.classes.get(owner) if ":" in owner else None
    if class_ is not None and (written := class_.value(attribute)) is not None:
        return _texts(project, class_.module, class_.value, written, depth + 1)
    fact = project.names.definition(target) if ":" in target else None
    values = [s[3] for s in (fact.statements if fact else ()) if s[0] == SET and s[3] is not None]
    home = project.modules.get(target.partition(":")[0])
    if len(values) != 1 or home is None:
        return None
    return _texts(project, home, lambda _: None, values[0], depth + 1)
