"""Calls of the monolith's own functions: what they return, and what happens inside because of who
calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.analyze.infer.branches import constants
from migrator.analyze.infer.memo import OUTSIDE
from migrator.analyze.infer.sink import Sink, Through
from migrator.analyze.infer.values import (
    Call,
    ClassRef,
    Either,
    Function,
    FunctionCode,
    Instance,
    Many,
    Mapping,
    Method,
    Several,
    Text,
    Value,
    either,
    mentions,
)  # fmt: skip

if TYPE_CHECKING:
    from migrator.analyze.infer.interpreter import Interpreter
    from migrator.analyze.infer.world import World

_DEEPEST = 12
_OF_ITS_ROW = frozenset({"relationship", "cascade"})
Run = tuple[Value | None, Sink]


def invoke(
    at: Interpreter, function: Function | Method, call: Call, named: bool = True
) -> Value | None:
    """What the call returns. What the function touches only because of these arguments is told
    as `Through`; what it touches anyway is its own affair. Not `named`: no call is written here."""
    found = _code(at.world, function)
    return invoke_code(at, function, *found, call, named) if found is not None else None


def invoke_code(
    at: Interpreter, function: Function | Method, code: FunctionCode, own: Instance | None,
    call: Call, named: bool = False,
) -> Value | None:  # fmt: skip
    """The same of one function of several under one name, as a property's setter is."""
    world = at.world
    if named and code.name != "__init__":  # making an object is told by the name of its class
        at.reaches(code.key, call.line)
    given: dict[str, Value] = {}
    watched = at.watched
    if call.values or call.named:
        given = _given(world, code, function, call)
        if watched is not None and any(
            mentions(v, watched) for v in (*call.values, *call.named.values()) if v is not None
        ):
            at.sink.handed_on = True
    ours = type(function) is Method and getattr(function.owner, "cls", None) == watched
    if own is not None:
        own = world.contexts.canonical(code, own)
    plain = run(world, code, None, {})
    if ours:
        _needed(at, plain[1])
    chosen = constants(at, code, function, call) if given or own or _varies(plain) else {}
    given |= {name: value for name, value in chosen.items() if name not in given}
    if not given and own is None:
        return plain[0]
    if world.memo.chain >= _DEEPEST:
        world.memo.cut_off()
        return plain[0]
    result = run(world, code, own, given)
    if ours:
        _needed(at, result[1])
    known = [plain[1]]
    if own is not None and own.cls in world.schema.models:
        known.append(_of_its_row(result[1] if not given else run(world, code, own, {})[1]))
    made = own.cls if own is not None and any(type(v) is Instance for _, v in own.given) else ""
    _tell(at, call.line, known, result[1], made)
    if result[0] is not None or (chosen and result[1].whole):
        return result[0]
    return plain[0]


def _varies(plain: Run) -> bool:
    """Whether what a function gives may be told better where it is known which branches run."""
    return type(plain[0]) is Either or hasattr(type(plain[0]), "framework")


def _needed(at: Interpreter, sink: Sink) -> None:
    """What a method of the same object needs of it, the caller needs."""
    at.sink.needs |= sink.needs
    if sink.handed_on or not sink.whole:
        at.sink.handed_on = True


def run(world: World, code: FunctionCode, own: Instance | None, given: dict[str, Value]) -> Run:
    """Interpret a function once for each way of being called."""
    arguments = tuple(sorted(given.items(), key=lambda kv: kv[0])) if given else ()
    world.project.names.note_definition(code.id)
    key = (code.key, code.statement[1], own, arguments)
    known: Run | None = world.memo.known(key)
    if known is not None:
        return known
    chained = own is not None or bool(given)
    return world.memo.get(
        key, lambda: _run(world, code, own, given, key), (None, Sink()), chained=chained
    )


def _run(
    world: World, code: FunctionCode, own: Instance | None, given: dict[str, Value],
    key: tuple[object, ...],
) -> Run:  # fmt: skip
    from migrator.analyze.infer.interpreter import Interpreter

    at = Interpreter.for_function(world, code, own, given)
    at.sink = sink = Sink()  # what calls itself gives nothing new
    returns = code.statement[5]
    declared = at.annotated(returns) if returns is not None else None
    world.memo.tell(key, (declared, sink))
    try:
        at.run()
    except RecursionError:
        world.memo.depends_on(OUTSIDE)
        at.unresolved(code.statement[1], code.key, "nested too deeply to follow")
    if at.watched is not None and any(mentions(v, at.watched) for v in at.returned):
        at.sink.handed_on = True
    at.sink.whole = True
    if at.sink.executes:
        # The columns in the WHERE of a DELETE are of no statement that reads.
        written = {t.table for t in at.sink.touches if t.mode != "read" and t.how == "core"}
        for mention in at.sink.mentions:
            if mention.table not in written:
                at.sink.touches[mention] = None
    result = declared
    if result is None or _vague(result):
        inferred = either(*at.returned)
        result = inferred if inferred is not None else declared
    return result, sink


