"""Expressions of the syntax tree to the shapes of `shape`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from migrator.analyze.facts.frame import BUILTINS, Frame
from migrator.analyze.facts.shape import (
    ANY,
    ATTR,
    BIND,
    CALL,
    CONST,
    DICT,
    EACH,
    FSTRING,
    ITEM,
    LAMBDA,
    LIST,
    MINUS,
    NOT,
    ONE_OF,
    OP,
    SET_,
    STAR,
    STR,
    TUPLE,
    YIELD,
    Expr,
)
from migrator.analyze.facts.sql_text import may_be_sql

if TYPE_CHECKING:
    from migrator.analyze.facts.lower import Lowering


LONGEST_TEXT = 300


_MOST_ELEMENTS = 600


_NOTHING: Expr = (ANY, ())


_OPERATORS: dict[type, str] = {ast.BitOr: "|", ast.Add: "+", ast.Mod: "%"}


_DYNAMIC = {"import_module", "__import__"}


def _name(low: Lowering, node: ast.Name) -> Expr:
    name = node.id
    frame = low.frame
    if name not in frame.hidden and name not in frame.refs and name not in BUILTINS:
        frame.refs[name] = node.lineno
    return name


def chain(node: ast.Attribute) -> str | None:
    """``a.b.c``, or None where the chain does not begin with a name."""
    parts = [node.attr]
    value = node.value
    while type(value) is ast.Attribute:
        parts.append(value.attr)
        value = value.value
    if type(value) is not ast.Name:
        return None
    parts.append(value.id)
    parts.reverse()
    return ".".join(parts)


def _attribute(low: Lowering, node: ast.Attribute) -> Expr:
    dotted = chain(node)
    if dotted is None:
        return (ATTR, node.lineno, low.expr(node.value), node.attr)
    frame = low.frame
    head = dotted[: dotted.index(".")]
    if head not in frame.hidden and head not in BUILTINS and dotted not in frame.refs:
        frame.refs[dotted] = node.lineno
    return dotted


def _call(low: Lowering, node: ast.Call) -> Expr:
    func = node.func
    frame = low.frame
    line = node.lineno
    used = node is not low.bare
    lowered: Expr
    if type(func) is ast.Attribute:
        frame.attributes.add(func.attr)
        lowered = chain(func)
        if lowered is None:
            lowered = (ATTR, line, low.expr(func.value), func.attr)
        else:
            _called(frame, lowered, lowered[: lowered.index(".")], line, used)
    elif type(func) is ast.Name:
        lowered = func.id
        _called(frame, lowered, lowered, line, used)
    else:
        lowered = low.expr(func)
    args = tuple([low.expr(a) for a in node.args])
    keywords = tuple([(k.arg, low.expr(k.value)) for k in node.keywords])
    call = (CALL, line, lowered, args, keywords)
    if type(lowered) is str and lowered.rpartition(".")[2] in _DYNAMIC:
        low.dynamic.append((line, low.owner, call))
    return call


def _called(frame: Frame, dotted: str, head: str, line: int, used: bool) -> None:
    if head in frame.hidden or (head in BUILTINS and head == dotted):
        return
    found = frame.calls.get(dotted)
    if found is None:
        frame.calls[dotted] = [1, line, used]
    else:
        found[0] += 1
        found[2] |= used


def _constant(low: Lowering, node: ast.Constant) -> Expr:
    value: Any = node.value
    kind = type(value)
    if kind is str:
        if (len(value) > 8 or value[-4:] == ".sql") and may_be_sql(value):
            low.frame.sql = True
        elif len(value) > LONGEST_TEXT:
            return (STR, value[:LONGEST_TEXT])
        return (STR, value)
    if (
        value is None
        or value is ...
        or kind is bool
        or kind is float
        or (kind is int and abs(value) < 1 << 60)
    ):
        return (CONST, value)
    return _NOTHING


def _fstring(low: Lowering, node: ast.JoinedStr) -> Expr:
    parts: list[Expr] = []
    for value in node.values:
        if type(value) is ast.Constant:
            parts.append(value.value)
        elif type(value) is ast.FormattedValue:
            parts.append((ANY, (low.expr(value.value),)))
    text = "".join(p if type(p) is str else " x " for p in parts)
    if may_be_sql(text):
        low.frame.sql = True
    return (FSTRING, tuple(parts))


def _binary(low: Lowering, node: ast.BinOp) -> Expr:
    spine: list[ast.BinOp] = []
    left: ast.AST = node
    while type(left) is ast.BinOp:
        spine.append(left)
        left = left.left
    lowered = low.expr(left)
    for part in reversed(spine):
        operator = _OPERATORS.get(type(part.op))
        right = low.expr(part.right)
        if operator:
            lowered = (OP, operator, lowered, right)
        elif type(part.op) is ast.Sub:
            lowered = (ANY, (lowered, right), MINUS)
        else:
            lowered = (ANY, (lowered, right))
    return lowered


def _elements(low: Lowering, nodes: Sequence[ast.expr]) -> tuple[Expr, ...]:
    if len(nodes) > _MOST_ELEMENTS and all(type(n) is ast.Constant for n in nodes[:50]):
        return ()
    return tuple([low.expr(n) for n in nodes])


def _dict(low: Lowering, node: ast.Dict) -> Expr:
    if len(node.keys) > _MOST_ELEMENTS:
        return (DICT, (), ())
    keys = tuple([low.expr(k) if k is not None else None for k in node.keys])
    return (DICT, keys, tuple([low.expr(v) for v in node.values]))


def _comprehension(kind: str) -> Callable[[Lowering, Any], Expr]:
    def lower(low: Lowering, node: Any) -> Expr:
        clauses = tuple(
            [
                (target_of(low, g.target), low.expr(g.iter), tuple([low.expr(i) for i in g.ifs]))
                for g in node.generators
            ]
        )
        if kind == "dict":
            element: Expr = (TUPLE, (low.expr(node.key), low.expr(node.value)))
        else:
            element = low.expr(node.elt)
        for target, iterated, _ in clauses:
            if type(target) is str:
                low.loops.append((node.lineno, target, iterated))
        return (EACH, kind, element, clauses)

    return lower


def target_of(low: Lowering, node: ast.AST) -> Expr:
    """What is assigned to; names are hidden from the module's from here on."""
    if type(node) is ast.Name:
        low.frame.hidden.add(node.id)
        return node.id
    if type(node) is ast.Tuple or type(node) is ast.List:
        return (TUPLE, tuple([target_of(low, e) for e in node.elts]))
    if type(node) is ast.Starred:
        return (STAR, target_of(low, node.value))
    return low.expr(node)


