"""Expressions with names replaced by what they stand for: in a loop over constants, or in a
function that is called with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrator.analyze.facts.shape import (
    ATTR,
    CALL,
    CONST,
    FOR,
    FSTRING,
    LIST,
    OP,
    SET,
    SET_,
    STR,
    TUPLE,
    Block,
    Expr,
    Stmt,
)

Names = Mapping[str, Expr]


def filled(expr: Expr, names: Names) -> Expr:
    """`expr` with `names` replaced; an f-string whose holes are all known becomes a string."""
    if type(expr) is str:
        return names.get(expr, expr)
    if type(expr) is not tuple or not expr or expr[0] in (STR, CONST):
        return expr
    if expr[0] == FSTRING:
        return _joined(tuple([p if type(p) is str else filled(p, names) for p in expr[1]]))
    if expr[0] == CALL:
        keywords = tuple([(name, filled(value, names)) for name, value in expr[4]])
        args = tuple([filled(arg, names) for arg in expr[3]])
        return (CALL, expr[1], filled(expr[2], names), args, keywords)
    if expr[0] == ATTR:
        return (ATTR, expr[1], filled(expr[2], names), expr[3])
    found = tuple([filled(part, names) for part in expr])
    if found[0] == OP and found[1] == "+" and _is_text(found[2]) and _is_text(found[3]):
        return (STR, found[2][1] + found[3][1])
    return found


def _is_text(expr: Expr) -> bool:
    return type(expr) is tuple and len(expr) == 2 and expr[0] == STR


def _joined(parts: tuple[Expr, ...]) -> Expr:
    whole = ""
    for part in parts:
        hole = None if type(part) is str else part[1][0]
        if hole is not None and not _is_text(hole):
            return (FSTRING, parts)
        whole += part if hole is None else hole[1]
    return (STR, whole)


def repeated(statement: Stmt) -> Iterator[Stmt]:
    """The assignments in a loop over constants that are written out, once for each of them."""
    if statement[0] != FOR:
        return
    for values in _rounds(statement[2], statement[3]):
        for inner in statement[4]:
            if inner[0] == SET and inner[3] is not None:
                yield (SET, inner[1], inner[2], filled(inner[3], values), inner[4])


def _rounds(target: Expr, iterated: Expr) -> Iterator[dict[str, Expr]]:
    elements = iterated[1] if type(iterated) is tuple and iterated[0] in (LIST, TUPLE, SET_) else ()
    for element in elements:
        if type(target) is str:
            yield {target: element}
        elif target[0] == TUPLE and type(element) is tuple and element[0] in (TUPLE, LIST):
            names = [n for n in target[1] if type(n) is str]
            yield dict(zip(names, element[1], strict=False))


def called(block: Block, returned: Expr, params: tuple[Expr, ...], call: Expr) -> Expr:
    """What a function returns for the arguments of `call`, as far as they are written."""
    given: dict[str, Expr] = {p[0]: p[2] for p in params if p[2] is not None}
    given |= dict(zip([p[0] for p in params], call[3], strict=False))
    given |= {name: value for name, value in call[4] if name is not None}
    for statement in block:
        if statement[0] == SET and statement[3] is not None:
            value = filled(statement[3], given)
            given |= {name: value for name in statement[2] if type(name) is str}
    return filled(returned, given)
