"""Calls of builtins, and methods of lists, dicts and strings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.analyze.facts.shape import ATTR, CALL, CONST, Expr
from migrator.analyze.infer.values import (
    HOLE,
    Call,
    ClassRef,
    External,
    Function,
    Instance,
    Many,
    Mapping,
    Method,
    Several,
    Text,
    Value,
    either,
    options,
)

if TYPE_CHECKING:
    from migrator.analyze.infer.interpreter import Interpreter


_SAME_ITEMS = frozenset(
    {"list", "sorted", "tuple", "set", "frozenset", "reversed", "iter", "filter", "chain",
     "deepcopy", "copy"}
)  # fmt: skip


_MOST_PARTS = 10


def builtin(at: Interpreter, name: str, call: Call) -> Value | None:
    first = call.values[0] if call.values else None
    last = name.rpartition(".")[2]
    if name in ("next", "min", "max", "random.choice"):
        return at.element(first, call.line)
    if last in _SAME_ITEMS:
        source = call.values[1] if last == "filter" and len(call.values) > 1 else first
        item = at.element(source, call.line)
        return Many(item) if item is not None else None
    if name == "enumerate":
        return Many(Several((None, at.element(first, call.line))))
    if name == "zip":
        return Many(Several(tuple(at.element(v, call.line) for v in call.values)))
    if name in ("map",) and first is not None and len(call.values) > 1:
        item = at.element(call.values[1], call.line)
        made = at.call(first, Call(call.line, None, (), (item,), {}, {}))
        return Many(made) if made is not None else None
    if name in ("getattr", "hasattr") and len(call.values) > 1 and _texts(call.values[1]):
        asked = [at.attribute(first, n, call.line) for n in _texts(call.values[1])]
        if name == "hasattr":
            return None
        found = either(*asked)
        otherwise = call.values[2] if len(call.values) > 2 else None
        return either(found, otherwise) if found is None or type(found) is External else found
    if name == "setattr" and len(call.values) > 2 and first is not None:
        attribute = call.values[1]
        at.store(
            first, attribute.text if type(attribute) is Text else "*", call.values[2], call.line
        )
        return None
    if name == "type" and type(first) is Instance:
        return ClassRef(first.cls)
    if name == "type" and len(call.values) == 3 and type(call.values[1]) is Several:
        # A class that is made of another is taken for it.
        return next((b for b in call.values[1].items if type(b) is ClassRef), None)
    if name == "cast" and len(call.args) > 1:
        return at.annotated(call.args[0]) or call.values[1]
    if name in ("str", "repr"):
        return first if type(first) is Text else None
    if name in ("sum", "any", "all", "len", "dict", "bool"):
        at.element(first, call.line)
    return None


def _texts(value: Value | None) -> list[str]:
    """The names that a value is one of; none where it may be others too."""
    found = [o.text for o in options(value) if type(o) is Text]
    return found if len(found) == len(options(value)) else []


def of_collection(at: Interpreter, method: Method, call: Call) -> Value | None:
    """Methods of lists, dicts and strings."""
    owner, name = method.owner, method.name
    if type(owner) is Text:
        if name == "format":
            return _format(owner, call)
        if name == "join":
            return Text(HOLE, False)
        if name in ("split", "rsplit", "partition", "rpartition"):
            return _parts(owner, name, call)
        return owner if name in ("strip", "lstrip", "rstrip", "lower", "upper") else None
    if type(owner) is Mapping:
        if name in ("get", "pop", "setdefault"):
            key = call.values[0] if call.values else None
            return key_of(owner, key)
        if name == "values":
            item = either(owner.item, *[v for _, v in owner.items])
            return Many(item) if item is not None else None
        if name == "items":
            return Many(Several((None, either(owner.item, *[v for _, v in owner.items]))))
        return owner if name == "copy" else None
    if name in ("pop", "popleft"):
        return at.element(owner, call.line)
    return owner if name in ("copy", "union", "difference", "intersection") else None


def _parts(owner: Text, name: str, call: Call) -> Value | None:
    """``"auth.User".split(".")``."""
    if not owner.whole or not all(type(v) is Text for v in call.values[:1]):
        return None
    at_most = call.written(1, "maxsplit")
    most = at_most[1] if type(at_most) is tuple and at_most[0] == CONST else -1
    separator = call.values[0].text if call.values and type(call.values[0]) is Text else None
    if separator == "" or (separator is None and name.endswith("partition")):
        return None
    if "partition" in name:
        found = list(getattr(owner.text, name)(separator))
    else:
        found = getattr(owner.text, name)(separator, most if type(most) is int else -1)
    return Several(tuple(Text(part) for part in found[:_MOST_PARTS]))


def _format(owner: Text, call: Call) -> Text:
    text, whole = owner.text, owner.whole
    for name, value in call.named.items():
        known = value if type(value) is Text else Text(HOLE, False)
        if "{" + name + "}" in text:
            text = text.replace("{" + name + "}", known.text)
            whole = whole and known.whole
    for index, value in enumerate(call.values):
        known = value if type(value) is Text else Text(HOLE, False)
        for spot in ("{" + str(index) + "}", "{}"):
            if spot in text:
                text = text.replace(spot, known.text, 1)
                whole = whole and known.whole
    return Text(text, whole and "{" not in text)


def key_of(owner: Mapping, key: Value | None) -> Value | None:
    if type(key) is Text:
        for name, value in owner.items:
            if name == key.text:
                return value
        if key.whole:
            return owner.item
    return either(owner.item, *[v for _, v in owner.items])


def loaded(at: Interpreter, function: Function, call: Call) -> Value | None:
    """``get_class("shop.forms", "Form")``: what a function of the monolith imports by text."""
    if len(call.values) < 2:
        return None
    label, name = call.values[:2]
    if type(label) is not Text or type(name) is not Text or "." not in label.text:
        return None
    names = at.project.names
    if not (label.whole and name.whole and names.loaded.loads(function.id)):
        return None
    found = names.loaded.find(label.text, name.text)
    return at.world.value_of(names.absolute(found)) if found is not None else None


def unknown(at: Interpreter, func: Expr, call: Call) -> Value | None:
    """A call of what is not known: a builtin, or a method known by its arguments."""
    if type(func) is str and "." not in func:
        return builtin(at, func, call)
    found = loose(at, func, call)
    return found if found is not None or type(func) is not str else builtin(at, func, call)


def of_outside(at: Interpreter, function: Value) -> bool:
    """Whether a method is of an object of a class outside that nobody knows: it may stand for
    anything, as ``db = Any()`` of traitlets does."""
    if type(function) is not Method or function.home is not None:
        return False
    owner = function.owner
    if type(owner) is Method:  # of an attribute that nobody knows, whose object somebody may
        while type(owner) is Method and owner.home is None:
            owner = owner.owner
        return type(owner) is Instance
    known = type(owner) is Instance and ":" not in owner.cls
    return known and at.world.framework_of(owner) is None


def loose(at: Interpreter, func: Expr, call: Call) -> Value | None:
    """A method that its arguments tell."""
    if type(func) is str:
        owner, _, name = func.rpartition(".")
    elif type(func) is tuple and func[0] == ATTR:
        owner, name = "", func[3]
        inner = func[2]
        if type(inner) is tuple and inner[0] == CALL and type(inner[2]) is str:
            owner = inner[2]
    else:
        return None
    for framework in at.world.asked_loosely:
        found = framework.loose(at, owner, name, call)
        if found is not None:
            return found
    return None
