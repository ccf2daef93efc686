"""What a function of the monolith makes for the arguments that it is called with."""

from __future__ import annotations

from collections.abc import Container

from migrator.analyze.facts.shape import Expr
from migrator.analyze.frameworks.sqlalchemy.columns import is_call, last
from migrator.analyze.frameworks.sqlalchemy.declared import returned
from migrator.analyze.frameworks.sqlalchemy.filled import called
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project


def made_by(
    project: Project, module: Module, call: Expr, wanted: Container[str]
) -> tuple[Module, Expr | None]:
    """The call of something `wanted` (``Table``, ``Column``) that the function returns, its
    parameters replaced, and the module that it is written in."""
    target = project.resolved(module.name, call[2])
    code = project.function(target) if ":" in target else None
    if code is None:
        return module, None
    home = project.modules[code.module]
    block = project.block(code)
    for value in returned(block):
        made = called(block, value, code.statement[4], call)
        if is_call(made) and last(project.resolved(home.name, made[2])) in wanted:
            return home, made
    return module, None
