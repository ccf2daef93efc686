"""Interpret every function, in parallel over the cores.

The children are forked after all names, classes and tables are known, so that nothing of that is
copied or sent; each returns plain tuples for its share of the modules.
"""

from __future__ import annotations

import gc
import marshal
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from migrator.analyze import mistakes
from migrator.analyze.definitions import read_module
from migrator.analyze.facts.extract import Advance, can_fork, usable_cores
from migrator.analyze.frameworks.protocol import Framework
from migrator.analyze.infer.interpreter import Interpreter
from migrator.analyze.infer.invoke import run
from migrator.analyze.infer.named import likely_rows
from migrator.analyze.infer.sink import SUPER, Making, Reach, Sink, Through, Touch
from migrator.analyze.infer.values import ClassRef, FunctionCode, Instance
from migrator.analyze.infer.world import World
from migrator.analyze.parcels import Parcel
from migrator.analyze.project.classes import Class
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Model, Schema
from migrator.model.graph import Dependency, Unresolved

_ALONE_LINES = 20_000
_SHARES_OF_A_CORE = 12


@dataclass(slots=True)
class Found:
    """What the functions of some modules do."""

    touches: list[Touch] = field(default_factory=list)
    through: list[Through] = field(default_factory=list)
    reaches: list[Reach] = field(default_factory=list)
    makings: list[Making] = field(default_factory=list)
    edges: list[Dependency] = field(default_factory=list)
    rows: list[tuple[str, ...]] = field(default_factory=list)
    unresolved: list[Unresolved] = field(default_factory=list)

    def add(self, other: Found) -> None:
        self.touches += other.touches
        self.through += other.through
        self.reaches += other.reaches
        self.makings += other.makings
        self.edges += other.edges
        self.rows += other.rows
        self.unresolved += other.unresolved


Packed = tuple[list[tuple[object, ...]], ...]
_world: World | None = None


def interpret(
    project: Project,
    schema: Schema,
    plugins: Sequence[Framework],
    *,
    workers: int | None = None,
    advance: Advance | None = None,
    kept: Mapping[str, Parcel] | None = None,
    read: dict[str, Found] | None = None,
) -> dict[str, Parcel]:
    """What all functions of the project do, by module in order: the same for any number of
    workers. `kept` are modules that need not be interpreted again. `advance` is told (modules done,
    modules in all); `read` gets what is interpreted, decoded while other processes go on."""
    global _world
    tell = advance or _silent
    kept = kept or {}
    modules = project.code
    waiting = [index for index, module in enumerate(modules) if module.name not in kept]
    made: dict[str, Parcel] = {}
    cores = workers or usable_cores()
    lines = sum(modules[index].lines for index in waiting)
    _world = World(project, schema, plugins)
    _ = _world.rows_by_name  # of no one module: the schema alone tells it
    try:
        for share, parcels in _in_shares(modules, waiting, lines, cores):
            made.update(zip((modules[index].name for index in share), parcels, strict=True))
            if read is not None:
                for index, parcel in zip(share, parcels, strict=True):
                    read[modules[index].name] = unpacked(marshal.loads(parcel.found))
            tell(len(kept) + len(made), len(modules))
    finally:
        _world = None
    return {m.name: kept[m.name] if m.name in kept else made[m.name] for m in modules}


def found_in(parcels: Mapping[str, Parcel], read: Mapping[str, Found]) -> Found:
    """All together, in order; `read` is what is decoded already."""
    found = Found()
    for name, parcel in parcels.items():
        known = read.get(name)
        found.add(known if known is not None else unpacked(marshal.loads(parcel.found)))
    return found


def _in_shares(
    modules: Sequence[Module], waiting: Sequence[int], lines: int, cores: int
) -> Iterator[tuple[list[int], list[Parcel]]]:
    if cores < 2 or not can_fork() or lines < _ALONE_LINES:
        for index in waiting:
            yield [index], _share([index])
        return
    shares = _shares(modules, waiting, lines / (cores * _SHARES_OF_A_CORE))
    gc.freeze()
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(cores, mp_context=context) as pool:
        yield from zip(shares, pool.map(_share, shares), strict=True)
    gc.unfreeze()


def _shares(modules: Sequence[Module], waiting: Sequence[int], limit: float) -> list[list[int]]:
    """Neighbouring modules together (they look at the same classes), about equal in lines."""
    shares: list[list[int]] = [[]]
    held = 0
    for index in waiting:
        if held > limit:
            shares.append([])
            held = 0
        shares[-1].append(index)
        held += modules[index].lines
    return shares


def _packed(found: Found) -> Packed:
    """Named tuples and dataclasses as bare tuples, which `marshal` writes."""
    return (
        [tuple(t) for t in found.touches],
        [(*t[:3], tuple(t.touch), *t[4:]) for t in found.through],
        [tuple(r) for r in found.reaches],
        [tuple(m) for m in found.makings],
        [(e.source, e.target, e.kind, e.weight, e.line, e.result_used) for e in found.edges],
        list(found.rows),
        [(u.path, u.line, u.what, u.why) for u in found.unresolved],
    )


def unpacked(part: Packed) -> Found:
    touches, through, reaches, makings, edges, rows, unresolved = part
    return Found(
        [Touch._make(t) for t in touches],
        [Through(t[0], t[1], t[2], Touch._make(t[3]), *t[4:]) for t in through],  # type: ignore[arg-type]
        [Reach._make(r) for r in reaches],
        [Making._make(m) for m in makings],
        [Dependency(*e) for e in edges],  # type: ignore[arg-type]
        rows,  # type: ignore[arg-type]
        [Unresolved(*u) for u in unresolved],  # type: ignore[arg-type]
    )


