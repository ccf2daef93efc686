"""What reaches a function by other ways than its callers: through names of libraries that the
monolith fills (``flask.g``, ``current_user``), and from its decorators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from migrator.analyze.facts.shape import CALL, DEF, LIST, SET, TUPLE, Expr
from migrator.analyze.infer.invoke import run
from migrator.analyze.infer.values import (
    External,
    FunctionCode,
    Instance,
    Probe,
    Value,
    either,
    options,
)
from migrator.analyze.project.walk import nested

if TYPE_CHECKING:
    from migrator.analyze.infer.world import World


_VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "dispatch_request"})
# Of Flask-RESTful and of Flask's own views.
_LISTS = ("method_decorators", "decorators")


def external(world: World, name: str) -> Value:
    """A name of a library, or what the monolith is known to put there."""
    if name not in world.schema.outside:
        return External(name)
    found = world.memo.get(("outside", name), lambda: _given(world, name), None)
    return found if found is not None else External(name)


def _given(world: World, name: str) -> Value | None:
    found: Value | None = None
    for giver in world.schema.outside[name]:
        if giver.code is None:
            found = either(found, Instance(giver.row))
            continue
        result, sink = run(world, giver.code, None, {})
        value = result if giver.how == "returns" else sink.placed.get(name)
        found = either(found, *[_settled(world, v) for v in options(value)])
    return found


def _settled(world: World, value: Value) -> Value:
    """A row that was new where it was stored is none elsewhere."""
    if type(value) is Instance and value.cls in world.schema.models:
        return Instance(value.cls)
    return value


def injected(world: World, code: FunctionCode) -> Mapping[str, Value]:
    """What the decorators of a function hand to its parameters."""
    listens = code.key in world.schema.listeners
    of_view = code.owner is not None and code.name in _VERBS
    if not code.statement[6] and not of_view and not listens:
        return {}
    key = ("injected", code.key, code.statement[1])
    return world.memo.get(key, lambda: _injected(world, code), {})


def _injected(world: World, code: FunctionCode) -> dict[str, Value]:
    names = [p[0] for p in code.statement[4] if p[3] == ""]
    every = {p[0] for p in code.statement[4]}
    found: dict[str, Value | None] = {}
    written = [(code.module, d, names) for _, d in code.statement[6]]
    written += [(m, d, names[1:]) for m, d in _of_class(world, code)]
    for module, decorator, params in written:
        for values, named in _handed(world, code, module, decorator):
            pairs = [*zip(params, values, strict=False), *named.items()]
            for name, value in pairs:
                if name in every and value is not None:
                    found[name] = either(found.get(name), value)
    for name, value in zip(_told(code, names), _by_frameworks(world, code), strict=False):
        if value is not None and name not in found:
            found[name] = value
    return {name: value for name, value in found.items() if value is not None}


def _told(code: FunctionCode, names: list[str]) -> list[str]:
    """The parameters that are left of a method where it is looked up on its class."""
    return names[1:] if "classmethod" in code.decorators else names


def _by_frameworks(world: World, code: FunctionCode) -> tuple[Value | None, ...]:
    """What who calls it by a decorator, or by being registered, hands over, by position."""
    from migrator.analyze.infer.interpreter import Interpreter

    written = [(code.module, d) for _, d in code.statement[6]]
    for module, decorator in (*written, *world.schema.listeners.get(code.key, ())):
        framework = world.registering(decorator)
        if framework is not None:
            return framework.decorated(Interpreter.at_module(world, module), decorator)
    return ()


def _of_class(world: World, code: FunctionCode) -> Iterator[tuple[str, Expr]]:
    """The decorators that a view's class puts on its methods, which are bound by then."""
    for name in _LISTS if code.owner is not None and code.name in _VERBS else ():
        found = world.project.classes.find(code.owner or "", name)
        value = found[1][3] if found is not None and found[1][0] == SET else None
        if found is not None and type(value) is tuple and value[0] in (LIST, TUPLE):
            for decorator in value[1]:
                yield found[0].module.name, decorator


def _handed(
    world: World, code: FunctionCode, module: str, decorator: Expr
) -> list[tuple[tuple[Value | None, ...], dict[str, Value | None]]]:
    made = type(decorator) is tuple and decorator[0] == CALL
    written = decorator[2] if made else decorator
    target = world.project.resolve(module, written) if type(written) is str else None
    own = world.project.function(target) if target is not None and ":" in target else None
    if own is None or own.key == code.key or not (own.statement[4] or made):
        return []
    world.project.names.note_definition(own.id)
    if not any(s[0] == DEF for s in nested(world.block(own))):
        return []
    from migrator.analyze.infer.interpreter import Interpreter

    given_ = {} if made else {own.statement[4][0][0]: Probe()}
    at = Interpreter.for_function(world, own, None, given_)
    at.probing = made
    at.run()
    return at.sink.probed
