"""Routes of Pyramid: ``add_route``, ``add_view``, ``@view_config`` and what is scanned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from migrator.analyze.facts.shape import CALL, Expr
from migrator.analyze.frameworks.flask.mounts import joined
from migrator.analyze.frameworks.protocol import Framework
from migrator.analyze.project.calls import Decorated, Found
from migrator.analyze.project.constants import string_of
from migrator.analyze.project.dynamic import literal_strings
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.project.search import calls, decorated
from migrator.analyze.project.walk import keyword
from migrator.analyze.schema import Schema
from migrator.model.graph import Dependency, EntryPoint, Unresolved

ANY_METHOD = "ANY"


@dataclass(frozen=True, slots=True)
class View:
    """A function that answers `route`; `methods` empty for all."""

    module: Module
    line: int
    route: str
    methods: tuple[str, ...]
    name: str
    definition: str


class Pyramid(Framework):
    """The configurator's routes and views."""

    name: ClassVar[str] = "pyramid"
    packages: ClassVar[tuple[str, ...]] = ("pyramid",)

    def entry_points(self, project: Project, schema: Schema) -> Iterable[EntryPoint | Dependency]:
        if project.imports("pyramid"):
            yield from _Routes(project, schema).read()


class _Routes:
    def __init__(self, project: Project, schema: Schema) -> None:
        self.project, self.schema = project, schema
        # By the definition that is included: (who includes it, prefix).
        self.included: dict[str, set[tuple[str, str]]] = {}
        for found in calls(project, ("include",)):
            self._include(found)
        self.patterns: dict[str, set[str]] = {}
        for found in calls(project, ("add_route",)):
            self._route(found)

    def read(self) -> Iterator[EntryPoint]:
        views = [v for f in calls(self.project, ("add_view",)) for v in self._added(f)]
        scanned = any(True for _ in calls(self.project, ("scan",)))
        for one in decorated(self.project):
            found = list(self._decorated(one))
            if found and not scanned:
                self._unknown(one.module, one.line, f"view {found[0].name}", "nothing scans for it")
                continue
            views += found
        for view in views:
            paths = self.patterns.get(view.route)
            if not paths:
                what, why = f"view {view.name}", f"no route {view.route} that could be read"
                self._unknown(view.module, view.line, what, why)
            for path in sorted(paths or ()):
                for method in view.methods or (ANY_METHOD,):
                    yield EntryPoint("route", view.name, method, path, view.definition, view.line)

    def _include(self, found: Found) -> None:
        """``config.include("shop.api", route_prefix="/api")``: by definition or module."""
        call = found.call
        target = self._target(found, call[3][0] if call[3] else None)
        written = keyword(call, "route_prefix")
        prefix = self._string(found.module, written)
        if target is None:
            return
        if written is not None and prefix is None:
            self._unknown(found.module, call[1], f"include {target}", "its prefix is computed")
        self.included.setdefault(target, set()).add((found.definition, prefix or ""))

    def _prefixes(self, definition: str, seen: frozenset[str] = frozenset()) -> set[str]:
        """The prefixes under which a definition's routes stand, through all that include it."""
        if definition in seen:
            return set()  # what includes itself stands nowhere by that
        included = self.included.get(definition)
        if not included:
            return {""}
        return {
            "/".join(part for part in (outer, prefix.strip("/")) if part)
            for includer, prefix in included
            for outer in self._prefixes(includer, seen | {definition})
        }

    def _target(self, found: Found, expr: Expr | None) -> str | None:
        """The definition or module that an argument names, ``includeme`` where it is a module."""
        if type(expr) is str:
            named = self.project.names.resolve(found.module.name, expr, found.local)
        else:
            texts = literal_strings(expr)
            if texts is None:
                return None
            relative = texts[0].startswith(".")
            base = found.module.name if found.module.is_package else (
                found.module.name.rpartition(".")[0]
            )  # fmt: skip
            named = self.project.names.absolute(f"{base}{texts[0]}" if relative else texts[0])
        if named in self.project.modules:
            return f"{named}:includeme"
        return self.project.names.definition_of(named)

    def _route(self, found: Found) -> None:
        call = found.call
        if not self._is_configuration(found):
            return
        name = self._string(found.module, call[3][0] if call[3] else keyword(call, "name"))
        written = call[3][1] if len(call[3]) > 1 else keyword(call, "pattern")
        pattern = self._string(found.module, written)
        if name is None or pattern is None:
            self._unknown(found.module, call[1], "add_route", "its name or pattern is computed")
            return
        rule = "/" + pattern.lstrip("/")
        for prefix in self._prefixes(found.definition):
            path = joined(f"/{prefix}", rule) if prefix else rule
            self.patterns.setdefault(name, set()).add(path)

    def _is_configuration(self, found: Found) -> bool:
        """`add_route` of another library has a function second, not a pattern."""
        return found.module.imports_any(("pyramid",)) or found.definition in self.included

    def _added(self, found: Found) -> Iterator[View]:
        call = found.call
        route = self._string(found.module, keyword(call, "route_name"))
        written = call[3][0] if call[3] else keyword(call, "view")
        if route is None:
            return
        definition = self._target(found, written)
        if definition is None:
            self._unknown(found.module, call[1], f"view of {route}", "its function is not known")
            return
        yield View(
            found.module, call[1], route, _methods(call), definition.rpartition(":")[2], definition
        )

    def _decorated(self, one: Decorated) -> Iterator[View]:
        call = one.decorator
        if type(call) is not tuple or call[0] != CALL:
            return
        called = self.project.resolved(one.module.name, call[2])
        if not called.startswith("pyramid.") or not called.endswith(".view_config"):
            return
        class_ = self.project.classes.get(one.definition)
        defaults = self._defaults(one) if class_ is not None else None
        route = self._string(one.module, keyword(call, "route_name"))
        route = route or self._string(
            one.module, keyword(defaults, "route_name") if defaults else None
        )
        if route is None:
            self._unknown(one.module, one.line, f"view {one.statement[3]}", "no route is named")
            return
        methods = _methods(call) or _methods(defaults)
        yield View(one.module, one.line, route, methods, one.statement[3], one.definition)

    def _defaults(self, one: Decorated) -> Expr | None:
        """``@view_defaults(…)`` of the class around."""
        class_ = self.project.classes.get(one.definition)
        for _, decorator in class_.statement[6] if class_ is not None else ():
            if type(decorator) is tuple and decorator[0] == CALL:
                name = self.project.resolved(one.module.name, decorator[2])
                if name.endswith(".view_defaults"):
                    return decorator
        return None

    def _string(self, module: Module, expr: Expr | None) -> str | None:
        return string_of(self.project, module, expr) if expr is not None else None

    def _unknown(self, module: Module, line: int, what: str, why: str) -> None:
        self.schema.unresolved.append(Unresolved(module.path, line, what, why))


def _methods(call: Expr | None) -> tuple[str, ...]:
    return literal_strings(keyword(call, "request_method")) or () if call is not None else ()
