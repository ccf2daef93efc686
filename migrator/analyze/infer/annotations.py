"""Annotations written as strings, and expressions back to text."""

from __future__ import annotations

import ast
from functools import lru_cache

from migrator.analyze.facts import shape
from migrator.analyze.facts.lower import Lowering
from migrator.analyze.facts.shape import Expr


@lru_cache(maxsize=8192)
def parsed(text: str) -> Expr | None:
    """The expression in a string annotation; None where it is none."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
        return Lowering().expr(tree.body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def text_of(expr: Expr) -> str:
    """An expression as source, as far as facts keep it."""
    if type(expr) is str:
        return expr
    if type(expr) is not tuple:
        return "…"
    tag = expr[0]
    if tag == shape.STR or tag == shape.CONST:
        return "..." if expr[1] is ... else repr(expr[1])
    if tag == shape.ITEM:
        inner = expr[2]
        if type(inner) is tuple and inner[0] == shape.TUPLE:
            return f"{text_of(expr[1])}[{', '.join(map(text_of, inner[1]))}]"
        return f"{text_of(expr[1])}[{text_of(inner)}]"
    if tag == shape.OP:
        return f"{text_of(expr[2])} {expr[1]} {text_of(expr[3])}"
    if tag == shape.CALL:
        args = [text_of(a) for a in expr[3]]
        args += [f"{n}={text_of(v)}" if n else f"**{text_of(v)}" for n, v in expr[4]]
        return f"{text_of(expr[2])}({', '.join(args)})"
    if tag == shape.ATTR:
        return f"{text_of(expr[2])}.{expr[3]}"
    if tag == shape.LIST:
        return f"[{', '.join(map(text_of, expr[1]))}]"
    if tag == shape.TUPLE:
        items = ", ".join(map(text_of, expr[1]))
        return f"({items},)" if len(expr[1]) == 1 else f"({items})"
    if tag == shape.STAR:
        return f"*{text_of(expr[1])}"
    if tag == shape.FSTRING:
        return "f'" + "".join(p if type(p) is str else "{…}" for p in expr[1]) + "'"
    return "…"
