"""Which module imports which, and by what kind of statement."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.analyze.infer.annotations import text_of
from migrator.analyze.project.dynamic import imported_by_call
from migrator.analyze.project.modules import Module, imported_names
from migrator.analyze.project.project import Project
from migrator.model.graph import Import, Unresolved


def imports(project: Project) -> tuple[set[Import], list[Unresolved]]:
    """Every import of one of the monolith's modules; computed ones that nothing tells."""
    found: set[Import] = set()
    unresolved: list[Unresolved] = []
    for module in project.code:
        known, unknown = imports_of(project, module)
        found |= known
        unresolved += unknown
    return found, unresolved


def imports_of(project: Project, module: Module) -> tuple[set[Import], list[Unresolved]]:
    """Those of one module."""
    found = set(_static(project, module))
    unresolved: list[Unresolved] = []
    for line, _, call in module.facts.interface.dynamic:
        targets = imported_by_call(project.names, module, call)
        if targets is None:
            why = "the imported name is computed"
            unresolved.append(Unresolved(module.path, line, text_of(call)[:60], why))
        for target in targets or ():
            if target in project.modules:
                found.add(Import(module.name, target, "dynamic", line))
    return found, unresolved


def _static(project: Project, module: Module) -> Iterator[Import]:
    for statement in module.facts.interface.imports:
        for imported in imported_names(module.name, module.is_package, statement):
            for target in (imported.target, imported.module):
                if target in project.modules:
                    yield Import(module.name, target, statement[2], statement[1])
                    break
