"""What a condition tells of a name where it holds, and where it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.analyze.facts.shape import (
    ANY,
    CALL,
    LIST,
    NOT,
    ONE_OF,
    OPERATORS,
    SET_,
    TUPLE,
    Expr,
)
from migrator.analyze.infer.values import ClassRef, Instance, Value, either, options

if TYPE_CHECKING:
    from migrator.analyze.infer.interpreter import Interpreter

_SAME = (OPERATORS.index("=="), OPERATORS.index("is"))
_OTHER = (OPERATORS.index("!="), OPERATORS.index("is not"))
_IN, _NOT_IN = OPERATORS.index("in"), OPERATORS.index("not in")
_CLASS = ".__class__"


def narrow(at: Interpreter, test: Expr, holds: bool) -> None:
    """``isinstance(x, User)``, ``type(x) is User``, ``Model in (User, Post)``: what is left of the
    name in the branch where the condition holds, or does not."""
    if type(test) is not tuple:
        return
    if test[0] == CALL and test[2] == "isinstance" and len(test[3]) == 2:
        tested, cls = test[3]
        if type(tested) is str:
            _object(at, tested, _parts(cls), holds, exactly=False)
    elif test[0] == ONE_OF and holds:
        _one_or_all(at, test[1])
    elif test[0] == ANY and len(test) > 2:
        if test[2] == NOT:
            narrow(at, test[1][0], not holds)
        elif len(test[1]) == 2:
            _compared(at, test[1][0], test[1][1], test[2], holds)


def _one_or_all(at: Interpreter, parts: tuple[Expr, ...]) -> None:
    """Facts do not tell `and` from `or`: a name is what any of the parts that speak of it says."""
    before, told = dict(at.env), dict[str, Value | None]()
    for part in parts:
        narrow(at, part, True)
        for name, value in at.env.items():
            if value is not before.get(name):
                told[name] = either(told.get(name), value)
        at.env.clear()
        at.env.update(before)
    for name, value in told.items():
        if value is not None:
            at.env[name] = value


def _compared(at: Interpreter, left: Expr, right: Expr, operator: int, holds: bool) -> None:
    if operator in (*_OTHER, _NOT_IN):
        holds = not holds
    elif operator not in (*_SAME, _IN):
        return
    if operator in (_IN, _NOT_IN):
        if type(right) is not tuple or right[0] not in (TUPLE, LIST, SET_):
            return
        classes = right[1]
    else:
        classes = (right,)
    name = _whose_class(left)
    if name is not None:
        _object(at, name, classes, holds, exactly=True)
    elif type(left) is str and any(type(o) is ClassRef for o in options(at.env.get(left))):
        _class(at, left, classes, holds)


def _parts(cls: Expr) -> tuple[Expr, ...]:
    return cls[1] if type(cls) is tuple and cls[0] == TUPLE else (cls,)


def _object(
    at: Interpreter, name: str, classes: tuple[Expr, ...], holds: bool, exactly: bool
) -> None:
    types = [at.world.instance_of(at.value(c)) for c in classes]
    known = at.env.get(name)
    if known is None and not holds:
        return
    among = [o for o in options(known) if _is_one(at, o, types, exactly)]
    if not holds:
        at.env[name] = either(*[o for o in options(known) if o not in among])
    elif (narrowed := either(*(among or types))) is not None:
        at.env[name] = narrowed


def _is_one(at: Interpreter, value: Value, types: list[Value | None], exactly: bool) -> bool:
    if type(value) is not Instance:
        return False
    class_ = at.project.classes.get(value.cls)
    above = (value.cls,) if exactly or class_ is None else class_.mro
    return any(o.cls in above for t in types for o in options(t) if type(o) is Instance)


def _class(at: Interpreter, name: str, classes: tuple[Expr, ...], holds: bool) -> None:
    """The name itself is a class."""
    wanted = [o for c in classes for o in options(at.value(c))]
    if any(type(o) is not ClassRef for o in wanted):
        return
    at.env[name] = either(*[o for o in options(at.env[name]) if (o in wanted) is holds])


def _whose_class(expr: Expr) -> str | None:
    """The name whose class is compared: ``x.__class__ == User``."""
    if type(expr) is str and expr.endswith(_CLASS):
        return expr.removesuffix(_CLASS)
    if type(expr) is tuple and expr[0] == CALL and expr[2] == "type" and len(expr[3]) == 1:
        return expr[3][0] if type(expr[3][0]) is str else None
    return None
