"""Which end of a relationship has the key, where its call says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from migrator.analyze.facts.shape import ANY, CALL, LAMBDA, LIST, ONE_OF, TUPLE, Expr
from migrator.analyze.frameworks.sqlalchemy.columns import keyword, last, text
from migrator.analyze.infer.annotations import parsed


def leads_to_many(call: tuple[Any, ...], own: str, target: str) -> bool | None:
    """Whether `own`'s relationship leads to many rows of the class `target`: told by whose columns
    ``foreign_keys=`` names, or ``primaryjoin=`` marks as ``foreign()``. None where neither is."""
    named = {*_columns(keyword(call, "foreign_keys"), True)}
    named |= {*_columns(keyword(call, "primaryjoin"), False)}
    owners = {last(name.rpartition(".")[0]) or own for name in named}
    if own == target or not owners <= {own, target} or len(owners) != 1:
        return None
    return owners == {target}


def _columns(expr: Expr | None, foreign: bool) -> Iterator[str]:
    written = text(expr)
    if written is not None:
        expr = parsed(written)
    if type(expr) is str:
        yield from (expr,) if foreign else ()
    elif type(expr) is tuple and expr[0] == CALL:
        marked = foreign or last(str(expr[2])) == "foreign"
        for argument in expr[3]:
            yield from _columns(argument, marked)
    elif type(expr) is tuple and expr[0] in (ANY, ONE_OF, LIST, TUPLE):
        for inner in expr[1]:
            yield from _columns(inner, foreign)
    elif type(expr) is tuple and expr[0] == LAMBDA:
        yield from _columns(expr[2], foreign)
