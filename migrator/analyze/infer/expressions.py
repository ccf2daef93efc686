"""What each shape of expression is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

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
    ONE_OF,
    OP,
    OPERATORS,
    SET_,
    STAR,
    STR,
    TUPLE,
    YIELD,
    Expr,
)  # fmt: skip
from migrator.analyze.facts.sql_text import may_be_sql
from migrator.analyze.infer.known_calls import key_of, loose, of_collection, of_outside, unknown
from migrator.analyze.infer.sink import SUPER
from migrator.analyze.infer.types import type_argument
from migrator.analyze.infer.values import (
    HOLE,
    Call,
    ClassRef,
    Closure,
    Either,
    External,
    Instance,
    Many,
    Mapping,
    Method,
    Probe,
    Several,
    SuperOf,
    Text,
    Value,
    either,
    options,
)  # fmt: skip

if TYPE_CHECKING:
    from migrator.analyze.infer.interpreter import Interpreter


def _str(at: Interpreter, expr: Expr) -> Value | None:
    text = expr[1]
    if may_be_sql(text):
        told(at, text, True)
    return Text(text)


def told(at: Interpreter, text: str, whole: bool) -> None:
    """Offer a likely statement to the frameworks, at the line of where it stands; not where it
    is only logged or raised."""
    if at.quiet:
        return
    for framework in at.world.asked_text:
        if framework.text(at, text, whole, at.line):
            return


def text_value(at: Interpreter, expr: Expr) -> Text | None:
    """A string put together from constants and holes; None for anything else."""
    tag = expr[0] if type(expr) is tuple else ""
    if tag == STR:
        return Text(expr[1])
    if tag == FSTRING:
        parts = [Text(p) if type(p) is str else _hole(at, p[1][0]) for p in expr[1]]
        return Text("".join(p.text for p in parts), all(p.whole for p in parts))
    if tag == OP and expr[1] == "+":
        left, right = text_value(at, expr[2]), text_value(at, expr[3])
        if left is None and right is None:
            return None
        left, right = left or _hole(at, expr[2]), right or _hole(at, expr[3])
        return Text(left.text + right.text, left.whole and right.whole)
    if tag == OP and expr[1] == "%":
        left = text_value(at, expr[2])
        return _formatted(at, left, expr[3]) if left is not None else None
    return None


def _hole(at: Interpreter, expr: Expr) -> Text:
    """The text of a hole where it is a known string, else `HOLE`."""
    value = at.value(expr)
    return value if type(value) is Text else Text(HOLE, False)


def _formatted(at: Interpreter, text: Text, right: Expr) -> Text:
    """``"… %s" % x`` with what is known of `x`."""
    given = right[1] if type(right) is tuple and right[0] == TUPLE else (right,)
    result, whole = text.text, text.whole
    for expr in given:
        part = _hole(at, expr)
        spot = next((s for s in ("%s", "%d", "%r") if s in result), None)
        if spot is None:
            return Text(result.replace("%", " "), False)
        result = result.replace(spot, part.text, 1)
        whole = whole and part.whole
    return Text(result, whole)


def _text(at: Interpreter, expr: Expr) -> Value | None:
    """f-strings, and ``+`` and ``%`` of strings."""
    if expr[0] == OP and expr[1] == "|":
        left, right = at.value(expr[2]), at.value(expr[3])
        return either(left, right)
    if expr[0] == OP and not _is_text(expr[2]):
        left = at.value(expr[2])
        right = at.value(expr[3])
        if type(left) is Text and expr[1] == "+":
            other = right if type(right) is Text else Text(HOLE, False)
            return Text(left.text + other.text, left.whole and other.whole)
        if type(left) is Text and expr[1] == "%":
            filled = _formatted(at, left, expr[3])
            if may_be_sql(filled.text):
                told(at, filled.text, filled.whole)
            return filled
        if type(left) is Many or type(right) is Many:
            return either(left, right)
        return left if expr[1] == "+" else None
    found = text_value(at, expr)
    if found is None:
        return None
    if may_be_sql(found.text):
        told(at, found.text, found.whole)
    return found


def _is_text(expr: Expr) -> bool:
    while type(expr) is tuple and expr[0] == OP:
        expr = expr[2]
    return type(expr) is tuple and expr[0] in (STR, FSTRING)


def _call(at: Interpreter, expr: Expr) -> Value | None:
    _, line, func, args, keywords = expr
    before, at.line = at.line, line
    if func == "super":
        at.line = before
        return _super(at)
    function = at.value(func)
    quiet = type(func) is str and _only_tells(func)
    at.quiet += quiet
    values: tuple[Value | None, ...] = tuple([at.value(a) for a in args]) if args else ()
    named: dict[str, Value | None] = {}
    written_names: dict[str, Expr] = {}
    for name, written in keywords:
        value = at.value(written)
        if name is not None:
            named[name] = value
            written_names[name] = written
        elif type(function) is Probe and type(value) is Mapping:
            named.update(value.items)
    at.quiet -= quiet
    call = Call(line, expr, args, values, written_names, named)
    if function is None:
        result = unknown(at, func, call)
    elif type(function) is External and function.name in _IMPORTERS:
        result = _imported(at, call)
    elif type(function) is Method and type(function.owner) in _COLLECTIONS:
        result = of_collection(at, function, call)
    elif type(function) is Either and all(
        type(o) is Method and type(o.owner) in _COLLECTIONS for o in function.options
    ):
        result = either(*[of_collection(at, o, call) for o in function.options])  # type: ignore[arg-type]
    else:
        result = at.call(function, call)
        if result is None and values and of_outside(at, function):
            result = loose(at, func, call)
    for value in (*values, *named.values()) if args or keywords else ():
        # A lambda handed over is taken to run here. A function handed over may be only registered.
        if type(value) is Closure and not value.name:
            at.call(value, Call(call.line, None, (), (), {}, {}))
    at.line = before
    return result


_COLLECTIONS = (Many, Mapping, Text, Several)
_TELLS = frozenset(
    {"debug", "info", "warning", "warn", "error", "exception", "critical", "log", "print", "echo",
     "deprecated", "_", "gettext"}
)  # fmt: skip


@cache
def _only_tells(func: str) -> bool:
    """Whether a call says its text to people: a logger, ``print``, an exception."""
    name = func.rpartition(".")[2]
    return name in _TELLS or name.endswith(("Error", "Exception", "Warning"))


_IMPORTERS = frozenset(
    {"importlib.import_module", "django.utils.module_loading.import_string",
     "oslo_utils.importutils.import_module", "oslo_utils.importutils.import_class",
     "werkzeug.utils.import_string"}
)  # fmt: skip


def _imported(at: Interpreter, call: Call) -> Value | None:
    """The module that ``import_module("a.b")`` gives."""
    first = call.values[0] if call.values else None
    if type(first) is not Text or not first.whole:
        return None
    return at.world.value_of(at.project.names.absolute(first.text))


def _super(at: Interpreter) -> Value | None:
    if at.code is None or at.code.owner is None:
        return None
    owner = at.env.get(at.code.statement[4][0][0]) if at.code.statement[4] else None
    if type(owner) is Instance or type(owner) is ClassRef:
        return SuperOf(owner, at.code.owner)
    return None


def _attr(at: Interpreter, expr: Expr) -> Value | None:
    _, line, owner, name = expr
    value = at.value(owner)
    if type(value) is SuperOf:
        at.sink.needs |= {SUPER, name}
        found = at.world.member(value.owner, name, value.after)
        return found if found is not None else _foreign(at, value, name)
    return at.attribute(value, name, line)


def _foreign(at: Interpreter, value: SuperOf, name: str) -> Value | None:
    framework = at.world.framework_of(value.owner)
    return Method(value.owner, name) if framework is not None else None


def _type_argument(at: Interpreter, expr: Expr) -> Value | None:
    """``get_args(cls.__orig_bases__[0])[0]`` in a class that is given type arguments."""
    cls = at.own.cls if at.own is not None else at.cls
    place = expr[2][1] if type(expr[2]) is tuple and expr[2][0] == CONST else None
    if cls is None or type(place) is not int or place < 0 or not _names_bases(expr[1]):
        return None
    at.sink.needs.add("__orig_bases__")
    return type_argument(at.world, cls, place)


def _names_bases(expr: Expr) -> bool:
    """Whether an expression takes something of a class's ``__orig_bases__``, more than one base."""
    waiting, inside = [(expr, 0)], False
    while waiting:
        one, depth = waiting.pop()
        if type(one) is tuple:
            waiting += [(part, depth + 1) for part in one]
        elif type(one) is str and one.rpartition(".")[2] == "__orig_bases__":
            inside = inside or depth > 0
    return inside


