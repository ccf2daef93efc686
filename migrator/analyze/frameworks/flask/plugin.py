"""Routes of Flask and its commands: where work begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, NamedTuple

from migrator.analyze.facts.shape import CALL, DEF, Expr
from migrator.analyze.frameworks.flask import context
from migrator.analyze.frameworks.flask.classes import ClassRoute, class_routes
from migrator.analyze.frameworks.flask.mounts import Mounts, joined
from migrator.analyze.frameworks.flask.rules import UrlRule, Written, url_rules
from migrator.analyze.frameworks.protocol import At, Framework
from migrator.analyze.infer.values import Call, External, Value
from migrator.analyze.project.calls import Decorated, Found
from migrator.analyze.project.constants import hole, string_of, with_holes
from migrator.analyze.project.dynamic import literal_strings
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.project.search import assigned_calls, calls, decorated
from migrator.analyze.project.walk import keyword, owner_of
from migrator.analyze.schema import Schema
from migrator.model.graph import Dependency, EntryPoint

VERBS = {"get", "post", "put", "patch", "delete"}


class Flask(Framework):
    """Blueprints, view functions, MethodViews; Quart has the same interface."""

    name: ClassVar[str] = "flask"
    packages: ClassVar[tuple[str, ...]] = ("flask", "quart", "werkzeug")

    def declare(self, project: Project, schema: Schema) -> None:
        if project.imports("flask", "quart"):
            context.declare(project, schema)

    def call(self, at: At, function: Value, call: Call) -> Value | None:
        name = function.name if type(function) is External else ""
        if name.endswith(".LocalProxy") and call.values:
            return at.call(call.values[0], Call(call.line, None, (), (), {}, {}))
        return None

    def entry_points(self, project: Project, schema: Schema) -> Iterable[EntryPoint | Dependency]:
        if not project.imports(
            "flask", "quart", "flask_smorest", "apiflask", "flask_restx", "flask_restful",
            "flask_appbuilder", "flask_restplus", "flask_classful",
        ):  # fmt: skip
            return
        yield from _Routes(project, schema).read()


class _At(NamedTuple):
    """Where a route is declared, its name, and the definition that answers it."""

    module: Module
    line: int
    name: str
    definition: str


class _Routes(Mounts):
    def __init__(self, project: Project, schema: Schema) -> None:
        super().__init__(project, schema)
        self.foreign = _other_routers(project)
        self._lost: set[str] = set()

    def read(self) -> Iterator[EntryPoint]:
        for one in decorated(self.project):
            yield from self._decorated(one)
        for found in calls(self.project, ("add_url_rule",)):
            for told in url_rules(self.scopes, found):
                yield from self._rule(told)
        for found in calls(self.project, ("add_resource",)):
            yield from self._resource(found)
        for route in class_routes(self.project, self):
            yield from self._told(route)

    def _decorated(self, one: Decorated) -> Iterator[EntryPoint]:
        decorator = one.decorator
        if type(decorator) is not tuple or decorator[0] != CALL:
            return
        func = decorator[2]
        name = func.rpartition(".")[2] if type(func) is str else ""
        owner = owner_of(func)
        if owner is None or (name not in ("route", "resource") and name not in VERBS):
            return
        target = self._mount(one.module, one.definition, owner, {})
        if target is None and type(owner) is str:
            target = self.project.resolve(one.module.name, owner)
        if target in self.foreign:
            return
        known = target in self.own_prefix or self._is_app(target)
        if not known and name == "resource":
            return
        if name in VERBS and not known and (target is not None or not _is_rule(decorator)):
            return
        methods = _methods(keyword(decorator, "methods")) if name == "route" else (name.upper(),)
        if one.statement[0] == "class":
            methods = self._verbs(one.definition)
        at = _At(one.module, one.line, one.statement[3], one.definition)
        yield from self._routes(at, target, self._path(at, decorator), methods)

    def _mount(
        self, module: Module, definition: str, owner: Expr | None, local: dict[str, str]
    ) -> str | None:
        found = self.meant(module, definition, owner, local)
        return found[0] if found else None

    def _is_app(self, target: str | None) -> bool:
        fact = self.project.names.definition(target or "")
        module = (target or "").partition(":")[0]
        return any(
            s[0] == "set"
            and type(s[3]) is tuple
            and s[3][0] == CALL
            and self.project.resolved(module, s[3][2]).rpartition(".")[2] in ("Flask", "Quart")
            for s in (fact.statements if fact else ())
        )

    def _rule(self, told: UrlRule) -> Iterator[EntryPoint]:
        view = told.view.expr
        if type(view) is str:
            view = self.scopes.made(told.view.definition, view) or view
        methods = _methods(told.methods.expr)
        as_view = type(view) is tuple and str(view[2]).endswith(".as_view")
        target = self._answers(told.view._replace(expr=view))
        if target is None:
            self._unknown(told.module, told.line, "route", "its view function is not known")
            return
        if as_view and told.methods.expr is None:
            methods = self._verbs(target)
        mount, rule = told.mount, told.rule
        above = self._mount(mount.module, mount.definition, mount.expr, mount.local)
        at = _At(told.module, told.line, target.rpartition(":")[2], target)
        yield from self._routes(at, above, self._text_of(at, rule.module, rule.expr), methods)

    def _answers(self, view: Written) -> str | None:
        """The function or class behind a view; the function that makes it, where that is all that
        is known."""
        expr = view.expr
        if type(expr) is tuple and expr[0] == CALL and type(expr[2]) is str:
            if expr[2].endswith(".as_view"):
                return self._definition(view, expr[2].removesuffix(".as_view"))
            inner = expr[3][0] if expr[3] else None  # login_required(view)
            found = self._definition(view, inner) if type(inner) is str else None
            return found or self._definition(view, expr[2])
        return self._definition(view, expr) if type(expr) is str else None

    def _definition(self, at: Written, name: str) -> str | None:
        names = self.project.names
        target = names.definition_of(names.resolve(at.module.name, name, at.local))
        fact = names.definition(target) if target is not None else None
        return target if fact is not None and fact.kind != "variable" else None

    def _resource(self, found: Found) -> Iterator[EntryPoint]:
        """``api.add_resource(Class, "/a", "/b")``."""
        call, module = found.call, found.module
        above = self._mount(module, found.definition, owner_of(call[2]), found.local)
        if above is None or not call[3]:
            return
        class_ = call[3][0]
        resolved = None
        if type(class_) is str:
            resolved = self.project.names.resolve(module.name, class_, found.local)
        target = self.project.names.definition_of(resolved)
        if target is None:
            self._unknown(module, call[1], "resource", "its class is not known")
            return
        at = _At(module, call[1], target.rpartition(":")[2], target)
        for url in call[3][1:]:
            path = self._text_of(at, module, url)
            yield from self._routes(at, above, path, self._verbs(target))

    def _told(self, route: ClassRoute) -> Iterator[EntryPoint]:
        prefixes = self.prefixes(route.mount) if route.mount is not None else [""]
        for prefix in prefixes:
            for method in route.methods:
                path = joined(prefix, route.path)
                yield EntryPoint("route", route.name, method, path, route.definition, route.line)

    def _verbs(self, target: str) -> tuple[str, ...]:
        verbs = {
            name
            for class_ in self.project.classes.ancestors(target)
            for name, statements in class_.members.items()
            if name in VERBS and statements[-1][0] == DEF
        }
        return tuple(sorted(v.upper() for v in verbs)) or ("GET",)

    def _path(self, at: _At, call: Expr) -> str:
        written = call[3][0] if call[3] else keyword(call, "rule")
        return self._text_of(at, at.module, written)

    def _text_of(self, at: _At, module: Module, written: Expr | None) -> str:
        """A URL rule; with a hole for what is computed of it, which is told."""
        text = string_of(self.project, module, written) if written is not None else None
        if text is not None:
            return text
        self._unknown(at.module, at.line, f"route of {at.name}", "its URL rule is computed")
        return with_holes(self.project, module, written)

    def _routes(
        self, at: _At, mount: str | None, rule: str, methods: tuple[str, ...]
    ) -> Iterator[EntryPoint]:
        prefixes = self._reached(at, mount) if mount in self.own_prefix else [""]
        for prefix in prefixes:
            for method in methods:
                path = joined(prefix, rule)
                yield EntryPoint("route", at.name, method, path, at.definition, at.line)

    def _reached(self, at: _At, mount: str) -> list[str]:
        """The prefixes of a blueprint. Where no known call registers it but one that is not known
        may: a hole, its own behind."""
        known = self.prefixes(mount)
        if known:
            return known
        place = mount.replace(":", ".")
        if mount not in self._lost:
            self._lost.add(mount)
            why = "nothing registers it"
            if self.some_unknown:
                why = "no call that could be resolved registers it"
            self._unknown(at.module, at.line, f"blueprint {place}", why)
        return [hole(place) + self.own_prefix[mount]] if self.some_unknown else []


def _other_routers(project: Project) -> set[str]:
    """Objects of FastAPI and Starlette, whose decorators look the same."""
    return {
        id_
        for id_, _, _, made in assigned_calls(project)
        if made.rpartition(".")[2] in ("APIRouter", "FastAPI", "Router", "Starlette")
    }


def _is_rule(call: Expr) -> bool:
    texts = literal_strings(call[3][0]) if call[3] else None
    return texts is not None and texts[0].startswith("/")


def _methods(written: Expr | None) -> tuple[str, ...]:
    texts = literal_strings(written)
    return tuple(sorted(t.upper() for t in texts)) if texts else ("GET",)
