"""What an object is by its annotation, type parameters bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.analyze.facts.shape import (
    CONST,
    ITEM,
    OP,
    SET,
    STR,
    TUPLE,
    Expr,
)
from migrator.analyze.infer.annotations import parsed
from migrator.analyze.infer.values import (
    ClassRef,
    External,
    Instance,
    Many,
    Several,
    Value,
    either,
)
from migrator.analyze.infer.values import (
    Mapping as DictValue,
)
from migrator.analyze.project.classes import Class

if TYPE_CHECKING:
    from migrator.analyze.infer.world import World


_COLLECTIONS = frozenset(
    {"list", "set", "frozenset", "List", "Set", "FrozenSet", "Sequence", "Iterable", "Iterator",
     "Collection", "Generator", "AsyncIterator", "AsyncGenerator", "AsyncIterable",
     "MutableSequence",      "deque", "AbstractSet", "KeysView", "ValuesView"}
)  # fmt: skip


_TRANSPARENT = frozenset(
    {"Optional", "Annotated", "Final", "ClassVar", "Required", "NotRequired", "Awaitable",
     "Coroutine", "Mapped", "WriteOnlyMapped"}
)  # fmt: skip


_BUILTIN_TYPES = frozenset({"str", "int", "bool", "float", "bytes", "None", "object", "dict"})


def annotated(world: World, module: str, expr: Expr, cls: str | None = None) -> Value | None:
    """What an object annotated so is; `cls` binds type parameters."""
    if type(expr) is tuple:
        tag = expr[0]
        if tag == STR:
            inner = parsed(expr[1])
            return annotated(world, module, inner, cls) if inner is not None else None
        if tag == OP and expr[1] == "|":
            return either(
                annotated(world, module, expr[2], cls), annotated(world, module, expr[3], cls)
            )
        if tag == ITEM:
            return _generic(world, module, expr[1], expr[2], cls)
        return None
    if type(expr) is not str or expr in _BUILTIN_TYPES:
        return None
    value = _type(world, module, expr, cls)
    return instance_of(value) if value is not None else _alias(world, module, expr, cls)


def _alias(world: World, module: str, name: str, cls: str | None) -> Value | None:
    """``SessionDep = Annotated[Session, Depends(get_db)]`` used as an annotation.

    Where an alias names itself (``Json = Dict[str, "Json"]``), the inner one is not known.
    """
    target = world.project.names.resolve(module, name) or ""
    fact = world.project.names.definition(target)
    if fact is None or fact.kind != "variable":
        return None
    if target in world.aliases:
        # Asked from elsewhere it would be followed.
        world.memo.depends_on(world.aliases[target])
        return None
    world.aliases[target] = world.memo.place
    try:
        for statement in fact.statements:
            written = statement[3] if statement[0] == SET else None
            if type(written) is tuple and written[0] in (ITEM, OP):
                return annotated(world, target.partition(":")[0], written, cls)
    finally:
        del world.aliases[target]
    return None


def instance_of(value: Value | None) -> Value | None:
    """An object of a type."""
    if type(value) is ClassRef:
        return Instance(value.cls)
    if type(value) is External:
        return Instance(value.name) if value.name.partition(".")[0] != "typing" else None
    return None


def _type(world: World, module: str, expr: Expr, cls: str | None) -> Value | None:
    """The type that an expression names, type parameters bound."""
    if type(expr) is tuple and expr[0] == STR:
        expr = parsed(expr[1])
    if type(expr) is not str:
        return None
    head, _, rest = expr.partition(".")
    value = world.global_value(module, head)
    for part in rest.split(".") if rest else ():
        value = world.plain_attribute(value, part)
    if value is None or type(value) is Instance:
        target = world.project.names.resolve(module, expr)
        bound = _bound_type(world, target or expr, cls)
        return bound if bound is not None else value
    return value


def _generic(world: World, module: str, outer: Expr, inner: Expr, cls: str | None) -> Value | None:
    name = outer.rpartition(".")[2] if type(outer) is str else ""
    items: tuple[Expr, ...] = inner[1] if type(inner) is tuple and inner[0] == TUPLE else (inner,)
    if name in _TRANSPARENT:
        chosen = items[-1] if name == "Coroutine" else items[0]
        return annotated(world, module, chosen, cls)
    if name == "Union":
        return either(*[annotated(world, module, i, cls) for i in items])
    if name in _COLLECTIONS:
        item = annotated(world, module, items[0], cls)
        return Many(item) if item is not None else None
    if name in ("tuple", "Tuple"):
        if len(items) == 2 and items[1] == (CONST, ...):
            item = annotated(world, module, items[0], cls)
            return Many(item) if item is not None else None
        return Several(tuple(annotated(world, module, i, cls) for i in items))
    if name in ("dict", "Dict", "Mapping", "MutableMapping", "defaultdict") and len(items) > 1:
        item = annotated(world, module, items[1], cls)
        return DictValue((), item) if item is not None else None
    if name in ("type", "Type"):
        return _type(world, module, items[0], cls)
    value = _type(world, module, outer, cls)
    framework = world.framework_of(value) if value is not None else None
    if framework is not None and value is not None:
        from migrator.analyze.infer.interpreter import Interpreter

        at = Interpreter.at_module(world, module, cls)
        made = framework.annotation(at, value, tuple(items))
        if made is not None:
            return made
    return instance_of(value)


def _bound_type(world: World, variable: str, cls: str | None) -> Value | None:
    """What a type parameter is for class `cls`, from ``class UserDAO(BaseDAO[User])``."""
    for class_ in world.project.classes.ancestors(cls) if cls else ():
        for base, args in class_.bases:
            above = world.project.classes.get(base)
            if above is None or not args:
                continue
            for parameter, given in zip(_parameters(world, above), args, strict=False):
                if parameter == variable:
                    value = _type(world, class_.module.name, given, None)
                    if value is not None:
                        return value
                    deeper = world.project.resolved(class_.module.name, given)
                    if deeper and deeper != variable:
                        return _bound_type(world, deeper, cls)
    return None


def type_argument(world: World, cls: str, place: int) -> Value | None:
    """The type argument at `place` of the first base of `cls` that has any: what
    ``get_args(cls.__orig_bases__[0])[place]`` gives at run time."""
    for class_ in world.project.classes.ancestors(cls):
        for base, args in class_.bases:
            if place < len(args) and base.rpartition(".")[2] not in ("Generic", "Protocol"):
                return _type(world, class_.module.name, args[place], None)
    return None


def _parameters(world: World, class_: Class) -> list[str]:
    found: list[str] = []
    for base, args in class_.bases:
        names = [world.project.resolved(class_.module.name, a) for a in args]
        if base.rpartition(".")[2] in ("Generic", "Protocol"):
            return names
        found += [n for n in names if n and n not in found]
    return [*class_.type_params, *found]
