"""Routers and viewsets of Django REST framework, and routers below routers (drf-nested-routers)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from migrator.analyze.facts.shape import CALL, CONST, DEF, Expr, Stmt
from migrator.analyze.frameworks.django.patterns import Where, literal
from migrator.analyze.frameworks.django.urls import plain
from migrator.analyze.project.constants import string_of
from migrator.analyze.project.dynamic import literal_strings
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.project.search import assigned_calls, calls
from migrator.analyze.project.walk import keyword, owner_of
from migrator.analyze.schema import Schema
from migrator.model.graph import EntryPoint, Unresolved

_ACTIONS = {
    "list": ("GET", False, {"ListModelMixin"}),
    "create": ("POST", False, {"CreateModelMixin"}),
    "retrieve": ("GET", True, {"RetrieveModelMixin"}),
    "update": ("PUT", True, {"UpdateModelMixin"}),
    "partial_update": ("PATCH", True, {"UpdateModelMixin"}),
    "destroy": ("DELETE", True, {"DestroyModelMixin"}),
}
_ALL = {"ModelViewSet"}
_READING = {"ReadOnlyModelViewSet"}
_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class _Registered:
    prefix: str
    view: str
    name: str
    line: int


@dataclass(slots=True)
class _Router:
    """`parent` and `above`: the router and the prefix there that a nested one hangs below, with the
    placeholder of the row in between; `others` are routers whose views it takes over."""

    slash: str = "/"
    parent: str | None = None
    above: str = ""
    row: str = ""
    views: list[_Registered] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


class Rest:
    """`routers` by the definition that holds one."""

    def __init__(self, project: Project, schema: Schema) -> None:
        self.project, self.schema = project, schema
        self.routers = {
            id_: self._router(module, call)
            for id_, module, call, made in assigned_calls(project)
            if made.rpartition(".")[2].rpartition(":")[2].endswith("Router")
        }
        if not self.routers:
            return
        for found in calls(project, ("register",)):
            owner = owner_of(found.call[2])
            if type(owner) is str:
                id_ = project.names.resolve(found.module.name, owner, found.local)
                if id_ in self.routers:
                    self._register(self.routers[id_], found.module, found.call, found.local)
        for found in calls(project, ("extend",)):
            owner = owner_of(found.call[2])
            ends = [owner, *found.call[3]]
            if len(ends) == 2 and all(type(e) is str and e.endswith(".registry") for e in ends):
                to, other = (
                    project.names.resolve(
                        found.module.name, e.removesuffix(".registry"), found.local
                    )
                    for e in ends
                )
                if to in self.routers and other in self.routers:
                    self.routers[to].others.append(other)

    def _router(self, module: Module, call: Expr) -> _Router:
        slash = "" if keyword(call, "trailing_slash") == (CONST, False) else "/"
        args = call[3]
        if not args or type(args[0]) is not str:
            return _Router(slash)
        above = string_of(self.project, module, args[1]) if len(args) > 1 else None
        lookup = keyword(call, "lookup") or (args[2] if len(args) > 2 else None)
        parent = self.project.resolve(module.name, args[0])
        if above is None:
            return _Router(slash)
        return _Router(slash, parent, plain(above), f"<{literal(lookup) or 'nested_1'}_pk>")

    def _register(self, router: _Router, module: Module, call: Expr, local: dict[str, str]) -> None:
        written = call[3][0] if call[3] else keyword(call, "prefix")
        viewset = call[3][1] if len(call[3]) > 1 else keyword(call, "viewset")
        prefix = string_of(self.project, module, written) if written is not None else None
        view = None
        if type(viewset) is str:
            view = self.project.names.resolve(module.name, viewset, local)
        definition = self.project.names.definition_of(view)
        if prefix is None or definition is None:
            what = "viewset" if prefix is not None else "prefix"
            told = Unresolved(module.path, call[1], "route of a router", f"its {what} is not known")
            if view is None or ":" in view:  # else it is another package's
                self.schema.unresolved.append(told)
            return
        base = keyword(call, "basename") or (call[3][2] if len(call[3]) > 2 else None)
        name = literal_strings(base)
        router.views.append(
            _Registered(plain(prefix), definition, name[0] if name else "", call[1])
        )

    # --- routes ----------------------------------------------------------------------------------

    def routes(self, router: str, where: Where) -> Iterator[EntryPoint]:
        """Every route of a router that hangs at a place."""
        before = where.prefix + self._nested(router)
        slash = self.routers[router].slash
        for one in self._views(router):
            base = one.name or one.prefix.rstrip("/").rpartition("/")[2]
            head = f"/{before}{one.prefix}".replace("//", "/").rstrip("/")
            row = self._row(one.view)
            for method, detail, tail, name in self._actions(one.view):
                url = head + (f"/{row}" if detail else "") + (f"/{tail}" if tail else "") + slash
                full = ":".join(n for n in (where.namespace, f"{base}-{name}") if n)
                yield EntryPoint("route", full, method, url, one.view, one.line)

    def _nested(self, router: str | None) -> str:
        """What of the URL of a nested router is that of those above it."""
        found = ""
        for _ in range(_DEEPEST):
            known = self.routers.get(router or "")
            if known is None or known.parent is None:
                break
            found = f"{known.above.strip('/')}/{known.row}/{found}"
            router = known.parent
        return found

    def _views(self, router: str, depth: int = 0) -> Iterator[_Registered]:
        known = self.routers[router]
        yield from known.views
        for other in known.others if depth < _DEEPEST else ():
            yield from self._views(other, depth + 1)

    def _row(self, view: str) -> str:
        """The placeholder of one object."""
        for name in ("lookup_url_kwarg", "lookup_field"):
            for class_ in self.project.classes.ancestors(view):
                told = literal(class_.value(name))
                if told is not None:
                    return f"<{told}>"
        return "<pk>"

    def _actions(self, view: str) -> Iterator[tuple[str, bool, str, str]]:
        """(method, of one object, tail of the URL, name) of what a viewset can do."""
        allowed = self._allowed(view)
        for method, detail, tail, name in self._every_action(view):
            if allowed is None or method in allowed:
                yield method, detail, tail, name

    def _allowed(self, view: str) -> set[str] | None:
        for class_ in self.project.classes.ancestors(view):
            texts = literal_strings(class_.value("http_method_names"))
            if texts is not None:
                return {text.upper() for text in texts}
        return None

    def _every_action(self, view: str) -> Iterator[tuple[str, bool, str, str]]:
        classes = self.project.classes
        kinds = {f.rpartition(".")[2] for f in classes.foreign(view)}
        own = {
            n: s[-1] for c in reversed(list(classes.ancestors(view))) for n, s in c.members.items()
        }
        for action, (method, detail, mixins) in _ACTIONS.items():
            given = bool(kinds & (mixins | _ALL)) or (
                bool(kinds & _READING) and action in ("list", "retrieve")
            )
            if given or (action in own and own[action][0] == DEF):
                yield method, detail, "", "detail" if detail else "list"
        extra = {
            name: made
            for name, statement in own.items()
            if statement[0] == DEF and (made := _extra(name, statement)) is not None
        }
        for methods, detail, tail, named in extra.values():
            for method in methods:
                yield method, detail, tail, named
        for statement in own.values():
            for method, action in _mapped(statement) if statement[0] == DEF else ():
                if action in extra:
                    yield method, *extra[action][1:]


def _extra(name: str, statement: Stmt) -> tuple[tuple[str, ...], bool, str, str] | None:
    """(methods, of one object, tail of the URL, name) of ``@action(…)``."""
    for _, decorator in statement[6]:
        if type(decorator) is not tuple or decorator[0] != CALL or type(decorator[2]) is not str:
            continue
        last = decorator[2].rpartition(".")[2]
        if last not in ("action", "detail_route", "list_route"):
            continue
        methods = literal_strings(keyword(decorator, "methods")) or ("get",)
        path = literal(keyword(decorator, "url_path"))
        detail = keyword(decorator, "detail") == (CONST, True) or last == "detail_route"
        named = literal(keyword(decorator, "url_name")) or name.replace("_", "-")
        tail = plain(path).strip("/") if path is not None else name
        return tuple(m.upper() for m in methods), detail, tail, named
    return None


def _mapped(statement: Stmt) -> Iterator[tuple[str, str]]:
    """(method, action) of ``@close.mapping.delete``."""
    for _, decorator in statement[6]:
        parts = decorator.split(".") if type(decorator) is str else []
        if len(parts) == 3 and parts[1] == "mapping":
            yield parts[2].upper(), parts[0]
