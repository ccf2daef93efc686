"""Units of work: which tables are written together, from the entry point that starts it on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from migrator.analyze.accesses import Doing
from migrator.analyze.infer.values import FunctionCode
from migrator.analyze.interpret import Found
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.model.graph import Dependency, EntryPoint, Transaction

_ENDS = frozenset({"commit", "begin", "atomic"})
_HELPERS = 4


@dataclass(frozen=True, slots=True)
class Flow:
    """Functions (``module:Class.method``), whom each calls, and the definition of each; `within`
    are the functions of each definition."""

    functions: Mapping[str, str]
    within: Mapping[str, list[str]]
    following: Mapping[str, list[str]]
    callers: Mapping[str, list[str]]
    committing: frozenset[str]
    generators: frozenset[str]


def flow(project: Project, done: Found, further: Iterable[Dependency]) -> Flow:
    """The calls that were followed; `further` are those between definitions that a framework
    makes (a signal reaches its handlers)."""
    functions: dict[str, str] = {}
    committing: set[str] = set()
    generators: set[str] = set()
    for module in project.code:
        for code in project.functions(module):
            functions[code.key] = code.id
            if commits(module, code):
                committing.add(code.key)
            if "generator" in code.statement[8]:
                generators.add(code.key)
    following: dict[str, set[str]] = defaultdict(set)
    for reach_ in done.reaches:
        if reach_.target in functions:
            following[reach_.function].add(reach_.target)
    of_definition: dict[str, list[str]] = defaultdict(list)
    for key, definition in functions.items():
        of_definition[definition].append(key)
    for edge in further:
        for source in of_definition.get(edge.source, ()):
            following[source] |= set(of_definition.get(edge.target, ()))
    callers: dict[str, list[str]] = defaultdict(list)
    for source, targets in sorted(following.items()):
        for target in sorted(targets):
            callers[target].append(source)
    return Flow(
        functions, of_definition, {k: sorted(v) for k, v in following.items()}, callers,
        frozenset(committing), frozenset(generators),
    )  # fmt: skip


def commits(module: Module, code: FunctionCode) -> bool:
    """Whether a function ends a unit of work."""
    body = code.statement[7]
    if type(body) is not int:
        return False
    called = module.facts.detail.bodies[body].attributes
    return not _ENDS.isdisjoint(called) or any(_is_atomic(d) for _, d in code.statement[6])


def _is_atomic(decorator: object) -> bool:
    name = decorator[2] if type(decorator) is tuple and decorator[0] == "call" else decorator
    return type(name) is str and name.rpartition(".")[2] == "atomic"


def transactions(
    flow: Flow,
    writes: Iterable[Doing],
    entry_points: Iterable[EntryPoint],
    *,
    autocommit: bool = False,
) -> tuple[Transaction, ...]:
    """One for each entry point and each function below it that ends a unit of work.

    That is one that commits or opens a transaction; its unit is what it and everything that it
    calls, or that its signals reach, writes. Where that is nothing (a context manager that commits
    at the end, a helper that only commits) the unit is its callers'. An entry point with none below
    is one unit itself; with `autocommit` each of its statements is one.
    """
    written: dict[str, set[str]] = defaultdict(set)
    writers: dict[str, set[str]] = defaultdict(set)
    named = dict(flow.functions)
    for doing in writes:
        written[doing.function].add(doing.table)
        writers[doing.function].add(doing.definition)
        # What a framework's generic view does is done by the class, which is no function.
        named.setdefault(doing.function, doing.definition)
    starts = {s for f in flow.committing for s in _starting(flow, f, written, _HELPERS)}
    units: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def unit(function: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if function not in units:
            below = [f for f in reach(function, flow.following) if f in written]
            tables = sorted({t for f in below for t in written[f]})
            parts = sorted({d for f in below for d in writers[f]})
            units[function] = tuple(tables), tuple(parts)
        return units[function]

    found: set[Transaction] = set()
    seen: set[str] = set()
    for point in entry_points:
        if point.kind == "signal":
            continue
        label = f"{point.method} {point.path}" if point.kind == "route" else point.name
        for function in _entered(flow, point):
            reached = reach(function, flow.following)
            begun = (reached & starts) or (set() if autocommit else {function})
            seen |= begun
            for start in begun:
                definition = named.get(start, point.definition)
                found.add(Transaction(definition, label, *unit(start)))
    for start in starts - seen:
        if start in named:
            found.add(Transaction(named[start], None, *unit(start)))
    kept = [one for one in found if one.tables]
    return tuple(sorted(kept, key=_order))


def _order(unit: Transaction) -> tuple[object, ...]:
    return (unit.definition, unit.entry_point or "", unit.tables, unit.definitions)


def _starting(
    flow: Flow, function: str, written: Mapping[str, set[str]], depth: int
) -> Iterator[str]:
    """Who starts the unit that `function` ends: itself, or those who call it for that."""
    alone = not any(f in written for f in reach(function, flow.following))
    if depth and (alone or function in flow.generators) and flow.callers.get(function):
        for caller in flow.callers[function]:
            yield from _starting(flow, caller, written, depth - 1)
    else:
        yield function


def _entered(flow: Flow, point: EntryPoint) -> list[str]:
    """The functions that an entry point runs: of a class the method of its verb or name."""
    if point.definition in flow.functions:
        return [point.definition]
    names = {f"{point.definition}.{n}" for n in (point.name, (point.method or "").lower())}
    own = flow.within.get(point.definition, [])
    return [f for f in own if f in names] or own


def reach(start: str, following: Mapping[str, Iterable[str]]) -> set[str]:
    """`start` and everything that can be reached from it."""
    found = {start}
    waiting = [start]
    while waiting:
        for target in following.get(waiting.pop(), ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found
