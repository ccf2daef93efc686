"""Routers and viewsets of Django REST framework."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrator.analyze.facts.shape import CALL, CONST, STR, Expr
from migrator.analyze.project.dynamic import literal_strings
from migrator.analyze.project.project import Project
from migrator.analyze.project.search import assigned_calls, calls
from migrator.analyze.project.walk import keyword, owner_of
from migrator.model.graph import EntryPoint

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


@dataclass(frozen=True, slots=True)
class _Registered:
    prefix: str
    view: str
    name: str
    line: int


class Rest:
    """`routers` are the definitions that hold one."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.routers: dict[str, list[_Registered]] = {
            id_: []
            for id_, _, _, made in assigned_calls(project)
            if made.rpartition(".")[2].rpartition(":")[2].endswith("Router")
        }
        for found in calls(project, ("register",)) if self.routers else ():
            owner, call = owner_of(found.call[2]), found.call
            written = call[3][0] if call[3] else keyword(call, "prefix")
            viewset = call[3][1] if len(call[3]) > 1 else keyword(call, "viewset")
            if type(owner) is not str or written is None or type(viewset) is not str:
                continue
            router = project.names.resolve(found.module.name, owner, found.local)
            view = project.names.resolve(found.module.name, viewset, found.local)
            prefix = literal_strings(written)
            definition = project.names.definition_of(view)
            if router in self.routers and prefix and definition:
                base = keyword(call, "basename") or (call[3][2] if len(call[3]) > 2 else None)
                name = literal_strings(base)
                self.routers[router].append(
                    _Registered(prefix[0].strip("^"), definition, name[0] if name else "", call[1])
                )

    def routes(self, router: str, before: str, namespace: str) -> Iterator[EntryPoint]:
        """Every route of a router that hangs at `before`."""
        for one in self.routers[router]:
            base = one.name or one.prefix.rstrip("/").rpartition("/")[2]
            head = f"/{before}{one.prefix}".replace("//", "/").rstrip("/")
            for method, detail, tail, name in self._actions(one.view):
                url = head + ("/<pk>/" if detail else "/") + tail
                full = ":".join(n for n in (namespace, f"{base}-{name}") if n)
                yield EntryPoint("route", full, method, url, one.view, one.line)

    def _actions(self, view: str) -> Iterator[tuple[str, bool, str, str]]:
        """(method, of one object, tail of the URL, name) of what a viewset can do."""
        classes = self.project.classes
        kinds = {f.rpartition(".")[2] for f in classes.foreign(view)}
        own = {
            n: s[-1] for c in reversed(list(classes.ancestors(view))) for n, s in c.members.items()
        }
        for action, (method, detail, mixins) in _ACTIONS.items():
            given = bool(kinds & (mixins | _ALL)) or (
                bool(kinds & _READING) and action in ("list", "retrieve")
            )
            if given or (action in own and own[action][0] == "def"):
                yield method, detail, "", "detail" if detail else "list"
        for name, statement in own.items():
            if statement[0] != "def":
                continue
            for _, decorator in statement[6]:
                if _is_action(decorator):
                    yield from _extra(name, decorator)


def _is_action(decorator: Expr) -> bool:
    return (
        type(decorator) is tuple
        and decorator[0] == CALL
        and type(decorator[2]) is str
        and decorator[2].rpartition(".")[2] in ("action", "detail_route", "list_route")
    )


def _extra(name: str, decorator: Expr) -> Iterator[tuple[str, bool, str, str]]:
    methods = literal_strings(keyword(decorator, "methods")) or ("get",)
    path = keyword(decorator, "url_path")
    tail = path[1] if type(path) is tuple and path[0] == STR else name
    detail = keyword(decorator, "detail") == (CONST, True) or decorator[2].endswith("detail_route")
    for method in methods:
        yield method.upper(), detail, f"{tail}/", name.replace("_", "-")
