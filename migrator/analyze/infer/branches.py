"""Which branches a call chooses by constant arguments: ``find(code, kind="share")``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.analyze.facts.shape import (
    ANY,
    CALL,
    CONST,
    IF,
    LIST,
    NOT,
    ONE_OF,
    OPERATORS,
    RAISE,
    RETURN,
    SET_,
    STAR,
    STR,
    TUPLE,
    Block,
    Expr,
)
from migrator.analyze.infer.bodies import every_statement
from migrator.analyze.infer.values import (
    Call,
    ClassRef,
    Function,
    FunctionCode,
    Known,
    Method,
    Text,
    Value,
)

if TYPE_CHECKING:
    from migrator.analyze.infer.interpreter import Interpreter
    from migrator.analyze.infer.world import World

_IN, _NOT_IN, _EQUAL, _UNEQUAL, _IS, _IS_NOT = range(6)
assert OPERATORS[:6] == ("in", "not in", "==", "!=", "is", "is not")


def deciding(world: World, code: FunctionCode) -> frozenset[str]:
    """The parameters that a condition of the function asks for a constant, and those with a
    constant default that it hands on, perhaps to such a one."""
    if not code.statement[4]:
        return frozenset()
    key = (code.key, code.statement[1])
    known = world.deciding.get(key)
    if known is None:
        params = [p for p in code.statement[4] if p[3] in ("", "k")]
        block = world.block(code)
        asked = {n for s in every_statement(block) if s[0] == IF for n in _asked(s[2])}
        optional = {p[0] for p in params if _literal(p[2]) is not None}
        asked |= _handed_on(block, optional) if optional else set()
        known = world.deciding[key] = frozenset(asked.intersection(p[0] for p in params))
    return known


def _handed_on(block: Block, names: set[str]) -> set[str]:
    """The names that stand as they are among the arguments of a call."""
    found: set[str] = set()
    waiting: list[Expr] = list(block)
    while waiting:
        one = waiting.pop()
        if len(one) == 5 and one[0] == CALL and type(one[3]) is tuple:
            for written in one[3]:
                if type(written) is str:
                    found.add(written)
            for keyword in one[4]:
                if type(keyword) is tuple and type(keyword[1]) is str:
                    found.add(keyword[1])
        waiting += [part for part in one if type(part) is tuple]
    return found & names


def _asked(test: Expr) -> list[str]:
    if type(test) is str:
        return [test]
    if type(test) is not tuple:
        return []
    if test[0] == ONE_OF or (test[0] == ANY and test[-1] == NOT):
        return [name for part in test[1] for name in _asked(part)]
    if test[0] == ANY and len(test) > 2 and len(test[1]) == 2 and type(test[1][0]) is str:
        return [test[1][0]] if 0 <= test[2] <= _IS_NOT else []
    return []


def constants(
    at: Interpreter, code: FunctionCode, function: Function | Method, call: Call
) -> dict[str, Value]:
    """The constants that a call hands to deciding parameters, or leaves to their defaults."""
    names = deciding(at.world, code)
    if not names or call.expr is None or call.expr[0] != CALL:
        return {}
    splat = any(type(a) is tuple and a[0] == STAR for a in call.args)
    if splat or any(name is None for name, _ in call.expr[4]):
        return {}
    bound = type(function) is Method and "staticmethod" not in code.decorators
    if bound and type(function.owner) is ClassRef:  # type: ignore[union-attr]
        bound = "classmethod" in code.decorators
    params = code.statement[4][1:] if bound else code.statement[4]
    found: dict[str, Value] = {}
    place = 0
    for name, _, default, kind in params:
        written: Expr = call.keywords.get(name)
        if kind == "" and place < len(call.args):
            written = call.args[place]
        place += kind == ""
        if name in names:
            value = _constant(at, written) if written is not None else _literal(default)
            if value is not None:
                found[name] = value
    return found


def _constant(at: Interpreter, written: Expr) -> Value | None:
    if type(written) is str:
        return Known(at.constants[written]) if written in at.constants else None
    return _literal(written)


def _literal(written: Expr) -> Value | None:
    """A text is a value of its own already."""
    if type(written) is tuple and written[0] == STR:
        return Text(written[1])
    if type(written) is tuple and written[0] == CONST and written[1] is not ...:
        return Known(written[1])
    return None


def noted(at: Interpreter, given: dict[str, Value | None]) -> dict[str, Value | None]:
    """Note what is known of deciding parameters; gives what of `given` are values besides."""
    assert at.code is not None
    if not given:
        return given
    names = deciding(at.world, at.code)
    for name, value in given.items():
        if type(value) is Known:
            at.constants[name] = value.value
        elif type(value) is Text and value.whole and name in names:
            at.constants[name] = value.text
    return {n: v for n, v in given.items() if type(v) is not Known} if at.constants else given


def decided(at: Interpreter, test: Expr) -> bool | None:
    """Whether a condition holds by what is known of the parameters; None where it may or not."""
    if not at.constants:
        return None
    if type(test) is str:
        return bool(at.constants[test]) if test in at.constants else None
    if type(test) is not tuple:
        return None
    if test[0] == ONE_OF:
        parts = {decided(at, part) for part in test[1]}  # `and` and `or` look the same here
        return parts.pop() if len(parts) == 1 else None
    if test[0] != ANY or len(test) < 3:
        return None
    if test[2] == NOT:
        inner = decided(at, test[1][0])
        return None if inner is None else not inner
    return _compared(at, test[1], test[2])


def _compared(at: Interpreter, sides: tuple[Expr, ...], operator: int) -> bool | None:
    if len(sides) != 2 or type(sides[0]) is not str or sides[0] not in at.constants:
        return None
    value, right = at.constants[sides[0]], sides[1]
    if operator in (_IN, _NOT_IN):
        if type(right) is not tuple or right[0] not in (TUPLE, LIST, SET_) or not right[1]:
            return None
        if any(type(e) is not tuple or e[0] not in (STR, CONST) for e in right[1]):
            return None
        return any(_same(value, e[1]) for e in right[1]) is (operator == _IN)
    if type(right) is not tuple or right[0] not in (STR, CONST):
        return None
    if operator not in (_EQUAL, _UNEQUAL, _IS, _IS_NOT):
        return None
    return _same(value, right[1]) is (operator in (_EQUAL, _IS))


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


def ends(block: Block) -> bool:
    return bool(block) and block[-1][0] in (RETURN, RAISE)