def params_of(low: Lowering, args: ast.arguments) -> tuple[Expr, ...]:
    hidden = low.frame.hidden
    plain = [*args.posonlyargs, *args.args]
    missing = len(plain) - len(args.defaults)
    defaults = [None] * missing + [low.expr(d) for d in args.defaults]
    found = [
        (a.arg, low.expr(a.annotation) if a.annotation is not None else None, d, "")
        for a, d in zip(plain, defaults, strict=True)
    ]
    if args.vararg:
        found.append((args.vararg.arg, optional(low, args.vararg.annotation), None, "*"))
    for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        found.append((a.arg, optional(low, a.annotation), optional(low, d), "k"))
    if args.kwarg:
        found.append((args.kwarg.arg, optional(low, args.kwarg.annotation), None, "**"))
    hidden.update([p[0] for p in found])
    return tuple(found)


def optional(low: Lowering, node: ast.AST | None) -> Expr:
    return low.expr(node) if node is not None else None


def _lambda(low: Lowering, node: ast.Lambda) -> Expr:
    return (LAMBDA, params_of(low, node.args), low.expr(node.body))


def _several(*fields: str) -> Callable[[Lowering, Any], Expr]:
    def lower(low: Lowering, node: Any) -> Expr:
        found: list[Expr] = []
        for field in fields:
            value = getattr(node, field)
            if type(value) is list:
                found += [low.expr(v) for v in value]
            elif value is not None:
                found.append(low.expr(value))
        return (ANY, tuple(found))

    return lower


_COMPARED = {
    kind: place
    for place, kind in enumerate(
        (ast.In, ast.NotIn, ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
    )
}


def _compare(low: Lowering, node: ast.Compare) -> Expr:
    found = (low.expr(node.left), *[low.expr(c) for c in node.comparators])
    return (ANY, found, _COMPARED[type(node.ops[0])]) if len(node.ops) == 1 else (ANY, found)


def _unary(low: Lowering, node: ast.UnaryOp) -> Expr:
    operand = (low.expr(node.operand),)
    return (ANY, operand, NOT) if type(node.op) is ast.Not else (ANY, operand)


def _yield(low: Lowering, node: Any) -> Expr:
    low.frame.flags.add("generator")
    return (YIELD, low.expr(node.value) if node.value is not None else _NOTHING)


def _bind(low: Lowering, node: ast.NamedExpr) -> Expr:
    value = low.expr(node.value)
    return (BIND, target_of(low, node.target), value)


class _Handlers(dict[type, Callable[[Any, Any], Expr]]):
    """A node of a newer Python than this was written for: what is in it is evaluated."""

    def __missing__(self, kind: type) -> Callable[[Lowering, Any], Expr]:
        return _unknown


def _unknown(low: Lowering, node: ast.AST) -> Expr:
    return (ANY, tuple([low.expr(c) for c in ast.iter_child_nodes(node)]))


EXPRESSIONS = _Handlers({
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.Constant: _constant,
    ast.JoinedStr: _fstring,
    ast.BinOp: _binary,
    ast.Subscript: lambda low, n: (ITEM, low.expr(n.value), low.expr(n.slice)),
    ast.List: lambda low, n: (LIST, _elements(low, n.elts)),
    ast.Tuple: lambda low, n: (TUPLE, _elements(low, n.elts)),
    ast.Set: lambda low, n: (SET_, _elements(low, n.elts)),
    ast.Dict: _dict,
    ast.ListComp: _comprehension("list"),
    ast.SetComp: _comprehension("setof"),
    ast.GeneratorExp: _comprehension("list"),
    ast.DictComp: _comprehension("dict"),
    ast.Lambda: _lambda,
    ast.BoolOp: lambda low, n: (ONE_OF, tuple([low.expr(v) for v in n.values])),
    ast.IfExp: lambda low, n: (
        ONE_OF, ((ANY, (low.expr(n.test),)), low.expr(n.body), low.expr(n.orelse)),
    ),
    ast.Await: lambda low, n: low.expr(n.value),
    ast.Starred: lambda low, n: (STAR, low.expr(n.value)),
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
    ast.NamedExpr: _bind,
    ast.Compare: _compare,
    ast.UnaryOp: _unary,
    ast.Slice: _several("lower", "upper", "step"),
    ast.FormattedValue: _several("value"),
})  # fmt: skip
