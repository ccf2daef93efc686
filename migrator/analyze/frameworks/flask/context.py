"""What the monolith puts under names of Flask's world: ``g``, ``current_user``."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.analyze.facts.shape import DEF, SET, Block, Expr, Stmt
from migrator.analyze.infer.values import FunctionCode
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.project.search import calls, decorated
from migrator.analyze.project.walk import nested
from migrator.analyze.schema import Giver, Schema

_G = ("flask.g", "flask.globals.g", "quart.g")
_USERS = (
    "flask_login.current_user", "flask_login.utils.current_user", "flask_security.current_user",
    "flask_security.core.current_user",
)  # fmt: skip
_LOADERS = ("user_loader", "request_loader")
_STORES = ("SQLAlchemyUserDatastore", "SQLAlchemySessionUserDatastore", "FSQLALiteUserDatastore")


def declare(project: Project, schema: Schema) -> None:
    """Tell who gives what to the names that Flask serves anew for each request."""
    users = list(_users(project))
    for name in _USERS if users else ():
        schema.outside[name] = users
    for module in project.code:
        for name in [n for n, t in module.bound.items() if t in _G]:
            for attribute, code in _stored(project, module, name):
                for place in _G:
                    schema.outside.setdefault(f"{place}.{attribute}", []).append(
                        Giver("stores", code)
                    )


def _users(project: Project) -> Iterator[Giver]:
    for one in decorated(project):
        name = one.decorator
        if type(name) is str and name.endswith(_LOADERS) and one.statement[0] == DEF:
            yield Giver(
                "returns", FunctionCode(one.definition, one.module.name, None, one.statement)
            )
    for found in calls(project, (*_LOADERS, *_STORES)):
        args, called = found.call[3], found.call[2]
        last = called.rpartition(".")[2] if type(called) is str else ""
        if last in _STORES:
            row = _definition(
                project, found.module, args[1] if len(args) > 1 else None, found.local
            )
            if row is not None and row in project.classes.by_id:
                yield Giver("row", row=row)
        elif last in _LOADERS and args:
            target = _definition(project, found.module, args[0], found.local)
            code = project.function(target) if target is not None else None
            if code is not None:
                yield Giver("returns", code)


def _definition(
    project: Project, module: Module, expr: Expr, local: dict[str, str]
) -> str | None:  # fmt: skip
    return project.names.resolve(module.name, expr, local) if type(expr) is str else None


def _stored(project: Project, module: Module, name: str) -> Iterator[tuple[str, FunctionCode]]:
    """``g.user = …`` in the functions of a module, and in functions inside them."""
    for code in project.functions_like(module, _knows_g):
        found = {
            target.partition(".")[2]
            for statement in _every(project.block(code))
            if statement[0] == SET
            for target in statement[2]
            if type(target) is str and target.startswith(f"{name}.") and target.count(".") == 1
        }
        for attribute in sorted(found):
            yield attribute, code


def _knows_g(module: Module, code: FunctionCode) -> bool:
    del code
    return any(target in _G for target in module.bound.values())


def _every(block: Block) -> Iterator[Stmt]:
    for statement in nested(block):
        yield statement
        if statement[0] == DEF and type(statement[7]) is tuple:
            yield from _every(statement[7])
