"""Strings that a call is given by name: module constants, class attributes, settings objects."""

from __future__ import annotations

from migrator.analyze.facts.shape import CALL, CONST, FSTRING, OP, SET, STR, Expr
from migrator.analyze.infer.annotations import text_of
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project

_DEEPEST = 6


def string_of(project: Project, module: Module, expr: Expr, depth: int = 0) -> str | None:
    """The string that an expression is, whole numbers within it too; None where a part of it is
    computed."""
    if depth > _DEEPEST:
        return None
    if type(expr) is str:
        return _named(project, project.resolve(module.name, expr), depth)
    if type(expr) is not tuple:
        return None
    if expr[0] == STR:
        return str(expr[1])
    if expr[0] == CONST and type(expr[1]) is int and depth:
        return str(expr[1])
    if expr[0] == FSTRING:
        parts = [
            p if type(p) is str else string_of(project, module, p[1][0], depth + 1) for p in expr[1]
        ]
        return None if None in parts else "".join(p for p in parts if p is not None)
    if expr[0] == OP and expr[1] == "+":
        left, right = (string_of(project, module, e, depth + 1) for e in expr[2:4])
        return left + right if left is not None and right is not None else None
    return None


def hole(computed: str) -> str:
    """What stands in a URL for a part that is not known: ``${settings.API}``. FastAPI and Pyramid
    write their parameters in braces alone."""
    return "${" + computed.replace("{", "(").replace("}", ")") + "}"


def with_holes(project: Project, module: Module, expr: Expr | None) -> str:
    """The string that an expression is, with holes for what is computed of it."""
    if expr is None:
        return hole("")
    if type(expr) is tuple and expr[0] == FSTRING:
        return "".join(
            p if type(p) is str else with_holes(project, module, p[1][0]) for p in expr[1]
        )
    if type(expr) is tuple and expr[0] == OP and expr[1] == "+":
        return "".join(with_holes(project, module, side) for side in expr[2:4])
    text = string_of(project, module, expr)
    return hole(text_of(expr)) if text is None else text


def _named(project: Project, target: str | None, depth: int) -> str | None:
    if target is None or ":" not in target:
        return None
    owner, _, attribute = target.rpartition(".")
    if ":" not in owner:
        owner, attribute = target, ""
    module = project.modules[target.partition(":")[0]]
    fact = project.names.definition(owner)
    if fact is not None and not attribute:
        values = [s[3] for s in fact.statements if s[0] == SET]
        return string_of(project, module, values[0], depth + 1) if len(values) == 1 else None
    class_ = project.classes.get(owner)
    if class_ is None and fact is not None:
        # `settings = Settings()`: what the class itself says
        made = [s[3] for s in fact.statements if s[0] == SET]
        if len(made) == 1 and type(made[0]) is tuple and made[0][0] == CALL:
            class_ = project.classes.get(project.resolved(module.name, made[0][2]))
    for own in project.classes.ancestors(class_.id) if class_ is not None else ():
        if own.value(attribute) is not None:
            return string_of(project, own.module, own.value(attribute), depth + 1)
    return None
