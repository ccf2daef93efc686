"""What a parameter without annotation is likely to be: an object of the one model that it is called
after, where all that the function asks of it is there."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from migrator.analyze.facts.shape import FOR, SET, WITH, Block, Expr
from migrator.analyze.infer.values import FunctionCode, Instance, Value

if TYPE_CHECKING:
    from migrator.analyze.infer.world import World
    from migrator.analyze.project.project import Project
    from migrator.analyze.schema import Model, Schema

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


# Bases that give an object nothing which is not known here.
_KNOWN_BASES = (
    "django.db.", "sqlalchemy.", "flask_sqlalchemy.", "sqlmodel.", "typing.", "abc.", "enum.",
    "object",
)  # fmt: skip
# Bases of plain data, whose attributes the class itself names.
_DATA_BASES = ("pydantic.", "marshmallow.", "graphene.", "strawberry.", "dataclasses.")


def class_name(id_: str) -> str:
    """``Inner`` of ``module:Outer.Inner``."""
    return id_.rpartition(":")[2].rpartition(".")[2]


def namesakes(project: Project, schema: Schema) -> dict[str, list[str]]:
    """The classes that are no models but have the name of one, by that name."""
    models = {class_name(id_) for id_ in schema.models}
    found: dict[str, list[str]] = {}
    for id_ in project.classes.by_id:
        if (name := class_name(id_)) in models and id_ not in schema.models:
            found.setdefault(name, []).append(id_)
    return found


def rows_by_name(world: World) -> dict[str, Model]:
    """Models by class name in snake case; none where two have one name."""
    found: dict[str, Model | None] = {}
    for model in world.schema.models.values():
        framework = world.frameworks.get(model.framework)
        if (
            framework is not None
            and framework.rows_by_name
            and model.id in world.project.classes.by_id
        ):
            name = snake(class_name(model.id))
            found[name] = None if name in found else model
    for framework in world.frameworks.values():
        for name, model in framework.called().items():
            found.setdefault(name, model)
    return {name: model for name, model in found.items() if model is not None}


@lru_cache(maxsize=4096)
def snake(name: str) -> str:
    return _WORDS.sub("_", name).lower()


def likely_rows(world: World, code: FunctionCode) -> dict[str, Value]:
    """The parameters of a function that are likely rows."""
    names = world.rows_by_name
    params = [
        p[0] for p in code.statement[4] if p[1] is None and p[3] in ("", "k") and p[0] in names
    ]
    if not params:
        return {}
    block = world.block(code)
    asked = _asked(block, set(params))
    return {
        name: Instance(names[name].id)
        for name in params
        if asked[name] is not None
        and _has(world, names[name], asked[name] or set())
        and not any(
            _may_be(world, other, asked[name] or set())
            for other in world.schema.namesakes.get(class_name(names[name].id), ())
        )
    }


def _may_be(world: World, class_id: str, asked: set[str]) -> bool:
    """Whether an object of a class that is no model may have all that is asked."""
    foreign = world.project.classes.foreign(class_id)
    if any(not base.startswith((*_KNOWN_BASES, *_DATA_BASES)) for base in foreign):
        return True
    classes = list(world.project.classes.ancestors(class_id))
    return all(any(name in c.members for c in classes) for name in asked)


def _has(world: World, model: Model, asked: set[str]) -> bool:
    """Whether the model has all that is asked of it, which is something; of one with a base class
    that is not in the tree, most of it."""
    classes = list(world.project.classes.ancestors(model.id))
    framework = world.frameworks[model.framework]
    known = [
        name
        for name in asked
        if name in model.columns
        or name in model.relations
        or any(name in c.members for c in classes)
        or framework.has(model.id, name)
    ]
    if not known or len(known) == len(asked):
        return bool(known)
    return len(known) > max(1, len(asked) // 2) and any(
        not base.startswith(_KNOWN_BASES) for base in world.project.classes.foreign(model.id)
    )


def _asked(block: Block, params: set[str]) -> dict[str, set[str] | None]:
    """The attributes that a function asks each parameter for; None for one that it binds anew."""
    found: dict[str, set[str] | None] = {name: set() for name in params}
    waiting: list[Expr] = list(block)
    while waiting:
        one = waiting.pop()
        if type(one) is tuple:
            # Names are bare strings: those of a call may begin with `set`, without a line after.
            if len(one) > 3 and one[0] in (SET, FOR, WITH) and type(one[1]) is int:
                for name in params & _bound(one):
                    found[name] = None
            waiting += one
        elif type(one) is str:
            head, dot, rest = one.partition(".")
            known = found.get(head)
            if dot and known is not None:
                known.add(rest.partition(".")[0])
    return found


def _bound(statement: Expr) -> set[str]:
    targets = statement[2] if statement[0] in (SET, FOR) else [t for _, t in statement[2]]
    waiting, found = [targets], set()
    while waiting:
        one = waiting.pop()
        if type(one) is tuple or type(one) is list:
            waiting += one
        elif type(one) is str:
            found.add(one)
    return found
