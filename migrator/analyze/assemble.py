"""From what was declared and what functions were seen to do to the Graph."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path

from migrator.analyze.accesses import Accesses, accesses, reached, still_unresolved
from migrator.analyze.definitions import class_roles, decorators, describe
from migrator.analyze.imports import imports
from migrator.analyze.interpret import Found
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Schema
from migrator.analyze.transactions import flow, transactions
from migrator.model.graph import Definition, Dependency, EntryPoint, ForeignKey, Graph, Unresolved
from migrator.model.graph import Module as GraphModule

# How the records of each field are sorted.
ACCESSES = attrgetter("path", "line", "definition", "table", "mode", "how", "confidence")
DEFINITIONS = attrgetter("path", "line", "id")
DEPENDENCIES = attrgetter("source", "target", "kind", "line")
IMPORTS = attrgetter("source", "line", "target", "kind")
UNRESOLVED = attrgetter("path", "line", "what", "why")


@dataclass(frozen=True, slots=True)
class Assembled:
    """`told` are the accesses with where each comes from."""

    graph: Graph
    told: Accesses


def assemble(
    root: Path, project: Project, schema: Schema, done: Found, points: Sequence[EntryPoint],
    signals: Sequence[Dependency], unresolved: Sequence[Unresolved],
) -> Assembled:  # fmt: skip
    accessed = accesses(project, schema, done)
    found, writes = accessed.every, accessed.writes
    for id_ in sorted({a.table for a in found} & set(schema.elsewhere)):
        schema.add_table(schema.elsewhere[id_])
    edges = [*reached(project, done), *signals]
    definitions = _definitions(project, schema, done)
    imported, unknown = imports(project)
    told = {*unresolved, *schema.unresolved, *still_unresolved(project, done), *unknown}
    graph = Graph(
        root=root.as_posix(),
        modules=tuple(
            sorted(
                (GraphModule(m.name, m.path, m.lines) for m in project.code), key=attrgetter("name")
            )
        ),
        definitions=tuple(sorted(definitions, key=DEFINITIONS)),
        tables=tuple(schema.tables[name] for name in sorted(schema.tables)),
        foreign_keys=tuple(sorted(schema.foreign_keys, key=_key_order)),
        relationships=tuple(
            sorted(schema.relationships, key=attrgetter("definition", "attribute", "path", "line"))
        ),
        accesses=tuple(sorted(found, key=ACCESSES)),
        dependencies=tuple(sorted(edges, key=DEPENDENCIES)),
        imports=tuple(sorted(imported, key=IMPORTS)),
        entry_points=tuple(
            sorted(
                set(points),
                key=lambda p: (p.kind, p.path or "", p.method or "", p.definition, p.name, p.line),
            )
        ),
        transactions=transactions(
            flow(project, done, signals), writes, points, autocommit=schema.autocommit
        ),
        unresolved=tuple(sorted(told, key=UNRESOLVED)),
    )
    return Assembled(replace(graph, stats=stats(graph)), accessed)


def _key_order(key: ForeignKey) -> tuple[object, ...]:
    return (key.source, key.columns, key.target, key.path, key.line, key.referred_columns)


def stats(graph: Graph) -> dict[str, int]:
    """Counts of what the graph holds."""
    routes = sum(1 for p in graph.entry_points if p.kind == "route")
    wide = sum(1 for t in graph.transactions if len(t.tables) > 1)
    return {
        "accesses": len(graph.accesses),
        "definitions": len(graph.definitions),
        "dependencies": len(graph.dependencies),
        "entry_points": len(graph.entry_points),
        "foreign_keys": len(graph.foreign_keys),
        "lines": sum(m.lines for m in graph.modules),
        "modules": len(graph.modules),
        "routes": routes,
        "tables": len(graph.tables),
        "transactions": len(graph.transactions),
        "transactions_over_several_tables": wide,
        "unresolved": len(graph.unresolved),
    }


def _definitions(project: Project, schema: Schema, done: Found) -> list[Definition]:
    told = told_of(done.rows)
    decorating = decorators(done.edges, project)
    return [
        one for m in project.code for one in definitions_of(project, schema, m, told, decorating)
    ]


@dataclass(slots=True)
class Told:
    """What modules tell of their definitions, by id."""

    traits: dict[str, set[str]] = field(default_factory=dict)
    raises: dict[str, tuple[str, ...]] = field(default_factory=dict)


def told_of(rows: Iterable[tuple[str, ...]]) -> Told:
    told = Told()
    for row in rows:
        if len(row) > 1 and row[1] == "raises":
            told.raises[row[0]] = row[2:]
        else:
            told.traits[row[0]] = set(row[1:])
    return told


def definitions_of(
    project: Project, schema: Schema, module: Module, told: Told, decorating: Collection[str]
) -> Iterable[Definition]:
    """The definitions of one module; `decorating` are those that are used as decorators."""
    for fact in module.own.values():
        id_ = f"{module.name}:{fact.name}"
        known = told.traits.get(id_, set()) | schema.traits.get(id_, set())
        if fact.kind == "class":
            known |= class_roles(project, id_)
        if id_ in decorating:
            known |= {"decorator"}
        yield describe(module, fact, known, told.raises.get(id_, ()))
