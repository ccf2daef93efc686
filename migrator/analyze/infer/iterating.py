"""What iterating over a value gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.analyze.infer.invoke import invoke
from migrator.analyze.infer.values import (
    Call,
    Either,
    Instance,
    Many,
    Method,
    Several,
    Value,
    either,
    options,
)  # fmt: skip

if TYPE_CHECKING:
    from migrator.analyze.infer.interpreter import Interpreter


def element_of(at: Interpreter, value: Value | None, line: int) -> Value | None:
    if type(value) is Either:
        return either(*[at.element(o, line) for o in value.options])
    if type(value) is Many:
        return value.item
    if type(value) is Several:
        return either(*value.items)
    if value is None:
        return None
    framework = at.world.framework_of(value)
    if framework is not None:
        found = framework.iterate(at, value, line)
        if found is not None:
            return found
    if type(value) is Instance:
        method = at.member(value, "__iter__")
        if type(method) is Method:
            iterator = invoke(at, method, Call(line, None, (), (), {}, {}))
            return either(*[_next(at, value, one, line) for one in options(iterator)])
    return None


def _next(at: Interpreter, iterated: Instance, iterator: Value, line: int) -> Value | None:
    """What the iterator of an object gives: where it is the object itself, by ``__next__``."""
    if type(iterator) is not Instance or iterator.cls != iterated.cls:
        return at.element(iterator, line)
    method = at.member(iterator, "__next__")
    if type(method) is not Method:
        return None
    return invoke(at, method, Call(line, None, (), (), {}, {}))
