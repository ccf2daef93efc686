"""Routes of Flask and its commands: where work begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from migrator.analyze.facts.shape import CALL, DEF, Expr
from migrator.analyze.frameworks.protocol import Framework
from migrator.analyze.project.dynamic import imported_by_call, is_dynamic, literal_strings
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.project.search import (
    Decorated,
    Found,
    assigned_calls,
    calls,
    decorated,
    keyword,
    owner_of,
)  # fmt: skip
from migrator.analyze.schema import Schema
from migrator.model.graph import Dependency, EntryPoint, Unresolved

VERBS = {"get", "post", "put", "patch", "delete"}


@dataclass(frozen=True, slots=True)
class Registration:
    """Blueprint `child` hangs below `parent` (None: the application) at `prefix`."""

    child: str
    parent: str | None
    prefix: str | None


class Flask(Framework):
    """Blueprints, view functions, MethodViews; Quart has the same interface."""

    name: ClassVar[str] = "flask"
    packages: ClassVar[tuple[str, ...]] = ("flask", "quart")

    def entry_points(self, project: Project, schema: Schema) -> Iterable[EntryPoint | Dependency]:
        if not project.imports(
            "flask", "quart", "flask_smorest", "apiflask", "flask_restx", "flask_restful",
            "flask_appbuilder",
        ):  # fmt: skip
            return
        yield from _Routes(project, schema).read()


class _Routes:
    def __init__(self, project: Project, schema: Schema) -> None:
        self.project, self.schema = project, schema
        self.own_prefix: dict[str, str] = {}
        for id_, _module, call, made in assigned_calls(project):
            if made.rpartition(".")[2].rpartition(":")[2].endswith("Blueprint"):
                texts = literal_strings(keyword(call, "url_prefix"))
                self.own_prefix[id_] = texts[0] if texts else ""
        before = len(schema.unresolved)
        found = list(calls(project, ("register_blueprint",)))
        self.registrations = [r for f in found for r in self._registration(f)]
        self.some_unknown = len(self.schema.unresolved) > before
        self.foreign = _other_routers(project)

    def read(self) -> Iterator[EntryPoint]:
        for one in decorated(self.project):
            yield from self._decorated(one)
        for found in calls(self.project, ("add_url_rule",)):
            yield from self._rule(found)

    def _decorated(self, one: Decorated) -> Iterator[EntryPoint]:
        decorator = one.decorator
        if type(decorator) is not tuple or decorator[0] != CALL:
            return
        func = decorator[2]
        name = func.rpartition(".")[2] if type(func) is str else ""
        owner = owner_of(func)
        if owner is None or (name != "route" and name not in VERBS):
            return
        target = self.project.resolve(one.module.name, owner) if type(owner) is str else None
        if target in self.foreign:
            return
        known = target in self.own_prefix or self._is_app(target)
        if name in VERBS and not known and (target is not None or not _is_rule(decorator)):
            return
        methods = _methods(decorator) if name == "route" else (name.upper(),)
        if one.statement[0] == "class":
            methods = self._verbs(one.definition)
        yield from self._routes(
            one.module, target, decorator, methods, one.statement[3], one.line, one.definition
        )

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

    def _rule(self, found: Found) -> Iterator[EntryPoint]:
        call = found.call
        view = keyword(call, "view_func") or (call[3][2] if len(call[3]) > 2 else None)
        methods = _methods(call)
        as_view = False
        if type(view) is tuple and view[0] == CALL and type(view[2]) is str:
            if view[2].endswith(".as_view"):
                view, as_view = view[2].removesuffix(".as_view"), True
            elif view[3] and type(view[3][0]) is str:
                view = view[3][0]  # login_required(view)
        target = None
        if type(view) is str:
            resolved = self.project.names.resolve(found.module.name, view, found.local)
            target = self.project.names.definition_of(resolved)
        if target is None:
            self._unknown(found.module, call[1], "route", "its view function is not known")
            return
        if as_view and keyword(call, "methods") is None:
            methods = self._verbs(target)
        owner = owner_of(call[2])
        above = None
        if type(owner) is str:
            above = self.project.names.resolve(found.module.name, owner, found.local)
        name = target.rpartition(":")[2]
        yield from self._routes(found.module, above, call, methods, name, call[1], target)

    def _verbs(self, target: str) -> tuple[str, ...]:
        verbs = {
            name
            for class_ in self.project.classes.ancestors(target)
            for name, statements in class_.members.items()
            if name in VERBS and statements[-1][0] == DEF
        }
        return tuple(sorted(v.upper() for v in verbs)) or ("GET",)

    def _routes(
        self, module: Module, blueprint: str | None, call: Expr, methods: tuple[str, ...],
        name: str, line: int, definition: str,
    ) -> Iterator[EntryPoint]:  # fmt: skip
        rule = literal_strings(call[3][0] if call[3] else keyword(call, "rule"))
        if rule is None:
            self._unknown(module, line, f"route of {name}", "its URL rule is computed")
            return
        prefixes = self._prefixes(blueprint) if blueprint in self.own_prefix else [""]
        if not prefixes:
            why = "its blueprint is never registered"
            if self.some_unknown:
                why = "its blueprint is registered by none of the calls that could be resolved"
            self._unknown(module, line, f"route {rule[0]}", why)
        for prefix in prefixes:
            for method in methods:
                yield EntryPoint("route", name, method, joined(prefix, rule[0]), definition, line)

    def _prefixes(self, blueprint: str | None, seen: frozenset[str] = frozenset()) -> list[str]:
        """Every prefix under which a blueprint is reached: one for each registration."""
        if blueprint is None or blueprint in seen:
            return []
        found: list[str] = []
        for registration in self.registrations:
            if registration.child != blueprint:
                continue
            here = registration.prefix
            here = self.own_prefix[blueprint] if here is None else here
            parent = registration.parent
            above = (
                self._prefixes(parent, seen | {blueprint}) if parent in self.own_prefix else [""]
            )
            found += [joined(prefix, here) for prefix in above]
        return list(dict.fromkeys(found))

    def _registration(self, found: Found) -> Iterator[Registration]:
        call = found.call
        names = self.project.names
        parent = owner_of(call[2])
        above = None
        if type(parent) is str:
            above = names.resolve(found.module.name, parent, found.local)
        texts = literal_strings(keyword(call, "url_prefix"))
        child = call[3][0] if call[3] else keyword(call, "blueprint")
        targets: list[str] = []
        if type(child) is str:
            target = names.resolve(found.module.name, child, found.local)
            targets = [target] if target else []
        elif type(child) is tuple and child[0] == "attr" and is_dynamic(child[2]):
            modules = imported_by_call(names, found.module, child[2])
            targets = [f"{module}:{child[3]}" for module in modules or ()]
        known = [t for t in targets if t in self.own_prefix]
        if not known:
            self._unknown(
                found.module, call[1], "register_blueprint", "which blueprint is not known"
            )
        for target in known:
            yield Registration(target, above, texts[0] if texts else None)

    def _unknown(self, module: Module, line: int, what: str, why: str) -> None:
        self.schema.unresolved.append(Unresolved(module.path, line, what, why))


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


def _methods(call: Expr) -> tuple[str, ...]:
    texts = literal_strings(keyword(call, "methods"))
    return tuple(sorted(t.upper() for t in texts)) if texts else ("GET",)


def joined(prefix: str, rule: str) -> str:
    if prefix and rule:
        return f"{prefix.rstrip('/')}/{rule.lstrip('/')}"
    return prefix or rule or "/"
