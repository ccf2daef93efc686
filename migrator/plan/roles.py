"""Which definitions may belong to no context: the framework's glue, pure code, helpers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from migrator.model.graph import Definition, Graph
from migrator.plan.reachability import Edges

_ROUNDS = 8
_GLUE = {"session", "settings", "app_factory", "signal"}


@dataclass(frozen=True, slots=True)
class Roles:
    """`glue` is the framework's for sure and goes to each service. `pure` code touches no table,
    request or session; `helpers` (and `bases` of models) touch no table, but the framework: who
    uses them decides, once the services are known, whether one service or none owns them."""

    glue: frozenset[str]
    pure: frozenset[str]
    helpers: frozenset[str]
    bases: frozenset[str]


def roles(graph: Graph, edges: Edges) -> Roles:
    """Recognised by traits, never by names. What declares a table goes with the table."""
    definitions = {d.id: d for d in graph.definitions}
    busy = {a.definition for a in graph.accesses} | {p.definition for p in graph.entry_points}
    models = {t.definition for t in graph.tables if t.definition}
    bases = {d.id for d in definitions.values() if "base" in d.traits} - models
    core = (_core(graph, definitions, busy) | _settings(definitions, edges) - busy - models) - bases
    pure = _pure(definitions, edges, busy | core | bases | models)
    glue = _only_used_by(core, definitions, edges, busy | bases, core | pure | bases) - pure
    glue |= _only_constants_of(core | glue, definitions, edges)
    glue |= _made_by(core | glue, definitions, edges, busy)
    glue = (glue | core) - models
    helpers = _helpers(definitions, edges, busy | pure | glue, pure | glue | bases)
    return Roles(
        frozenset(glue), frozenset(pure - glue), frozenset(helpers), frozenset(bases - glue)
    )


def unowned(
    graph: Graph, edges: Edges, found: Roles, home: Mapping[str, str]
) -> tuple[frozenset[str], frozenset[str]]:
    """(shared, glue): what several services of `home` use, or glue itself, and what that needs.

    Pure code becomes shared once two services beside its own use it, and more of its users lie
    there than with it: a service's own vocabulary stays with it, however many know it, and is
    copied where it is used. Of a file of utilities, which works on no table and is used by no
    service more than by all others, two services are enough.
    """
    shared: set[str] = set()
    glue = set(found.glue)
    drawers = _files_of(graph, found.pure)
    idle = _files_of(graph, found.pure | found.helpers | found.bases | found.glue)
    tools = {name for names in idle.values() if _everybodys(names, edges, home) for name in names}
    free = found.pure | found.helpers | found.bases
    able = sorted(free)
    while True:
        before = len(shared) + len(glue)
        taken = shared | glue
        for name in able:
            if name in taken:
                continue
            users = edges.users(name)
            counts = Counter(home[u] for u in users if u in home and u not in taken)
            if name in tools:
                several = len(counts) > 1
            else:
                inside = counts.pop(home.get(name, ""), 0)
                several = len(counts) > (name not in found.bases) and counts.total() > inside
                several = several and _outward(
                    {name} | _needed({name}, edges, free - taken), edges, home, taken
                )
            if several or not users.isdisjoint(taken):
                (shared if name in found.pure else glue).add(name)
                taken.add(name)
        shared |= _drawn_along(drawers, shared)
        shared |= _needed(shared, edges, found.pure - glue)
        glue |= _needed(glue, edges, found.helpers | found.bases)
        if len(shared) + len(glue) == before:
            return frozenset(shared - glue), frozenset(glue)


def _everybodys(names: set[str], edges: Edges, home: Mapping[str, str]) -> bool:
    """Whether of the users of a file no service has more than the others together."""
    users = {u for name in names for u in edges.users(name)} - names
    counts = Counter(home[u] for u in users if u in home)
    return 2 * max(counts.values(), default=0) <= counts.total()


def _outward(
    those: set[str], edges: Edges, home: Mapping[str, str], taken: Collection[str]
) -> bool:
    """Whether `those`, which go together, are mostly used by other services than their own."""
    outside = inside = 0
    for name in those:
        for user in edges.users(name):
            if user in home and user not in those and user not in taken:
                same = home[user] == home.get(name)
                outside, inside = outside + (not same), inside + same
    return outside > inside


def homes(graph: Graph, edges: Edges, found: Roles, home: Mapping[str, str]) -> dict[str, str]:
    """`home`, but pure code in a file that works on no table goes to the service that uses it,
    where that is one: a file of everybody's constants is nobody's."""
    placed = dict(home)
    free = found.pure | found.helpers | found.bases | found.glue
    files = _files_of(graph, free).values()
    idle = sorted(n for names in files for n in names & found.pure & home.keys())
    for _ in range(_ROUNDS):
        moved = False
        for name in idle:
            users = {placed[u] for u in edges.users(name) if u in placed}
            if len(users) == 1 and users != {placed[name]}:
                placed[name], moved = users.pop(), True
        if not moved:
            break
    return placed


def _files_of(graph: Graph, those: frozenset[str]) -> dict[str, set[str]]:
    """Files that hold nothing but `those`, with what they hold."""
    held: dict[str, set[str]] = {}
    for definition in graph.definitions:
        held.setdefault(definition.module, set()).add(definition.id)
    return {module: names for module, names in held.items() if names <= those}


def _drawn_along(drawers: Mapping[str, set[str]], shared: set[str]) -> set[str]:
    """The rest of a file of pure code that is mostly shared: nobody wants that in two places."""
    return {n for names in drawers.values() if 2 * len(names & shared) > len(names) for n in names}


def _needed(of: set[str], edges: Edges, among: Iterable[str]) -> set[str]:
    able, found, waiting = set(among), set[str](), list(of)
    while waiting:
        for need in edges.needs(waiting.pop()) & able - found - of:
            found.add(need)
            waiting.append(need)
    return found


def _core(graph: Graph, definitions: dict[str, Definition], busy: set[str]) -> set[str]:
    factories = {d.module for d in definitions.values() if "app_factory" in d.traits}
    found = {d.id for d in definitions.values() if _GLUE & set(d.traits)}
    found |= {d.id for d in definitions.values() if d.module in factories}
    commands = {p.definition for p in graph.entry_points if p.kind == "cli"}
    groups = {
        e.target for e in graph.dependencies if e.source in commands and e.kind == "decorates"
    }
    found |= {g for g in groups if definitions[g].kind == "variable"}
    models = {t.definition for t in graph.tables}
    return found - models - (busy - {d.id for d in definitions.values() if d.module in factories})


def _settings(definitions: dict[str, Definition], edges: Edges) -> set[str]:
    """Files of capital names of which no code uses most: the framework reads them
    (``app.config.from_object("shop.defaults")``, Django's settings)."""
    held: dict[str, list[Definition]] = {}
    for definition in definitions.values():
        held.setdefault(definition.module, []).append(definition)
    found: set[str] = set()
    for inside in held.values():
        values = [d.id for d in inside if d.kind == "variable" and d.name.isupper()]
        unused = [name for name in values if not edges.users(name)]
        if len(values) >= 0.8 * len(inside) and len(unused) > 0.5 * len(inside):
            found |= {d.id for d in inside}
    return found


def _pure(definitions: dict[str, Definition], edges: Edges, impure: set[str]) -> set[str]:
    """Touches no table, request, session or glue, by itself or by what it needs."""
    bad = {"request_context", "session", "settings", "app_object", "commits", "model", "base"}
    able = {d.id for d in definitions.values() if not bad & set(d.traits)} - impure
    return _closed(able, able, edges)


def _closed(able: set[str], allowed: set[str], edges: Edges) -> set[str]:
    """Those of `able` that need nothing but each other and `allowed`, directly or not."""
    kept, waiting = set(able), []
    free = allowed | able
    for name in able:
        if not edges.needs(name) <= free:
            kept.discard(name)
            waiting.append(name)
    while waiting:
        for user in edges.users(waiting.pop()) & kept:
            kept.discard(user)
            waiting.append(user)
    return kept


def _only_used_by(
    core: set[str],
    definitions: dict[str, Definition],
    edges: Edges,
    busy: set[str],
    plain: set[str],
) -> set[str]:
    """Parts of the glue. What the factory registers is not: it needs code that works on tables."""
    found: set[str] = set()
    taken = core | busy
    able = [name for name in definitions if name not in taken and edges.users(name)]
    while True:
        glue, free = core | found, plain | found
        more = {
            name
            for name in able
            if name not in found
            and edges.users(name) <= glue
            and edges.needs(name) <= free
            and "exception" not in definitions[name].traits
            and "model" not in definitions[name].traits
        }
        if not more:
            return found
        found |= more


def _only_constants_of(
    glue: set[str], definitions: dict[str, Definition], edges: Edges
) -> set[str]:
    """Constants that only glue uses stay with it, in the same module."""
    return {
        name
        for name, definition in definitions.items()
        if definition.kind == "variable"
        and edges.users(name)
        and edges.users(name) <= glue
        and not edges.needs(name)
        and name not in glue
    }


def _made_by(
    glue: set[str], definitions: dict[str, Definition], edges: Edges, busy: set[str]
) -> set[str]:
    """``settings = load_settings()``: values that glue makes at import, and all they need."""
    return {
        name
        for name, definition in definitions.items()
        if definition.kind == "variable"
        and name not in busy
        and "app_object" not in definition.traits
        and any(e.kind == "calls" and e.target in glue for e in edges.out.get(name, ()))
        and edges.needs(name) <= glue
    }


def _helpers(
    definitions: dict[str, Definition], edges: Edges, taken: set[str], allowed: set[str]
) -> set[str]:
    """Functions without tables that need only glue, pure code and each other: what the monolith
    has put on top of its framework."""
    able = {
        d.id
        for d in definitions.values()
        if d.kind == "function" and d.id not in taken and "commits" not in d.traits
    }
    return _closed(able, allowed - able, edges)
