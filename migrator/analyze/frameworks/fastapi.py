"""Routes of FastAPI and Starlette: routers, mounts, dependencies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from migrator.analyze.facts.shape import CALL, LIST, TUPLE, Block, Expr
from migrator.analyze.frameworks.flask.mounts import joined
from migrator.analyze.frameworks.protocol import At, Framework
from migrator.analyze.infer.annotations import text_of
from migrator.analyze.infer.values import Call, External, Many, Value
from migrator.analyze.project.calls import Decorated, Found
from migrator.analyze.project.constants import hole, string_of
from migrator.analyze.project.dynamic import literal_strings
from migrator.analyze.project.library import Libraries
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.project.scopes import Scopes
from migrator.analyze.project.search import assigned_calls, calls, decorated
from migrator.analyze.project.walk import keyword, method_of, owner_of
from migrator.analyze.schema import Schema
from migrator.model.graph import Dependency, EntryPoint, Unresolved

_VERBS = {"get", "post", "put", "patch", "delete", "head", "options", "trace"}
_LIBRARIES = ("fastapi", "starlette")
_APPS = ("FastAPI", "Starlette")


@dataclass(frozen=True, slots=True)
class Provided(Value):
    """``Depends(function)``: the framework calls it and hands over what it gives."""

    framework: ClassVar[str] = "fastapi"
    function: Value


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Router `child` is reached below `parent` (None: the application) at `prefix`."""

    child: str
    parent: str | None
    prefix: str


class FastAPI(Framework):
    """Path operations, and what ``Depends`` gives to a parameter."""

    name: ClassVar[str] = "fastapi"
    packages: ClassVar[tuple[str, ...]] = _LIBRARIES

    def entry_points(self, project: Project, schema: Schema) -> Iterable[EntryPoint | Dependency]:
        if project.imports(*_LIBRARIES):
            yield from _Routes(project, schema).read()

    def call(self, at: At, function: Value, call: Call) -> Value | None:
        if type(function) is External and function.name.rpartition(".")[2] in (
            "Depends",
            "Security",
        ):
            given = call.argument(0, "dependency")
            return Provided(given) if given is not None else None
        return None

    def parameter(self, at: At, default: Value) -> Value | None:
        if type(default) is not Provided:
            return None
        made = at.call(default.function, Call(0, None, (), (), {}, {}))
        return made.item if type(made) is Many else made  # one that yields gives its first


