"""Calls of ``add_url_rule``, read where it is said what they add: in a helper's callers, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from migrator.analyze.facts.shape import ATTR, CALL, FOR, FSTRING, OP, SET, STR, TUPLE, Expr
from migrator.analyze.project.calls import Found
from migrator.analyze.project.modules import Module
from migrator.analyze.project.scopes import Scopes
from migrator.analyze.project.walk import keyword, nested, owner_of

_DEEPEST = 3


class Written(NamedTuple):
    """An expression (None where there is none) and the place whose names it uses."""

    module: Module
    definition: str
    local: dict[str, str]
    expr: Expr | None


class UrlRule(NamedTuple):
    """What is added; `module` and `line` are those of the call that says so."""

    module: Module
    line: int
    mount: Written
    rule: Written
    view: Written
    methods: Written


class _Loop(NamedTuple):
    """A loop of the function `home` over something that may be written elsewhere."""

    home: str
    target: Expr
    over: Written


_Names = Mapping[str, Written]


def url_rules(scopes: Scopes, found: Found) -> Iterator[UrlRule]:
    """What a call of ``add_url_rule`` adds: once, or for each turn of the loops around it and for
    each call of the helper whose parameters it names."""
    call = found.call
    view = keyword(call, "view_func") or (call[3][2] if len(call[3]) > 2 else None)
    rule = call[3][0] if call[3] else keyword(call, "rule")
    if type(view) is str:
        view = _made(scopes, found.definition, view)
    told = (owner_of(call[2]), rule, view, keyword(call, "methods"))
    parts = [Written(found.module, found.definition, found.local, expr) for expr in told]
    loops = _loops(scopes, found, {name for expr in told for name in _names(expr)})
    gathers = any(name is None for name, _ in call[4])
    yield from _called(scopes, found, parts, loops, gathers, 0)


def _made(scopes: Scopes, definition: str, view: str) -> Expr:
    """What a view of the function's own is made of: of several assignments the one that makes it a
    view."""
    made = [
        s[3]
        for s in nested(scopes.block(definition))
        if s[0] == SET and view in s[2] and type(s[3]) is tuple and s[3][0] == CALL
    ]
    views = [call for call in made if str(call[2]).endswith(".as_view")]
    return views[0] if len(views) == 1 else made[0] if len(made) == 1 else view


def _loops(scopes: Scopes, found: Found, names: set[str]) -> list[_Loop]:
    """The loops around a call that bind one of `names`."""
    block = scopes.block(found.definition)
    if found.definition.endswith(":"):
        block = found.module.facts.interface.body
    return [
        _Loop(found.definition, s[2], Written(found.module, found.definition, found.local, s[3]))
        for s in nested(block)
        if s[0] == FOR
        and not names.isdisjoint(_targets(s[2]))
        and found.call in _within(s)
        and not _changes(s)
    ]


def _changes(loop: Expr) -> bool:
    """Whether the body of a loop binds anew what the loop binds."""
    bound = _targets(loop[2])
    return any(s[0] == SET and not set(bound).isdisjoint(s[2]) for s in nested(loop[4]))


def _within(loop: Expr) -> Iterator[Expr]:
    waiting = [loop[4]]
    while waiting:
        one = waiting.pop()
        if type(one) is tuple:
            yield one
            waiting.extend(one)


def _targets(target: Expr) -> tuple[Expr, ...]:
    if type(target) is str:
        return (target,)
    return target[1] if type(target) is tuple and target[0] == TUPLE else ()


def _called(
    scopes: Scopes, call: Found, parts: Sequence[Written], loops: list[_Loop], gathers: bool,
    depth: int,
) -> Iterator[UrlRule]:  # fmt: skip
    """The rules for each call of the function that a call stands in, where its parameters tell
    them."""
    function = call.definition
    changed = {t for s in nested(scopes.block(function)) if s[0] == SET for t in s[2]}
    parameters = set(scopes.parameters(function)) - changed
    looked_at = (*parts, *(loop.over for loop in loops))
    callers: list[Found] = []
    told_by = [p for p in looked_at if p.definition == function]
    if depth < _DEEPEST and any(n in parameters for p in told_by for n in _names(p.expr)):
        callers = list(scopes.calls_of(function))
    if not callers:
        yield from _turned(scopes, call, parts, loops)
    for caller in callers:
        given, more = scopes.given(function, caller)
        given = {name: expr for name, expr in given.items() if name in parameters}
        where = Written(caller.module, caller.definition, caller.local, None)
        here = Written(call.module, f"{call.module.name}:", {}, None)
        names = {n: here._replace(expr=e) for n, e in scopes.defaults(function) if n in parameters}
        names |= {name: where._replace(expr=expr) for name, expr in given.items()}
        told = [_given(part, function, names) for part in parts]
        if gathers:
            for place, name in ((1, "rule"), (2, "view_func"), (3, "methods")):
                if told[place].expr is None:
                    told[place] = where._replace(expr=more.get(name))
        turned = [o._replace(over=_given(o.over, function, names)) for o in loops]
        yield from _called(scopes, caller, told, turned, False, depth + 1)


def _turned(
    scopes: Scopes, call: Found, parts: Sequence[Written], loops: list[_Loop]
) -> Iterator[UrlRule]:
    """One rule for each turn of the loops; loops over what is not known stay as they are."""
    if not loops:
        mount, rule, view, methods = parts
        yield UrlRule(call.module, call.call[1], mount, rule, view, methods)
        return
    loop, *others = loops
    over = loop.over
    elements = [
        Written(home, where, over.local if where == over.definition else {}, element)
        for home, where, element in scopes.elements(over.module, over.definition, over.expr)
    ]
    for names in [_turn(loop.target, element) for element in elements] or [{}]:
        bound = [_given(part, loop.home, names) for part in parts]
        inner = [o._replace(over=_given(o.over, loop.home, names)) for o in others]
        yield from _turned(scopes, call, bound, inner)


def _turn(target: Expr, element: Written) -> _Names:
    """What the names that a loop binds stand for in a turn."""
    if type(target) is str:
        return {target: element}
    names, value = _targets(target), element.expr
    values = value[1] if type(value) is tuple and value[0] == TUPLE else ()
    if len(names) != len(values):
        return {}
    return {
        name: element._replace(expr=one)
        for name, one in zip(names, values, strict=True)
        if type(name) is str
    }


def _names(expr: Expr | None) -> Iterator[str]:
    """The names that say what an expression is: ``view`` of ``wrap(view.as_view("x"))``, all of
    ``prefix + "/new"``."""
    while type(expr) is tuple and expr[0] == CALL:
        owner = owner_of(expr[2]) if type(expr[2]) is str else None
        expr = owner or (expr[3][0] if expr[3] else None)
    if type(expr) is str:
        yield expr.partition(".")[0]
    elif type(expr) is tuple and expr[0] == OP and expr[1] == "+":
        for side in expr[2:4]:
            yield from _names(side)
    elif type(expr) is tuple and expr[0] == FSTRING:
        for part in expr[1]:
            yield from _names(part[1][0]) if type(part) is tuple else ()


def _given(part: Written, within: str, names: _Names) -> Written:
    """The part with what `names` of the function `within` stand for in it."""
    expr = part.expr
    if part.definition != within:
        return part
    if type(expr) is str:
        head, _, rest = expr.partition(".")
        if head not in names:
            return part
        given = names[head]
        return given._replace(expr=_attribute(given.expr, rest)) if rest else given
    if type(expr) is tuple and expr[0] == CALL:
        if type(expr[2]) is str and expr[2].partition(".")[0] in names:
            function = _given(part._replace(expr=expr[2]), within, names)
            return function._replace(expr=(*expr[:2], function.expr, *expr[3:]))
        if expr[3] and any(name in names for name in _names(expr[3][0])):
            wrapped = _given(part._replace(expr=expr[3][0]), within, names)
            return wrapped._replace(expr=(*expr[:3], (wrapped.expr, *expr[3][1:]), expr[4]))
    if type(expr) is tuple and expr[0] in (OP, FSTRING):
        return part._replace(expr=_filled(expr, names))
    return part


def _filled(expr: Expr, names: _Names) -> Expr:
    """A sum or f-string with those names filled in that are literal strings: others mean nothing
    outside of their own place."""
    if type(expr) is str:
        given = names[expr].expr if expr in names else None
        return given if type(given) is tuple and given[0] == STR else expr
    if type(expr) is tuple and expr[0] == OP:
        return (*expr[:2], *(_filled(side, names) for side in expr[2:4]))
    if type(expr) is tuple and expr[0] == FSTRING:
        holes = [p if type(p) is str else (p[0], (_filled(p[1][0], names),)) for p in expr[1]]
        return (FSTRING, tuple(holes))
    return expr


def _attribute(value: Expr | None, name: str) -> Expr:
    return f"{value}.{name}" if type(value) is str else (ATTR, 0, value, name)