def _share(share: list[int]) -> list[Parcel]:
    assert _world is not None
    gc.disable()  # on for good only in a child
    names = _world.project.names
    parcels = []
    for index in share:
        module = _world.project.code[index]
        found = Found()
        names.seen = module.bit
        _module(_world, module, found)
        parcels.append(Parcel(names.seen, marshal.dumps(_packed(found))))
    return parcels


def _module(world: World, module: Module, found: Found) -> None:
    world.memo.forget()
    own = _Guarded(world, module, found)
    own.run(1, module.name, lambda: _uses(world, module, found))
    for code in world.project.functions(module):
        if code.id.partition(":")[2].partition(".")[0] in module.own:
            own.run(code.statement[1], code.key, partial(_function, world, module, code, found))
    for fact in module.own.values():
        if fact.kind == "class":
            id_ = f"{module.name}:{fact.name}"
            own.run(fact.line, id_, partial(_inherited, world, id_, fact.line, found))
            own.run(fact.line, id_, partial(_body, world, module, id_, fact.line, found))


@dataclass(slots=True)
class _Guarded:
    """Code that is nested deeper than Python can follow, or that migrator fails on, is told, and
    the rest goes on."""

    world: World
    module: Module
    found: Found

    def run(self, line: int, what: str, read: Callable[[], None]) -> None:
        try:
            read()
        except RecursionError:
            self._tell(line, what, "nested too deeply to follow")
        except Exception as error:
            self._tell(line, what, mistakes.told(error))

    def _tell(self, line: int, what: str, why: str) -> None:
        self.world.memo.forget()
        self.found.unresolved.append(Unresolved(self.module.path, line, what, why))


def _uses(world: World, module: Module, found: Found) -> None:
    edges, rows = read_module(world.project, module)
    found.edges += edges
    found.rows += rows


def _function(world: World, module: Module, code: FunctionCode, found: Found) -> None:
    _, sink = run(world, code, None, {})
    found.touches += sink.touches
    found.through += sink.through
    found.reaches += sink.reaches
    found.makings += sink.makings
    found.unresolved += [Unresolved(module.path, *u) for u in sink.unresolved]
    found.touches += _likely(world, code, sink)


def _likely(world: World, code: FunctionCode, plain: Sink) -> list[Touch]:
    """What the function does itself where its parameters are what they are called after."""
    rows = likely_rows(world, code)
    if not rows:
        return []
    sink = run(world, code, None, rows)[1]
    return [
        touch._replace(confidence="likely")
        for touch in sink.touches
        if touch not in plain.touches and touch.function == code.key
    ]


def _body(world: World, module: Module, id_: str, line: int, found: Found) -> None:
    """What the body of a class that a framework knows does as it is evaluated, and what the
    framework does for its objects."""
    class_ = world.project.classes.get(id_)
    framework = world.framework_of(ClassRef(id_))
    if class_ is None or framework is None or id_ in world.schema.models:
        return
    at = Interpreter.at_module(world, module.name, id_)
    for statements in class_.members.values():
        statement = statements[-1]
        if statement[0] == "set" and statement[3] is not None:
            at.line = statement[1]
            at.value(statement[3])
    framework.body(at, id_, line)
    found.touches += at.sink.touches
    found.reaches += at.sink.reaches
    found.makings += at.sink.makings
    found.unresolved += [Unresolved(module.path, *u) for u in at.sink.unresolved]


def _inherited(world: World, id_: str, line: int, found: Found) -> None:
    """Methods that a class inherits and that touch more because it is that class, as those of a
    repository do whose model is a class attribute."""
    class_ = world.project.classes.get(id_)
    if class_ is None:
        return
    models = world.schema.models
    above = [c for c in world.project.classes.ancestors(id_) if c.id != id_ and c.id not in models]
    names = {n for n, s in class_.members.items() if s[0][0] == "set"}
    if not above or not (names or any(args for _, args in class_.bases)):
        return
    own = Instance(id_)
    for ancestor in above:
        for name, statements in ancestor.members.items():
            statement = statements[-1]
            if statement[0] != "def" or name in class_.members:
                continue
            code: FunctionCode = world.project.method(ancestor, statement)
            as_class = world.contexts.canonical(code, own)
            if as_class is None:
                continue
            plain = run(world, code, None, {})[1]
            if id_ in models and not _differs(world, plain, models[id_], ancestor):
                continue
            _, sink = run(world, code, as_class, {})
            caller = f"{id_}.{name}"
            told = [t for t in sink.touches if t not in plain.touches and t.definition == code.id]
            # What a function does that the method hands something of the object to.
            told += [
                t.touch for t in sink.through if t not in plain.through and t.caller == code.key
            ]
            for touch in dict.fromkeys(told):
                found.through.append(Through(caller, id_, line, touch, True))


def _differs(world: World, plain: Sink, model: Model, ancestor: Class) -> bool:
    """Whether a method of `ancestor` may do more for rows of the model than was seen of it."""
    if plain.handed_on or SUPER in plain.needs:
        return True
    find = world.project.classes.find
    return any(
        name in model.relations
        or name in model.columns
        or find(model.id, name) != find(ancestor.id, name)
        for name in plain.needs | plain.stores
    )


def _silent(done: int, every: int) -> None:
    del done, every
