"""The way from a source tree to the Graph."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from migrator.analyze.access import AccessReader
from migrator.analyze.definitions import Code, class_roles, codes_of, dependencies_of, describe
from migrator.analyze.discover import ParsedModule, discover
from migrator.analyze.frameworks import blinker, flask
from migrator.analyze.frameworks.sqlalchemy import SchemaReader
from migrator.analyze.names import Names, imported_by_call, imports_of, top_level
from migrator.analyze.schema import Schema
from migrator.analyze.transactions import transactions
from migrator.model.graph import (
    Access,
    Definition,
    Dependency,
    Graph,
    Import,
    ImportKind,
    Module,
    Unresolved,
)

Progress = Callable[[str], None]


def analyze(root: Path, *, progress: Progress | None = None) -> Graph:
    """The Graph of the Python below `root`.

    Raises MigratorError where `root` cannot be analysed at all; a file that cannot be is listed
    in `unresolved` and the rest goes on.
    """
    tell = progress or _silent
    tell("parsing")
    modules, unresolved = discover(root)
    names = Names(modules)
    codes = {id_: code for module in modules for id_, code in codes_of(module, names).items()}
    tell("reading tables")
    schema = SchemaReader(codes, names).read()
    unresolved += schema.unresolved
    tell("reading accesses")
    accesses: set[Access] = set()
    for code in codes.values():
        found, unknown = AccessReader(code, names, codes, schema).read()
        accesses |= found
        unresolved += unknown
    tell("following calls")
    dependencies = [d for c in codes.values() for d in dependencies_of(c, names, codes)]
    accesses = _where_it_runs(accesses, codes, dependencies)
    definitions = _definitions(codes, names, schema, dependencies)
    objects = {d.id for d in definitions if "signal" in d.traits}
    edges, handlers = blinker.signals(codes, names, objects)
    points, unknown = flask.entry_points(codes, names)
    unresolved += unknown
    imports, unknown = _imports(modules, names)
    unresolved += unknown
    every = [*dependencies, *edges]
    graph = Graph(
        root=root.as_posix(),
        modules=tuple(sorted((Module(m.name, m.path, m.lines) for m in modules), key=_name)),
        definitions=tuple(sorted(definitions, key=lambda d: (d.path, d.line, d.id))),
        tables=schema.tables,
        foreign_keys=schema.foreign_keys,
        relationships=schema.relationships,
        accesses=tuple(
            sorted(accesses, key=lambda a: (a.path, a.line, a.definition, a.table, a.mode, a.how))
        ),
        dependencies=tuple(sorted(every, key=lambda d: (d.source, d.target, d.kind))),
        imports=tuple(sorted(imports, key=lambda i: (i.source, i.line, i.target))),
        entry_points=tuple(
            sorted(
                [*points, *handlers],
                key=lambda p: (p.kind, p.path or "", p.method or "", p.definition, p.name),
            )
        ),
        transactions=transactions(definitions, every, accesses, points),
        unresolved=tuple(sorted(set(unresolved), key=lambda u: (u.path, u.line, u.what))),
    )
    return replace(graph, stats=stats(graph))


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


def _name(module: Module) -> str:
    return module.name


def _definitions(
    codes: dict[str, Code], names: Names, schema: Schema, dependencies: Sequence[Dependency]
) -> list[Definition]:
    roles = class_roles(codes, names)
    for id_ in [*schema.models, *schema.core]:
        roles.setdefault(id_, set()).add("model")
    for id_ in schema.bases:
        roles.setdefault(id_, set()).add("base")
    for edge in dependencies:
        if edge.kind == "decorates" and codes[edge.target].kind == "function":
            roles.setdefault(edge.target, set()).add("decorator")
    return [describe(code, names, codes, roles.get(code.id, set())) for code in codes.values()]


def _where_it_runs(
    accesses: set[Access], codes: dict[str, Code], dependencies: Sequence[Dependency]
) -> set[Access]:
    """A statement kept in a constant is an access of the functions that use the constant."""
    users: dict[str, list[Dependency]] = {}
    for edge in dependencies:
        if codes[edge.target].kind == "variable":
            users.setdefault(edge.target, []).append(edge)
    found: set[Access] = set()
    for access in accesses:
        using = users.get(access.definition, ())
        found |= {
            replace(access, definition=e.source, path=codes[e.source].module.path, line=e.line)
            for e in using
        }
        if not using:
            found.add(access)
    return found


def _imports(modules: Sequence[ParsedModule], names: Names) -> tuple[set[Import], list[Unresolved]]:
    found: set[Import] = set()
    unresolved: list[Unresolved] = []
    for module in modules:
        kinds = {id(node): kind for node, kind in top_level(module.tree.body)}
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                found |= set(_static(module, node, kinds.get(id(node), "lazy"), names))
            elif isinstance(node, ast.Call) and _is_dynamic(node):
                targets = imported_by_call(node, module.name, module.tree.body, names)
                if targets is None:
                    what = ast.unparse(node)[:60]
                    why = "the imported name is computed"
                    unresolved.append(Unresolved(module.path, node.lineno, what, why))
                own = [t for t in targets or () if t in names.modules]
                found |= {Import(module.name, t, "dynamic", node.lineno) for t in own}
    return found, unresolved


def _static(
    module: ParsedModule, node: ast.stmt, kind: ImportKind, names: Names
) -> Iterator[Import]:
    for site in imports_of(module, node, kind):
        for target in (site.target, site.module):
            if target in names.modules:
                yield Import(module.name, target, site.kind, site.line)
                break


def _is_dynamic(node: ast.Call) -> bool:
    func = node.func
    name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", None)
    return name in ("import_module", "__import__")


def _silent(message: str) -> None:
    del message
