"""Statements of the syntax tree to the shapes of `shape`."""

from __future__ import annotations

import ast
import marshal
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from migrator.analyze.facts.frame import Frame
from migrator.analyze.facts.lower_expressions import (
    LONGEST_TEXT,
    chain,
    optional,
    params_of,
    target_of,
)
from migrator.analyze.facts.shape import (
    ANY,
    AUG,
    CALL,
    CLASS,
    DECORATES,
    DEF,
    DEL,
    DO,
    FOR,
    IF,
    IMPORT,
    INHERITS,
    ITEM,
    LEAVE,
    RAISE,
    RAISES,
    RETURN,
    SET,
    TRY,
    WITH,
    Block,
    Body,
    Expr,
    Stmt,
)
from migrator.analyze.facts.sql_text import may_be_sql

if TYPE_CHECKING:
    from migrator.analyze.facts.lower import Lowering


def _assign(low: Lowering, node: ast.Assign) -> Stmt:
    value = low.expr(node.value)
    return (SET, node.lineno, tuple([target_of(low, t) for t in node.targets]), value, None)


def _annotated(low: Lowering, node: ast.AnnAssign) -> Stmt:
    value = optional(low, node.value)
    annotation = low.expr(node.annotation)
    return (SET, node.lineno, (target_of(low, node.target),), value, annotation)


def _augmented(low: Lowering, node: ast.AugAssign) -> Stmt:
    return (AUG, node.lineno, target_of(low, node.target), low.expr(node.value))


def _do(low: Lowering, node: ast.Expr) -> Stmt | None:
    value = node.value
    if type(value) is ast.Constant and not may_be_sql(str(value.value)):
        return None
    low.bare = value
    return (DO, node.lineno, low.expr(value))


def _raise(low: Lowering, node: ast.Raise) -> Stmt:
    if node.exc is None:
        return (RAISE, node.lineno, None)
    lowered = low.expr(node.exc)
    raised = lowered[2] if type(lowered) is tuple and lowered[0] == CALL else lowered
    if type(raised) is str:
        low.frame.other.append((raised, RAISES, node.lineno))
    return (RAISE, node.lineno, lowered)


def _for(low: Lowering, node: Any) -> Stmt:
    iterated = low.expr(node.iter)
    target = target_of(low, node.target)
    if type(target) is str:
        low.loops.append((node.lineno, target, iterated))
    body = low.block(node.body)
    return (FOR, node.lineno, target, iterated, body + low.block(node.orelse))


def _inside(low: Lowering, kind: str, nodes: Sequence[ast.stmt]) -> Block:
    before = low.import_kind
    if before == "static":
        low.import_kind = kind
    found = low.block(nodes)
    low.import_kind = before
    return found


def _if(low: Lowering, node: Any) -> Stmt:
    test = low.expr(node.test)
    checking = type(test) is str and test.rpartition(".")[2] == "TYPE_CHECKING"
    body = _inside(low, "type_checking" if checking else "conditional", node.body)
    return (IF, node.lineno, test, body, _inside(low, "conditional", node.orelse))


def _with(low: Lowering, node: Any) -> Stmt:
    items = tuple(
        [
            (
                low.expr(i.context_expr),
                target_of(low, i.optional_vars) if i.optional_vars is not None else None,
            )
            for i in node.items
        ]
    )
    return (WITH, node.lineno, items, _inside(low, "conditional", node.body))


def _try(low: Lowering, node: Any) -> Stmt:
    body = _inside(low, "conditional", node.body)
    handlers = tuple(
        [
            (optional(low, h.type), h.name, _inside(low, "conditional", h.body))
            for h in node.handlers
        ]
    )
    orelse = _inside(low, "conditional", node.orelse)
    final = _inside(low, "conditional", node.finalbody)
    return (TRY, node.lineno, body + orelse, handlers, final)


def _match(low: Lowering, node: ast.Match) -> Stmt:
    subject = low.expr(node.subject)
    cases: Block = ()
    for case in reversed(node.cases):
        names: list[Expr] = []
        for inner in ast.walk(case.pattern):
            if isinstance(inner, ast.MatchClass):
                names.append(low.expr(inner.cls))
            elif isinstance(inner, ast.MatchAs | ast.MatchStar) and inner.name:
                low.frame.hidden.add(inner.name)
            elif isinstance(inner, ast.MatchValue):
                names.append(low.expr(inner.value))
        if case.guard is not None:
            names.append(low.expr(case.guard))
        body = _inside(low, "conditional", case.body)
        cases = ((IF, case.pattern.lineno, (ANY, tuple(names)), body, cases),)
    return (IF, node.lineno, (ANY, (subject,)), cases, ())


def _import(low: Lowering, node: Any) -> Stmt:
    names = tuple([(a.name, a.asname) for a in node.names])
    kind = "lazy" if low.in_function else low.import_kind
    if type(node) is ast.Import:
        found: Stmt = (IMPORT, node.lineno, kind, -1, None, names)
    else:
        found = (IMPORT, node.lineno, kind, node.level, node.module, names)
    low.imports.append(found)
    if low.in_function:
        low.frame.local.append(found)
    return found


