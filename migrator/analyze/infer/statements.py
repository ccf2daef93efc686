"""What each statement does: branches joined, loops once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from migrator.analyze.facts.shape import (
    AUG,
    CALL,
    CLASS,
    DEF,
    DEL,
    DO,
    FOR,
    IF,
    IMPORT,
    LEAVE,
    RAISE,
    RETURN,
    SET,
    STR,
    TRY,
    WITH,
    Block,
    Expr,
    Stmt,
)
from migrator.analyze.infer.branches import decided, ends
from migrator.analyze.infer.invoke import invoke
from migrator.analyze.infer.narrowing import narrow
from migrator.analyze.infer.values import (
    Call,
    Closure,
    Instance,
    Many,
    Mapping,
    Method,
    Probe,
    Several,
    Text,
    Value,
    either,
    options,
)
from migrator.analyze.project.modules import imported_names

if TYPE_CHECKING:
    from migrator.analyze.infer.interpreter import Interpreter

_MOST_KEYS = 60


def put(at: Interpreter, owner: Expr, key: Value | None, value: Value | None) -> None:
    """``found[key] = value``: a dict holds what is put in it."""
    if type(owner) is not str or owner not in at.env or value is None:
        return
    known = at.env[owner]
    if known is None or type(known) is Mapping:
        items = known.items if type(known) is Mapping else ()
        held = known.item if type(known) is Mapping else None
        if type(key) is Text and key.whole and len(items) < _MOST_KEYS:
            known_items = dict(items)
            known_items[key.text] = value
            at.env[owner] = Mapping(tuple(known_items.items()), held)
        else:
            at.env[owner] = Mapping(items, either(held, value))


def _set(at: Interpreter, statement: Stmt) -> None:
    _, line, targets, written, annotation = statement
    value = at.value(written) if written is not None else None
    if annotation is not None:
        known = at.annotated(annotation)
        value = known if known is not None and not _says_more(value, known) else value
    for target in targets:
        at.assign(target, value, line)


def _aug(at: Interpreter, statement: Stmt) -> None:
    _, line, target, written = statement
    added = at.value(written)
    if type(target) is str and "." not in target:
        before = at.env.get(target)
        if type(before) is Text and type(added) is Text:
            at.env[target] = Text(before.text + added.text, before.whole and added.whole)
        elif before is None:
            at.env[target] = added
        return
    at.assign(target, None, line)


def _do(at: Interpreter, statement: Stmt) -> None:
    expr = statement[2]
    if type(expr) is tuple and expr[0] == STR:
        return  # a docstring, or a string that nothing uses
    at.value(expr)
    if type(expr) is tuple and expr[0] == CALL:
        _grown(at, expr)


def _grown(at: Interpreter, expr: Expr) -> None:
    """``found.append(x)``: a list is what is put in it."""
    func = expr[2]
    if type(func) is not str or not expr[3]:
        return
    name, _, method = func.rpartition(".")
    if method in ("append", "add") and name and "." not in name and name in at.env:
        known = at.env[name]
        if known is None or known == Several(()):
            item = at.value(expr[3][0])
            if item is not None:
                at.env[name] = Many(item)


def _return(at: Interpreter, statement: Stmt) -> None:
    at.returned.append(at.value(statement[2]))


def _raise(at: Interpreter, statement: Stmt) -> None:
    at.value(statement[2])


def _leave(at: Interpreter, statement: Stmt) -> None:
    del at, statement


def _del(at: Interpreter, statement: Stmt) -> None:
    for target in statement[2]:
        at.value(target)


def _for(at: Interpreter, statement: Stmt) -> None:
    _, line, target, iterated, body = statement
    at.assign(target, at.element(at.value(iterated), line), line)
    before = dict(at.env)
    _inner(at, body)
    _join(at, before)


def _inner(at: Interpreter, block: Block) -> None:
    """What follows a block may run even where the block's own end is known."""
    at.block(block)
    at.ended = False


