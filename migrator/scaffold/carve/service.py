"""All modules of one service."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from pyflakes import checker, messages

from migrator.model.graph import Definition, Graph, Module
from migrator.plan.closure import Needs
from migrator.scaffold.carve.models import Tables
from migrator.scaffold.carve.module import ModuleContext, carve_module

# The template brings its own.
_REPLACED = {"wsgi.py", "asgi.py", "manage.py", "setup.py"}


def carve_service(
    texts: Mapping[str, str], needs: Needs, graph: Graph
) -> tuple[dict[str, str], list[str]]:
    """Path -> text of every module that the service has, and what a person must look at."""
    treated = {name.partition(":")[0] for name in needs.treatments}
    modules = {m.name: m for m in graph.modules if m.path not in _REPLACED}
    emitted = {name for name in modules if name in treated}
    emitted |= {parent for name in emitted for parent in _parents(name) if parent in modules}
    files: dict[str, str] = {}
    problems: list[str] = []
    make = _contexts(needs, graph, emitted)
    for name in sorted(emitted):
        module = modules[name]
        text, found = carve_module(texts[module.path], make(module))
        files[module.path] = text
        problems += found
        problems += undefined_names(text, module.path)
    return files, problems


def undefined_names(text: str, path: str) -> list[str]:
    """Names that a carved file uses and nothing defines, as ``path:line: name``."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        return [f"{path}:{error.lineno}: the carved text is no valid Python: {error.msg}"]
    found = checker.Checker(tree, filename=path).messages
    return [
        f"{path}:{message.lineno}: {message.message_args[0]} is not defined in this service"
        for message in found
        if isinstance(message, messages.UndefinedName)
    ]


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _contexts(needs: Needs, graph: Graph, emitted: set[str]) -> Callable[[Module], ModuleContext]:
    known = {d.id: d for d in graph.definitions}
    every = {m.name for m in graph.modules}
    package = min((m.partition(".")[0] for m in emitted), default="")
    table_of = {t.definition: t.id for t in graph.tables if t.definition}
    copies = {**needs.remote_inserts, **needs.replicas}
    tables = Tables(frozenset(needs.owned_tables), copies)

    def available(module: str, name: str | None) -> bool:
        if name is not None and f"{module}.{name}" in every:
            return f"{module}.{name}" in emitted
        if module not in every:
            return True
        if module not in emitted:
            return False
        definition = f"{module}:{name}"
        return definition in needs.treatments or definition not in known

    def names_missing(text: str) -> bool:
        module = text.partition(":")[0]
        if module not in every:
            return False
        return module not in emitted or _lost_its_routes(module, known, needs)

    def make(module: Module) -> ModuleContext:
        return ModuleContext(
            name=module.name,
            is_package=module.path.endswith("__init__.py"),
            treatments=needs.treatments,
            table_of=table_of,
            tables=tables,
            graph=graph,
            shared_package=f"{package}_shared",
            available=available,
            names_missing=names_missing,
            known=frozenset(known),
        )

    return make


def _lost_its_routes(module: str, known: Mapping[str, Definition], needs: Needs) -> bool:
    """A module of routes is no plug-in without its blueprint."""
    objects = [d for d in known.values() if d.module == module and "app_object" in d.traits]
    return bool(objects) and not any(d.id in needs.treatments for d in objects)
