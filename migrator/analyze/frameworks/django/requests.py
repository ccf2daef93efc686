"""What a request carries: who makes it, and what the monolith's middleware puts there."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.analyze.facts.shape import DEF, SET, Block
from migrator.analyze.frameworks.protocol import At
from migrator.analyze.infer.values import External, FunctionCode, Instance, Value
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.project.walk import nested
from migrator.analyze.schema import Giver, Schema

REQUEST = "django.http.HttpRequest"
# Django itself sets these: what stands in a test's or a plug-in's middleware says nothing more.
_OWN = frozenset({"user", "auser", "session", "site", "method", "GET", "POST", "META", "FILES"})


def declare(project: Project, schema: Schema) -> None:
    """Tell which functions of middleware give a request further attributes."""
    for module in project.code:
        for code in project.functions_like(module, _is_middleware):
            for giver in _with_inner(project, code):
                for name in sorted(set(_stored(project.block(giver))) - _OWN):
                    place = f"{REQUEST}.{name}"
                    schema.outside.setdefault(place, []).append(Giver("stores", giver))


def is_request(owner: Instance) -> bool:
    return owner.cls.endswith(("HttpRequest", "request.Request"))


def attribute(at: At, name: str, line: int, user: str | None) -> Value | None:
    """``request.name``; `user` is the model of users."""
    if name == "user":
        return Instance(user) if user else None
    if f"{REQUEST}.{name}" not in at.schema.outside:
        return None
    given = at.attribute(External(REQUEST), name, line)
    return given if type(given) is not External else None


def _is_middleware(module: Module, code: FunctionCode) -> bool:
    """A method of a class that is called so, or a function that gets the next handler."""
    del module
    if code.owner is not None:
        return "Middleware" in code.owner.rpartition(":")[2]
    params = code.statement[4]
    return bool(params) and params[0][0] == "get_response"


def _with_inner(project: Project, code: FunctionCode) -> Iterator[FunctionCode]:
    """The function, and those inside it, which are interpreted by themselves here."""
    yield code
    for statement in nested(project.block(code)):
        if statement[0] == DEF and type(statement[7]) is tuple:
            yield FunctionCode(code.id, code.module, code.owner, statement)


def _stored(block: Block) -> Iterator[str]:
    """The names of ``request.name = …``."""
    for statement in nested(block):
        for target in statement[2] if statement[0] == SET else ():
            if type(target) is str and target.startswith("request.") and target.count(".") == 1:
                yield target.removeprefix("request.")
