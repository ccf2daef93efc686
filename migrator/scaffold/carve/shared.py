"""The shared library: pure definitions, once, in modules of the same names."""

from __future__ import annotations

from collections.abc import Mapping

from migrator.model.graph import Graph
from migrator.model.plan import SHARED, Assignment
from migrator.plan.closure import Treatment
from migrator.scaffold.carve.models import Tables
from migrator.scaffold.carve.module import ModuleContext, carve_module
from migrator.scaffold.carve.parsed import Parsed
from migrator.scaffold.carve.paths import is_package


def carve_shared(texts: Mapping[str, str], assignment: Assignment, graph: Graph) -> dict[str, str]:
    """Path below ``libs/shared`` -> text; ``<package>_shared`` mirrors the monolith's package."""
    owned = {d: Treatment("owned") for d, owner in assignment.owner_of.items() if owner == SHARED}
    modules = {m.name: m for m in graph.modules if any(d.startswith(f"{m.name}:") for d in owned)}
    known = frozenset(d.id for d in graph.definitions)
    every = {m.name for m in graph.modules}

    def available(module: str, name: str | None) -> bool:
        return module not in every or f"{module}:{name}" in owned

    files: dict[str, str] = {}
    for name, module in sorted(modules.items()):
        package, _, rest = name.partition(".")
        text, _, _ = carve_module(
            Parsed(texts[module.path]),
            ModuleContext(
                name=name,
                is_package=is_package(module),
                treatments=owned,
                table_of={},
                tables=Tables(frozenset(), {}),
                graph=graph,
                shared_package="",
                available=available,
                names_missing=frozenset().__contains__,
                known=known,
            ),
        )
        path = "/".join([f"{package}_shared", *rest.split(".")])
        files[f"{path}.py"] = _renamed(text, package)
        for depth in range(1, path.count("/") + 1):
            files.setdefault("/".join([*path.split("/")[:depth], "__init__.py"]), "")
    return files


def _renamed(text: str, package: str) -> str:
    """The library imports itself under its own name."""
    lines = [
        line.replace(f"from {package}.", f"from {package}_shared.", 1)
        if line.lstrip().startswith(f"from {package}.")
        else line
        for line in text.splitlines(keepends=True)
    ]
    return "".join(lines)
