"""Find decorators and calls over the whole project."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from migrator.analyze.facts.shape import CALL, SET, Expr
from migrator.analyze.project.calls import Decorated, Found
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project


def decorated(project: Project) -> Iterable[Decorated]:
    """Every decorator of every function and class, nested ones with the definition around."""
    return project.calls.decorated


def calls(project: Project, methods: Collection[str]) -> Iterator[Found]:
    """Every call of one of these methods or functions, anywhere."""
    return project.calls(methods)


def assigned_calls(project: Project) -> Iterator[tuple[str, Module, Expr, str]]:
    """Module-level ``name = call(…)``: definition id, module, call, what is called (resolved)."""
    for id_, module, statement in project.variables():
        value = statement[3]
        if statement[0] == SET and type(value) is tuple and value[0] == CALL:
            yield id_, module, value, project.resolved(module.name, value[2])