def _item(at: Interpreter, expr: Expr) -> Value | None:
    given = _type_argument(at, expr)
    if given is not None:
        return given
    owner = at.value(expr[1])
    index = expr[2]
    key = at.value(index)
    if type(owner) is Several and type(index) is tuple and index[0] == CONST:
        number = index[1]
        if type(number) is int and -len(owner.items) <= number < len(owner.items):
            return owner.items[number]
    if type(owner) is Mapping:
        return key_of(owner, key)
    if type(owner) is Either and all(type(o) is Mapping for o in owner.options):
        return either(*[key_of(o, key) for o in owner.options])  # type: ignore[arg-type]
    if type(owner) is ClassRef:
        return owner  # Generic[User] is the class still
    if type(index) is tuple and index[0] == ANY:  # a slice, or computed
        element = at.element(owner, at.line)
        return either(Many(element), element) if element is not None else None
    if type(owner) is Instance:
        method = at.member(owner, "__getitem__")
        if type(method) is Method:
            return at.call(method, Call(at.line, None, (index,), (key,), {}, {}))
    return at.element(owner, at.line)


def _display(at: Interpreter, expr: Expr) -> Value | None:
    values = []
    for element in expr[1]:
        if type(element) is tuple and element[0] == STAR:
            values.append(at.element(at.value(element[1]), at.line))
        else:
            values.append(at.value(element))
    if expr[0] == TUPLE:
        return Several(tuple(values))
    item = either(*values)
    if item is None:
        return None if values else Several(())
    return Many(item)