class _Routes:
    def __init__(self, project: Project, schema: Schema) -> None:
        self.project, self.schema = project, schema
        self.libraries = Libraries(project)
        self.scopes = Scopes(project)
        self.own_prefix: dict[str, str] = {}
        self.apps: set[str] = set()
        self.listed: list[tuple[str, Module, Expr]] = []
        for id_, module, call, made in assigned_calls(project):
            kind = self._kind(made)
            if kind in _APPS:
                self.apps.add(id_)
            elif kind in ("APIRouter", "Router"):
                self.own_prefix[id_] = self._text(module, keyword(call, "prefix"), call[1])
            if kind and (routes := keyword(call, "routes")) is not None:
                self.listed.append((id_, module, routes))
        self.some_unknown = False
        self.inclusions = [
            i for f in calls(project, ("include_router", "mount")) for i in self._inclusion(f)
        ]

    def _kind(self, made: str) -> str | None:
        """``FastAPI`` for the class itself, or for one of the monolith's own below it."""
        names = [made, *self.project.classes.foreign(made)]
        for name in names:
            if name.partition(".")[0] in _LIBRARIES:
                return name.rpartition(".")[2]
        return None

    def read(self) -> Iterator[EntryPoint | Dependency]:
        for one in decorated(self.project):
            yield from self._decorated(one)
        for found in calls(self.project, ("add_api_route", "add_route")):
            yield from self._added(found)
        for id_, module, routes in self.listed:
            for prefix in self._prefixes(id_):
                yield from self._list(module, routes, prefix)

    def _decorated(self, one: Decorated) -> Iterator[EntryPoint | Dependency]:
        decorator = one.decorator
        if type(decorator) is not tuple or decorator[0] != CALL or one.statement[0] != "def":
            return
        name = method_of(decorator)
        owner = owner_of(decorator[2])
        if owner is None or name not in {*_VERBS, "api_route", "route", "websocket"}:
            return
        target, prefixes = self._owner(one.module, owner, one.inside)
        if prefixes is None:
            return
        methods: tuple[str, ...] = (name.upper(),)
        if name in ("api_route", "route"):
            texts = literal_strings(keyword(decorator, "methods"))
            methods = tuple(sorted(texts)) if texts else ("GET",)
        elif name == "websocket":
            methods = ("WEBSOCKET",)
        written = decorator[3][0] if decorator[3] else keyword(decorator, "path")
        rule = self._text(one.module, written, one.line)
        if not prefixes:
            prefixes = self._nowhere(one.module, one.line, owner, rule, target)
        for prefix in prefixes:
            for method in methods:
                yield EntryPoint(
                    "route",
                    one.statement[3],
                    method,
                    joined(prefix, rule),
                    one.definition,
                    one.line,
                )
        yield from self._depends(one.module, one.definition, one.statement[4], decorator)

    def _owner(
        self, module: Module, owner: Expr, inside: Block
    ) -> tuple[str | None, list[str] | None]:
        """What a decorator belongs to, and the prefixes it is reached at; None where that is
        nothing of this framework."""
        target = self.project.resolve(module.name, owner) if type(owner) is str else None
        if target in self.own_prefix or target in self.apps:
            return target, self._prefixes(target)
        origin = self.libraries.origin(module, owner, inside)
        if origin is None or origin.partition(".")[0] not in _LIBRARIES:
            return target, None
        local = target is None and type(owner) is str
        if local and origin.rpartition(".")[2] in _APPS:
            return target, [""]
        return target, [""] if origin.rpartition(".")[2] in _APPS else []

    def _depends(
        self, module: Module, definition: str, params: tuple[Expr, ...], decorator: Expr
    ) -> Iterator[Dependency]:
        """The framework calls a path operation's dependencies before it."""
        waiting = (
            [p[2] for p in params] + [p[1] for p in params] + [keyword(decorator, "dependencies")]
        )
        while waiting:
            expr = waiting.pop()
            if type(expr) is not tuple:
                continue
            if expr and expr[0] == CALL and method_of(expr) in ("Depends", "Security") and expr[3]:
                given = expr[3][0]
                target = self.project.resolve(module.name, given) if type(given) is str else None
                called = self.project.names.definition_of(target)
                if called and called != definition:
                    yield Dependency(definition, called, "calls", 1, expr[1], True)
            waiting.extend(e for e in expr if type(e) is tuple)

    def _added(self, found: Found) -> Iterator[EntryPoint]:
        call = found.call
        owner = owner_of(call[2])
        block = _block(self.project, found)
        target, prefixes = self._owner(found.module, owner, block) if owner else (None, None)
        if prefixes is None:
            return
        view = (
            call[3][1] if len(call[3]) > 1 else keyword(call, "endpoint") or keyword(call, "route")
        )
        rule = self._text(found.module, call[3][0] if call[3] else keyword(call, "path"), call[1])
        if not prefixes:
            prefixes = self._nowhere(found.module, call[1], owner, rule, target)
        for prefix in prefixes:
            yield from self._route(found.module, call, view, joined(prefix, rule), found.local)

    def _route(
        self, module: Module, call: Expr, view: Expr, path: str, local: dict[str, str]
    ) -> Iterator[EntryPoint]:
        resolved = (
            self.project.names.resolve(module.name, view, local) if type(view) is str else None
        )
        definition = self.project.names.definition_of(resolved)
        if definition is None:
            self._unknown(module, call[1], f"route {path}", "its function is not known")
            return
        texts = literal_strings(keyword(call, "methods"))
        class_ = self.project.classes.get(definition)
        methods = (
            texts or (tuple(sorted(_VERBS & set(class_.members))) if class_ else ()) or ("GET",)
        )
        for method in methods:
            name = definition.rpartition(":")[2]
            yield EntryPoint("route", name, method.upper(), path, definition, call[1])

    def _list(self, module: Module, routes: Expr, prefix: str) -> Iterator[EntryPoint]:
        """``routes=[Route("/", home), Mount("/api", routes=[…])]``."""
        if type(routes) is str:
            target = self.project.resolve(module.name, routes) or ""
            fact = self.project.names.definition(target)
            if fact is not None and fact.kind == "variable":
                inner = self.project.modules[target.partition(":")[0]]
                for statement in fact.statements:
                    if statement[0] == "set" and type(statement[3]) is tuple:
                        yield from self._list(inner, statement[3], prefix)
                return
        if type(routes) is not tuple or routes[0] not in (LIST, TUPLE):
            self._unknown(module, 0, f"routes below {prefix or '/'}", "the list is computed")
            return
        for call in routes[1]:
            if type(call) is not tuple or call[0] != CALL:
                continue
            path = joined(prefix, self._text(module, call[3][0] if call[3] else None, call[1]))
            kind = self.project.resolved(module.name, call[2]).rpartition(".")[2]
            if kind == "Mount":
                below = keyword(call, "routes")
                if below is not None:
                    yield from self._list(module, below, path)
            elif kind in ("Route", "WebSocketRoute", "APIRoute") and len(call[3]) > 1:
                yield from self._route(module, call, call[3][1], path, {})

    def _inclusion(self, found: Found) -> Iterator[Inclusion]:
        call, names = found.call, self.project.names
        owner = owner_of(call[2])
        mounts = method_of(call) == "mount"
        at = 1 if mounts else 0
        child = call[3][at] if len(call[3]) > at else keyword(call, "app" if mounts else "router")
        targets = self._children(found, child)
        if not targets:
            if not mounts:
                self.some_unknown = True
                self._unknown(found.module, call[1], "include_router", "which router is not known")
            return
        above = names.resolve(found.module.name, owner, found.local) if type(owner) is str else None
        written = (call[3][0] if call[3] else None) if mounts else keyword(call, "prefix")
        prefix = self._text(found.module, written, call[1])
        parent = above if above in self.own_prefix or above in self.apps else None
        for target in targets:
            yield Inclusion(target, parent, prefix)

    def _children(self, found: Found, child: Expr | None) -> list[str]:
        """The routers that an argument is: one, or those that a loop around the call runs over."""
        if type(child) is not str:
            return []
        ways = [(found.module.name, child, found.local)]
        ways += [(m.name, e, {}) for m, _, e in self.scopes.looped(found, child)]
        resolved = [self.project.names.resolve(*way) for way in ways if type(way[1]) is str]
        return [t for t in resolved if t in self.own_prefix or t in self.apps]

    def _prefixes(self, router: str | None, seen: frozenset[str] = frozenset()) -> list[str]:
        """Every prefix at which a router is reached: one for each inclusion."""
        if router is None or router in seen:
            return []
        found = [""] if router in self.apps and not any(
            i.child == router for i in self.inclusions
        ) else []  # fmt: skip
        own = self.own_prefix.get(router, "")
        for inclusion in self.inclusions:
            if inclusion.child == router:
                parent = inclusion.parent
                above = self._prefixes(parent, seen | {router}) if parent else [""]
                found += [joined(joined(p, inclusion.prefix).rstrip("/"), own) for p in above]
        return [p if p != "/" else "" for p in dict.fromkeys(found)]

    def _text(self, module: Module, expr: Expr | None, line: int) -> str:
        """A path; a hole where it is computed, which is told."""
        if expr is None:
            return ""
        text = string_of(self.project, module, expr)
        if text is None:
            self._unknown(module, line, f"path {text_of(expr)}", "it is computed")
            return hole(text_of(expr))
        return text

    def _nowhere(
        self, module: Module, line: int, owner: Expr, rule: str, target: str | None
    ) -> list[str]:
        """The hole before the routes of a router that something unknown may include."""
        why = "its router is never included"
        if self.some_unknown:
            why = "its router is included by none of the calls that could be resolved"
        if target is None:
            why = "its router is made in a function"
        self._unknown(module, line, f"route {rule}", why)
        if target is not None and not self.some_unknown:
            return []
        place = target.replace(":", ".") if target else f"{module.name}.{text_of(owner)}"
        return [hole(place) + self.own_prefix.get(target or "", "")]

    def _unknown(self, module: Module, line: int, what: str, why: str) -> None:
        self.schema.unresolved.append(Unresolved(module.path, line, what, why))


def _block(project: Project, found: Found) -> Block:
    """The body of the function that holds a call."""
    code = project.function(found.definition) if not found.definition.endswith(":") else None
    return project.block(code) if code is not None else ()