def _vague(value: Value) -> bool:
    """An annotation of another's class (``Query``), or of a framework's (``QuerySet[User]``), says
    less than the code does."""
    if type(value) is Instance:
        return ":" not in value.cls
    return hasattr(type(value), "framework")


def _code(world: World, function: Function | Method) -> tuple[FunctionCode, Instance | None] | None:
    if type(function) is Function:
        code = world.project.function(function.id)
        return (code, None) if code is not None else None
    assert type(function) is Method
    class_ = world.project.classes.get(function.home or "")
    statement = class_.method(function.name) if class_ else None
    if class_ is None or statement is None:
        return None
    owner = function.owner
    own = owner if type(owner) is Instance else None
    if type(owner) is ClassRef:
        own = Instance(owner.cls)
    return world.project.method(class_, statement), own


def _given(
    world: World, code: FunctionCode, function: Function | Method, call: Call
) -> dict[str, Value]:
    """The arguments that tell more than the parameters' own annotations."""
    every = (*call.values, *call.named.values())
    if not any(v is not None and _matters(world, v) for v in every):
        return {}
    params = code.statement[4]
    if type(function) is Method and params and "staticmethod" not in code.decorators:
        bound = type(function.owner) is not ClassRef or "classmethod" in code.decorators
        params = params[1:] if bound else params
    names = [p[0] for p in params if p[3] == ""]
    pairs = [*zip(names, call.values, strict=False), *call.named.items()]
    known = {p[0]: p[1] for p in params}
    found: dict[str, Value] = {}
    for name, value in pairs:
        if value is None or name not in known or not _matters(world, value):
            continue
        if known[name] is not None and type(value) is Instance:
            declared = world.annotated(code.module, known[name], code.owner)
            if declared == value:
                continue
        found[name] = _rows_in(world, value) if type(value) is Mapping else value
    rest = next((p[0] for p in params if p[3] == "**"), None)
    if rest is not None:
        others = {n: v for n, v in call.named.items() if n not in known}
        if any(v is not None and _matters(world, v) for v in others.values()):
            found[rest] = Mapping(tuple(sorted(others.items())))
    return found


def _rows_in(world: World, value: Mapping) -> Mapping:
    """The rows that a dict holds, as ``args["user"] = current_user`` puts them there."""
    models = world.schema.models
    rows = [i for i in value.items if type(i[1]) is Instance and i[1].cls in models]
    return Mapping(tuple(sorted(rows, key=lambda item: item[0])))


def _matters(world: World, value: Value, depth: int = 0) -> bool:
    """Whether a value can change what a function does to tables."""
    kind = type(value)
    if kind is Either:
        return any(_matters(world, v, depth) for v in value.options)  # type: ignore[attr-defined]
    if kind is Many:
        return _matters(world, value.item, depth)  # type: ignore[attr-defined]
    if kind is Several:
        return depth < 2 and any(
            v is not None and _matters(world, v, depth + 1)
            for v in value.items  # type: ignore[attr-defined]
        )
    if kind is Mapping:
        return bool(_rows_in(world, value).items)  # type: ignore[arg-type]
    if kind is Text:
        # Names of tables and attributes; what is put together while it runs names nothing.
        return value.whole and len(value.text) < 100 and " " not in value.text  # type: ignore[attr-defined]
    if kind is ClassRef or kind is Instance:
        return ":" in value.cls  # type: ignore[attr-defined]
    if kind is Method and value.home is None:  # type: ignore[attr-defined]
        # Of another's object: only a list's or a text's can be called to an effect.
        owner = value.owner  # type: ignore[attr-defined]
        inner = type(owner) in (Many, Mapping, Several, Text, Either) and depth < 2
        return world.framework_of(value) is not None or (
            inner and _matters(world, owner, depth + 1)
        )
    return kind is Function or kind is Method or world.framework_of(value) is not None


def _of_its_row(sink: Sink) -> Sink:
    """What a method of a row does with related rows: its class's affair, inherited or not."""
    found = Sink()
    found.touches = {t: None for t in sink.touches if t.how in _OF_ITS_ROW}
    found.through = {t: None for t in sink.through if t.touch.how in _OF_ITS_ROW}
    return found


def _tell(at: Interpreter, line: int, known: list[Sink], special: Sink, made: str) -> None:
    further = [(t, made) for t in special.touches if not any(t in sink.touches for sink in known)]
    further += [
        (through.touch, through.made or made)
        for through in special.through
        if not any(through in sink.through for sink in known)
    ]
    for touch, made in further:
        through = Through(at.function, at.definition, line, touch, False, made)
        at.sink.through[through] = None
        if touch.mode == "read" and touch.how == "orm" and not special.executes:
            at.made.setdefault(touch.table, []).append(through)
