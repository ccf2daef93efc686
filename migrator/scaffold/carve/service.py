"""All modules of the services."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pyflakes import checker, messages

from migrator.model.graph import Graph, Module
from migrator.plan.closure import Needs
from migrator.scaffold.carve.copies import Refusal, called, told
from migrator.scaffold.carve.mixins import Mixin, mixins_of
from migrator.scaffold.carve.models import Tables
from migrator.scaffold.carve.module import ModuleContext, carve_module
from migrator.scaffold.carve.parsed import Parsed
from migrator.scaffold.carve.paths import carved_path, is_package
from migrator.scaffold.carve.reexports import Place, Reexports

# The template brings its own.
_REPLACED = {"wsgi.py", "asgi.py", "manage.py", "setup.py"}


@dataclass(slots=True)
class CarvedService:
    """Path -> text of every module that a service has, and what a person must look at."""

    files: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


class _Declared(NamedTuple):
    """What each service's carve needs to know of all tables."""

    mixins: dict[str, Mixin]
    columns: dict[str, frozenset[str]]


def carve_services(
    texts: Mapping[str, str], services: Mapping[str, Needs], graph: Graph
) -> dict[str, CarvedService]:
    """Every service by name. One module after the other, so that each is parsed once and only one
    tree is held."""
    modules = {m.name: m for m in graph.modules if carved_path(m) not in _REPLACED}
    carved = {name: CarvedService() for name in services}
    refused: dict[str, list[Refusal]] = {name: [] for name in services}
    emitted = {name: _emitted(needs, modules) for name, needs in services.items()}
    reexports = Reexports(
        {m.name: m for m in graph.modules}, texts, frozenset(d.id for d in graph.definitions)
    )
    declared = _Declared(
        mixins_of(graph), {t.id: frozenset(c.name for c in t.columns) for t in graph.tables}
    )
    makers = {
        name: _contexts(needs, graph, emitted[name], reexports, declared)
        for name, needs in services.items()
    }
    for name, module in sorted(modules.items()):
        takers = [service for service in services if name in emitted[service]]
        if not takers:
            continue
        parsed = Parsed(texts[module.path])
        before = frozenset(name for name, _ in _undefined(ast.parse(texts[module.path])))
        for service in takers:
            made = carve_module(parsed, makers[service](module))
            path = carved_path(module)
            carved[service].files[path] = made.text
            carved[service].problems += [*made.problems, *undefined_names(made.text, path, before)]
            refused[service] += made.refused
    for service, about in carved.items():
        about.problems += told(called(refused[service], about.files.values()))
    return carved


def _emitted(needs: Needs, modules: Collection[str]) -> set[str]:
    """The modules that a service has: those with a definition of it, and the packages above."""
    treated = {name.partition(":")[0] for name in needs.treatments}
    emitted = {name for name in modules if name in treated}
    return emitted | {p for name in emitted for p in _parents(name) if p in modules}


def undefined_names(text: str, path: str, before: frozenset[str] = frozenset()) -> list[str]:
    """Names that a carved file uses and nothing defines, as ``path:line: name``, but for those
    that were not defined `before` it was carved either."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        return [f"{path}:{error.lineno}: the carved text is no valid Python: {error.msg}"]
    return [
        f"{path}:{line}: {name} is not defined in this service"
        for name, line in _undefined(tree)
        if name not in before
    ]


def _undefined(tree: ast.Module) -> list[tuple[str, int]]:
    found = checker.Checker(tree).messages
    return [
        (str(message.message_args[0]), message.lineno)
        for message in found
        if isinstance(message, messages.UndefinedName)
    ]


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _contexts(
    needs: Needs, graph: Graph, emitted: set[str], reexports: Reexports, declared: _Declared
) -> Callable[[Module], ModuleContext]:
    known = {d.id: d for d in graph.definitions}
    every = {m.name for m in graph.modules}
    package = min((m.partition(".")[0] for m in emitted), default="")
    table_of = {t.definition: t.id for t in graph.tables if t.definition}
    copies = {**needs.remote_inserts, **needs.replicas}
    tables = Tables(frozenset(needs.owned_tables), copies)
    routeless = _without_their_routes(graph, needs)

    def available(module: str, name: str | None) -> bool:
        if name is not None and f"{module}.{name}" in every:
            return f"{module}.{name}" in emitted
        if module not in every:
            return True
        if module not in emitted:
            return False
        definition = f"{module}:{name}"
        return definition in needs.treatments or definition not in known

    def placed(module: str, name: str) -> Place:
        """Not through a module that the service lacks, or that may not need the name any more."""
        origin = reexports.origin(module, name)
        stays = module in emitted and not reexports.uses(module, name)
        if origin is None or (stays and available(*origin)):
            return module, name
        return origin

    def names_missing(text: str) -> bool:
        module = text.partition(":")[0]
        if module not in every:
            return False
        return module not in emitted or module in routeless

    def make(module: Module) -> ModuleContext:
        return ModuleContext(
            name=module.name,
            is_package=is_package(module),
            treatments=needs.treatments,
            table_of=table_of,
            tables=tables,
            graph=graph,
            shared_package=f"{package}_shared",
            available=available,
            names_missing=names_missing,
            known=frozenset(known),
            placed=placed,
            mixins=declared.mixins,
            columns=declared.columns,
        )

    return make


def _without_their_routes(graph: Graph, needs: Needs) -> set[str]:
    """Modules of routes whose blueprint is not here: no plug-in that a list could name."""
    objects = [d for d in graph.definitions if "app_object" in d.traits]
    kept = {d.module for d in objects if d.id in needs.treatments}
    return {d.module for d in objects} - kept