def _global(low: Lowering, node: ast.Global) -> None:
    low.frame.shared.update(node.names)


def _decorators(low: Lowering, nodes: Sequence[ast.expr]) -> tuple[Expr, ...]:
    return tuple([(node.lineno, _named(low, node, DECORATES)) for node in nodes])


def _named(low: Lowering, node: ast.expr, kind: int) -> Expr:
    """A decorator or a base class: its name counts once, as what it is used for."""
    func = node.func if type(node) is ast.Call else node
    outer = func.value if type(func) is ast.Subscript else func
    dotted = None
    if type(outer) is ast.Name:
        dotted = outer.id
    elif type(outer) is ast.Attribute:
        dotted = chain(outer)
    if dotted is None:
        return low.expr(node)
    low.frame.other.append((dotted, kind, node.lineno))
    lowered: Expr = dotted
    if type(func) is ast.Subscript:
        lowered = (ITEM, dotted, low.expr(func.slice))
    if type(node) is ast.Call:
        args = tuple([low.expr(a) for a in node.args])
        keywords = tuple([(k.arg, low.expr(k.value)) for k in node.keywords])
        lowered = (CALL, node.lineno, lowered, args, keywords)
    return lowered


def _def(low: Lowering, node: Any) -> Stmt:
    """A function; its body goes to `bodies` unless it stands inside another one's."""
    decorators = _decorators(low, node.decorator_list)
    outer = low.frame
    nested = low.in_function
    doc = _doc(node.body)
    if nested:
        outer.hidden.add(node.name)
        params = params_of(low, node.args)
        returns = optional(low, node.returns)
        body: Any = low.block(node.body)
        flags = ("async",) if type(node) is ast.AsyncFunctionDef else ()
        return (
            DEF, node.lineno, node.end_lineno, node.name, params, returns, decorators, body,
            flags, doc,
        )  # fmt: skip
    inner = low.frame = Frame()
    params = params_of(low, node.args)
    returns = optional(low, node.returns)
    at_top, low.at_top, low.in_function = low.at_top, False, True
    lowered = low.block(node.body)
    low.at_top, low.in_function = at_top, False
    low.frame = outer
    low.bodies.append(Body(tuple(sorted(inner.attributes)), inner.sql, marshal.dumps(lowered)))
    flags = ("generator",) if "generator" in inner.flags else ()
    if type(node) is ast.AsyncFunctionDef:
        flags = ("async", *flags)
    outer.absorb(inner)
    outer.attributes |= inner.attributes & _KEPT_ATTRIBUTES
    return (
        DEF, node.lineno, node.end_lineno, node.name, params, returns, decorators,
        len(low.bodies) - 1, flags, doc,
    )  # fmt: skip


_KEPT_ATTRIBUTES = frozenset({"commit"})


def _class(low: Lowering, node: ast.ClassDef) -> Stmt:
    decorators = _decorators(low, node.decorator_list)
    bases = [_named(low, base, INHERITS) for base in node.bases]
    keywords = tuple([(k.arg, low.expr(k.value)) for k in node.keywords])
    doc = _doc(node.body)
    outer = low.frame
    if low.in_function:
        outer.hidden.add(node.name)
        body = low.block(node.body)
    else:
        inner = low.frame = Frame()
        at_top, low.at_top = low.at_top, False
        body = low.block(node.body)
        low.at_top = at_top
        low.frame = outer
        inner.hidden = set()
        outer.absorb(inner)
        outer.attributes |= inner.attributes
    return (
        CLASS, node.lineno, node.end_lineno, node.name, tuple(bases), keywords, decorators, body,
        doc, tuple([p.name for p in getattr(node, "type_params", ())]),
    )  # fmt: skip


def _doc(body: Sequence[ast.stmt]) -> str | None:
    first = body[0] if body else None
    if type(first) is ast.Expr and type(first.value) is ast.Constant:
        text = first.value.value
        if type(text) is str and (stripped := text.strip()):
            return stripped.splitlines()[0].rstrip()[:LONGEST_TEXT]
    return None


STATEMENTS: dict[type, Callable[[Lowering, Any], Stmt | None]] = {
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Expr: _do,
    ast.Return: lambda low, n: (RETURN, n.lineno, optional(low, n.value)),
    ast.Break: lambda _, n: (LEAVE, n.lineno),
    ast.Continue: lambda _, n: (LEAVE, n.lineno),
    ast.Raise: _raise,
    ast.Delete: lambda low, n: (DEL, n.lineno, tuple([low.expr(t) for t in n.targets])),
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _if,
    ast.If: _if,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.Match: _match,
    ast.Import: _import,
    ast.ImportFrom: _import,
    ast.FunctionDef: _def,
    ast.AsyncFunctionDef: _def,
    ast.ClassDef: _class,
    ast.Global: _global,
    ast.Assert: lambda low, n: (DO, n.lineno, low.expr(n.test)),
}
STATEMENTS[ast.TryStar] = _try
if (alias := getattr(ast, "TypeAlias", None)) is not None:  # since Python 3.12
    STATEMENTS[alias] = lambda low, n: (
        SET,
        n.lineno,
        (target_of(low, n.name),),
        low.expr(n.value),
        None,
    )