def _if(at: Interpreter, statement: Stmt) -> None:
    _, _line, test, body, orelse = statement
    at.value(test)
    holds = decided(at, test)
    if holds is not None:
        chosen = body if holds else orelse
        at.block(chosen)
        at.ended = at.ended or ends(chosen)
        return
    before = dict(at.env)
    narrow(at, test, True)
    at.block(body)
    after = at.env
    ended = ends(body) or at.ended
    leaves = bool(body) and body[-1][0] == LEAVE
    at.env, at.ended = dict(before) if leaves or orelse else before, False
    narrow(at, test, False)
    if leaves:  # what held of a name in there holds no more below
        after = {n: v for n, v in after.items() if at.env.get(n) == before.get(n)}
    if orelse:
        at.block(orelse)
    if at.ended and not ended:
        at.env, at.ended = after, False
    elif not ended:
        _join(at, after)


def _join(at: Interpreter, other: dict[str, Value | None]) -> None:
    env = at.env
    for name, value in other.items():
        if value is None:
            env.setdefault(name, None)
        elif name not in env or env[name] is None:
            env[name] = value
        elif env[name] != value:
            env[name] = either(env[name], value)


def _with(at: Interpreter, statement: Stmt) -> None:
    _, line, items, body = statement
    for expr, target in items:
        value = at.value(expr)
        entered = _entered(at, value, line)
        if target is not None:
            at.assign(target, entered, line)
    at.block(body)


def _entered(at: Interpreter, value: Value | None, line: int) -> Value | None:
    """What ``with`` binds: the object itself unless its class says otherwise."""
    found = []
    for one in options(value):
        entered: Value | None = one.item if type(one) is Many else one
        framework = at.world.framework_of(one)
        if framework is not None:
            known = framework.entered(at, one, line)
            if known is not None:
                found.append(known)
                continue
        if type(one) is Instance:
            for name in ("__enter__", "__aenter__"):
                method = at.member(one, name)
                if type(method) is Method:
                    given = invoke(at, method, Call(line, None, (), (), {}, {}))
                    entered = given if given is not None else one
        found.append(entered)  # type: ignore[arg-type]
    return either(*found)


def _try(at: Interpreter, statement: Stmt) -> None:
    _, _line, body, handlers, final = statement
    _inner(at, body)
    for type_, name, inner in handlers:
        before = dict(at.env)
        if name:
            at.env[name] = at.world.instance_of(at.value(type_)) if type_ else None
        _inner(at, inner)
        _join(at, before)
    at.block(final)


def _import(at: Interpreter, statement: Stmt) -> None:
    module = at.project.modules[at.module]
    for imported in imported_names(at.module, module.is_package, statement):
        if imported.bound is not None:
            target = at.project.names.absolute(imported.target)
            at.env[imported.bound] = at.world.value_of(target)


def _def(at: Interpreter, statement: Stmt) -> None:
    name, params, body = statement[3], statement[4], statement[7]
    handed: tuple[Value | None, ...] = ()
    for _, decorator in statement[6]:
        at.value(decorator)
        framework = at.world.registering(decorator)
        handed = framework.decorated(at, decorator) if framework is not None else handed
    at.env[name] = Closure(params, body, f"{at.function}.{name}:{statement[1]}")
    if isinstance(body, tuple):
        # It runs some time: what it touches belongs to the function that makes it.
        before = dict(at.env)
        kept, at.returned = at.returned, []
        for place, (param_name, annotation, _, _) in enumerate(params):
            known = handed[place] if place < len(handed) else None
            at.env[param_name] = at.annotated(annotation) if annotation else known
        probing, at.probing = at.probing, False
        if probing and params and params[0][3] == "":
            at.env[params[0][0]] = Probe()
        constants, at.constants = at.constants, {}
        _inner(at, body)
        at.probing, at.constants = probing, constants
        at.env, at.returned = before, kept


def _class(at: Interpreter, statement: Stmt) -> None:
    at.env[statement[3]] = None
    before = dict(at.env)
    at.block(statement[7])
    at.env = before


def _says_more(value: Value | None, known: Value) -> bool:
    """Whether a value tells more than its annotation does, as a subclass or a query."""
    return value is not None and type(value) is not type(known)


STATEMENTS: dict[str, Callable[[Any, Stmt], None]] = {
    SET: _set, AUG: _aug, DO: _do,
    RETURN: _return, RAISE: _raise, LEAVE: _leave, DEL: _del,
    FOR: _for, IF: _if, WITH: _with, TRY: _try,
    IMPORT: _import, DEF: _def, CLASS: _class,
}  # fmt: skip
