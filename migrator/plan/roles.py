"""Which definitions no context owns: the framework's glue, and pure code for the shared library."""

from __future__ import annotations

from dataclasses import dataclass

from migrator.model.graph import Definition, Graph
from migrator.plan.reachability import Edges

_GLUE = {"base", "session", "settings", "app_factory", "signal"}


@dataclass(frozen=True, slots=True)
class Roles:
    """`glue` and `helpers` (framework code without tables, copied where it is used) go to each
    service; `pure` may be shared by any two."""

    glue: frozenset[str]
    pure: frozenset[str]


def roles(graph: Graph) -> Roles:
    """Recognised by traits, never by names."""
    definitions = {d.id: d for d in graph.definitions}
    edges = Edges.of(graph)
    touched = {a.definition for a in graph.accesses}
    answers = {p.definition for p in graph.entry_points}
    core = _core(graph, definitions, touched | answers)
    pure = _pure(definitions, edges, touched | answers | core)
    glue = _only_used_by(core, definitions, edges, touched | answers) - pure
    glue |= _only_constants_of(core | glue, definitions, edges)
    glue |= _made_by(core | glue, definitions, edges, touched | answers)
    helpers = _helpers(definitions, edges, touched | answers, pure, core | glue)
    return Roles(frozenset(core | glue | helpers), frozenset(pure - glue))


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


def _pure(definitions: dict[str, Definition], edges: Edges, impure: set[str]) -> set[str]:
    """Touches no table, request, session or glue, by itself or by what it needs."""
    bad = {"request_context", "session", "settings", "app_object", "commits", "model", "base"}
    found = {d.id for d in definitions.values() if not bad & set(d.traits)} - impure
    while True:
        kept = {name for name in found if edges.needs(name) <= found}
        if kept == found:
            return found
        found = kept


def _only_used_by(
    core: set[str], definitions: dict[str, Definition], edges: Edges, busy: set[str]
) -> set[str]:
    found: set[str] = set()
    while True:
        more = {
            name
            for name in definitions
            if name not in core | found | busy
            and edges.users(name)
            and edges.users(name) <= core | found
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
    definitions: dict[str, Definition],
    edges: Edges,
    busy: set[str],
    pure: set[str],
    glue: set[str],
) -> set[str]:
    """Functions without tables that need only glue, pure code and each other, and are used from
    several modules: what the monolith has put on top of its framework."""
    able = {
        d.id
        for d in definitions.values()
        if d.kind == "function" and d.id not in busy | pure | glue and "commits" not in d.traits
    }
    while True:
        kept = {name for name in able if edges.needs(name) <= able | pure | glue}
        if kept == able:
            break
        able = kept
    found = {
        name
        for name in able
        if len({definitions[u].module for u in edges.users(name)} - {definitions[name].module}) > 1
    }
    while True:
        more = {need for name in found for need in edges.needs(name) & able} - found
        if not more:
            return found
        found |= more
