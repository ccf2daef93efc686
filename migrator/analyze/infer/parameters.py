"""What the parameters of a function are at its head."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from typing import TYPE_CHECKING

from migrator.analyze.facts.shape import CONST
from migrator.analyze.infer.branches import noted
from migrator.analyze.infer.given import injected
from migrator.analyze.infer.sink import Making
from migrator.analyze.infer.values import (
    ClassRef,
    Instance,
    Many,
    Mapping,
    Text,
    Value,
)  # fmt: skip

if TYPE_CHECKING:
    from migrator.analyze.infer.interpreter import Interpreter
    from migrator.analyze.infer.world import World


def bind(at: Interpreter, given: MappingOf[str, Value | None]) -> None:
    """Bind the parameters: what the caller gives, what annotations, decorators, defaults and
    frameworks tell."""
    assert at.code is not None
    params = at.code.statement[4]
    decorators = at.code.decorators
    handed = injected(at.world, at.code)
    given = noted(at, dict(given))
    for position, (name, annotation, default, kind) in enumerate(params):
        value = given.get(name)
        if position == 0 and at.cls is not None and "staticmethod" not in decorators:
            owner = at.own.cls if at.own else at.cls
            if "classmethod" in decorators or at.code.name in (
                "__new__",
                "__init_subclass__",
            ):
                value = ClassRef(owner)
            else:
                value = at.own or Instance(owner)
        if value is None and annotation is not None:
            value = at.annotated(annotation)
            if value is not None and kind == "*":
                value = Many(value)
            elif value is not None and kind == "**":
                value = Mapping((), value)
        if default is not None and default[0] != CONST:
            assumed = at.world.at_module(at.module, default, at.cls)
            framework = at.world.framework_of(assumed) if assumed is not None else None
            if framework is not None and assumed is not None and type(assumed) is not Instance:
                made = framework.parameter(at, assumed)
                value = made if made is not None else value
            if value is None and type(assumed) in (Instance, ClassRef, Text):
                value = assumed
        if value is None and annotation is None and kind in ("", "k"):
            value = handed.get(name)
        if _untold(value) and kind in ("", "k", "**"):
            value = at.world.named_argument(at, name, kind) or value
        at.env[name] = value


def _untold(value: Value | None) -> bool:
    """Whether a framework may know better: nothing is known, or only another's class."""
    return value is None or (type(value) is Instance and ":" not in value.cls)


def makings(cls: str, given: Iterable[tuple[str, Value | None]]) -> dict[Making, None]:
    """With objects of which classes an object of `cls` is made here."""
    return {
        Making(cls, name, value.cls if type(value) is Instance else ""): None
        for name, value in given
    }


def remembered(
    world: World, given: Iterable[tuple[str, Value | None]]
) -> tuple[tuple[str, Value], ...]:
    """What an object is told apart by: the classes and the rows that it was made with."""
    found: list[tuple[str, Value]] = []
    for name, value in given:
        if type(value) is ClassRef:
            found.append((name, value))
        elif type(value) is Instance and value.cls in world.schema.models:
            found.append((name, Instance(value.cls)))
    return tuple(found)