def _dict(at: Interpreter, expr: Expr) -> Value | None:
    items: list[tuple[str, Value | None]] = []
    other: list[Value | None] = []
    for key, written in zip(expr[1], expr[2], strict=True):
        value = at.value(written)
        if type(key) is tuple and key[0] == STR:
            items.append((key[1], value))
        else:
            if key is not None:
                at.value(key)
            other.append(value)
    return Mapping(tuple(items[:60]), either(*other)) if items or other else None


def _each(at: Interpreter, expr: Expr) -> Value | None:
    _, kind, element, clauses = expr
    before = dict(at.env)
    for target, iterated, conditions in clauses:
        at.assign(target, at.element(at.value(iterated), at.line), at.line)
        for condition in conditions:
            at.value(condition)
    value = at.value(element)
    at.env = before
    if kind == "dict":
        inner = value.items[1] if type(value) is Several else None
        return Mapping((), inner) if inner is not None else None
    return Many(value) if value is not None else None


_EQUAL = (OPERATORS.index("=="), OPERATORS.index("!="))


def _any(at: Interpreter, expr: Expr) -> Value | None:
    values = [at.value(part) for part in expr[1]]
    lasting = [o for v in values for o in options(v) if o.lasting]
    if len(expr) > 2 and expr[2] in _EQUAL:
        lasting = [o.compared for o in lasting]
    return either(*lasting)


def _bind(at: Interpreter, expr: Expr) -> Value | None:
    value = at.value(expr[2])
    at.assign(expr[1], value, at.line)
    return value


def _yield(at: Interpreter, expr: Expr) -> None:
    value = at.value(expr[1])
    at.yields = True
    at.returned.append(Many(value) if value is not None else None)


EVALUATORS: dict[str, Callable[[Any, Expr], Value | None]] = {
    STR: _str,
    CONST: lambda _at, _expr: None,
    CALL: _call,
    ATTR: _attr,
    ITEM: _item,
    LIST: _display,
    TUPLE: _display,
    SET_: _display,
    DICT: _dict,
    LAMBDA: lambda _at, expr: Closure(expr[1], expr[2]),
    FSTRING: _text,
    OP: _text,
    ANY: _any,
    ONE_OF: lambda at, expr: either(*[at.value(e) for e in expr[1]]),
    EACH: _each,
    STAR: lambda at, expr: at.value(expr[1]),
    YIELD: _yield,
    BIND: _bind,
}
