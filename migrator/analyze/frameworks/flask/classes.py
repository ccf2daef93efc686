"""Classes whose methods are routes: Flask-AppBuilder's views and Flask-Classful's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from migrator.analyze.facts.shape import CALL, DEF, Expr, Stmt
from migrator.analyze.frameworks.flask.mounts import Mounts, joined
from migrator.analyze.frameworks.flask.named_sets import texts_of
from migrator.analyze.project.calls import Found
from migrator.analyze.project.classes import Class
from migrator.analyze.project.constants import string_of
from migrator.analyze.project.dynamic import literal_strings
from migrator.analyze.project.project import Project
from migrator.analyze.project.search import calls
from migrator.analyze.project.walk import keyword, owner_of
from migrator.model.graph import Unresolved

_ADDS = (
    "add_view", "add_view_no_menu", "add_separator_view", "add_api", "add_link_view",
)  # fmt: skip
_VERBS = {
    "index": ("GET", "/"), "get": ("GET", "/<id>"), "post": ("POST", "/"),
    "put": ("PUT", "/<id>"), "patch": ("PATCH", "/<id>"), "delete": ("DELETE", "/<id>"),
}  # fmt: skip


_MODEL_API = (
    ("info", "/_info", ("GET",)), ("get_list", "/", ("GET",)), ("get", "/<int:pk>", ("GET",)),
    ("post", "/", ("POST",)), ("put", "/<pk>", ("PUT",)), ("delete", "/<pk>", ("DELETE",)),
)  # fmt: skip
_BOTH = ("GET", "POST")
_MODEL_VIEW = (
    ("list", "/list/", ("GET",)), ("show", "/show/<pk>", ("GET",)), ("add", "/add", _BOTH),
    ("edit", "/edit/<pk>", _BOTH), ("delete", "/delete/<pk>", _BOTH),
    ("download", "/download/<string:filename>", ("GET",)),
    ("action", "/action/<string:name>/<pk>", _BOTH), ("action_post", "/action_post", ("POST",)),
)  # fmt: skip
_INHERITED = {
    "flask_appbuilder.ModelRestApi": _MODEL_API, "flask_appbuilder.api.ModelRestApi": _MODEL_API,
    "flask_appbuilder.ModelView": _MODEL_VIEW, "flask_appbuilder.views.ModelView": _MODEL_VIEW,
}  # fmt: skip
_INDEX = "IndexView"


class ClassRoute(NamedTuple):
    """A route that a class answers by one of its methods; `path` is below `mount`."""

    mount: str | None
    path: str
    methods: tuple[str, ...]
    name: str
    definition: str
    line: int


def class_routes(project: Project, mounts: Mounts) -> Iterator[ClassRoute]:
    if project.imports("flask_appbuilder"):
        yield from _exposed(project, mounts)
    if project.imports("flask_classful"):
        for found in calls(project, ("register",)):
            yield from _classful(project, mounts, found)


def _exposed(project: Project, mounts: Mounts) -> Iterator[ClassRoute]:
    """What ``@expose`` shows of the views and APIs that are added to the application."""
    added = {c for f in calls(project, _ADDS) if (c := _added(project, f)) is not None}
    for class_ in project.classes.by_id.values():
        foreign = [b for b in project.classes.foreign(class_.id) if b.startswith("flask_appb")]
        own = list(_exposes(class_))
        if not foreign:
            continue
        is_index = any(b.endswith(f".{_INDEX}") for b in foreign)
        if class_.id not in added and not is_index:
            if added.isdisjoint(project.classes.below.get(class_.id, ())):
                mounts.schema.unresolved += [_never_added(class_, s) for s, _ in own]
            continue
        is_api = any(b.endswith("Api") for b in foreign)
        base = "" if is_index else _base(project, class_, is_api)
        for name, path, methods, line in _routes_of(project, class_, foreign):
            yield ClassRoute(
                None, joined(base, path), methods, f"{class_.name}.{name}", class_.id, line
            )


def _routes_of(
    project: Project, class_: Class, foreign: list[str]
) -> Iterator[tuple[str, str, tuple[str, ...], int]]:
    """(method's name, path, HTTP methods, line) of what a class and those above it expose, as far
    as ``include_route_methods`` and ``exclude_route_methods`` let it."""
    included = texts_of(project, class_, "include_route_methods")
    excluded = texts_of(project, class_, "exclude_route_methods") or set()
    seen: set[str] = set()
    found: list[tuple[str, str, tuple[str, ...], int]] = []
    for above in project.classes.ancestors(class_.id):
        for statement, call in _exposes(above):
            written = call[3][0] if call[3] else keyword(call, "url")
            path = string_of(project, above.module, written)
            if path is not None and statement[3] not in seen:
                methods = literal_strings(keyword(call, "methods")) or ("GET",)
                found.append((statement[3], path, tuple(sorted(methods)), statement[1]))
        seen |= set(above.members)
    inherited = next((_INHERITED[b] for b in foreign if b in _INHERITED), ())
    found += [(n, path, methods, class_.line) for n, path, methods in inherited if n not in seen]
    for one in found:
        if (included is None or one[0] in included) and one[0] not in excluded:
            yield one


def _never_added(class_: Class, statement: Stmt) -> Unresolved:
    what = f"route {class_.name}.{statement[3]}"
    why = "its view is added by none of the calls that could be resolved"
    return Unresolved(class_.module.path, statement[1], what, why)


def _added(project: Project, found: Found) -> str | None:
    written = found.call[3][0] if found.call[3] else None
    if type(written) is tuple and written[0] == CALL:
        written = written[2]
    if type(written) is not str:
        return None
    target = project.names.resolve(found.module.name, written, found.local)
    return target if target is not None and project.classes.get(target) is not None else None


def _exposes(class_: Class) -> Iterator[tuple[Stmt, Expr]]:
    for statements in class_.members.values():
        statement = statements[-1]
        for _, decorator in statement[6] if statement[0] == DEF else ():
            if (
                type(decorator) is tuple
                and decorator[0] == CALL
                and _last(decorator[2]) == "expose"
            ):
                yield statement, decorator


def _base(project: Project, class_: Class, is_api: bool) -> str:
    route_base = _attribute(project, class_, "route_base")
    if route_base is not None:
        return route_base
    if not is_api:
        return f"/{class_.name.lower()}"
    version = _attribute(project, class_, "version") or "v1"
    name = _attribute(project, class_, "resource_name") or class_.name.lower()
    return f"/api/{version}/{name}"


def _attribute(project: Project, class_: Class, name: str) -> str | None:
    for own in project.classes.ancestors(class_.id):
        value = own.value(name)
        if value is not None:
            return string_of(project, own.module, value)
    return None


def _classful(project: Project, mounts: Mounts, found: Found) -> Iterator[ClassRoute]:
    """``View.register(app)``: public methods are routes, by their names or ``@route``."""
    owner = owner_of(found.call[2])
    target = None
    if type(owner) is str:
        target = project.names.resolve(found.module.name, owner, found.local)
    class_ = project.classes.get(target or "")
    if class_ is None or not any(
        b.startswith("flask_classful") for b in project.classes.foreign(class_.id)
    ):
        return
    args = found.call[3]
    above = mounts.meant(found.module, found.definition, args[0] if args else None, found.local)
    base = _classful_base(project, class_, found)
    seen: set[str] = set()
    for own in project.classes.ancestors(class_.id):
        for name, statements in own.members.items():
            statement = statements[-1]
            if statement[0] != DEF or name.startswith("_") or name in seen:
                continue
            seen.add(name)
            for methods, path in _classful_rules(project, own, name, statement):
                yield ClassRoute(
                    above[0] if above else None, joined(base, path), methods,
                    f"{class_.name}.{name}", class_.id, statement[1],
                )  # fmt: skip


def _classful_base(project: Project, class_: Class, found: Found) -> str:
    module = found.module
    prefix = string_of(project, module, keyword(found.call, "route_prefix"))
    prefix = prefix or _attribute(project, class_, "route_prefix") or ""
    base = string_of(project, module, keyword(found.call, "route_base"))
    base = base or _attribute(project, class_, "route_base")
    if base is None:
        name = class_.name
        base = (name.removesuffix("View") or name).lower()
    return joined(prefix, f"/{base.strip('/')}")


def _classful_rules(
    project: Project, own: Class, name: str, statement: Stmt
) -> Iterator[tuple[tuple[str, ...], str]]:
    routes = [
        d for _, d in statement[6] if type(d) is tuple and d[0] == CALL and _last(d[2]) == "route"
    ]
    for call in routes:
        path = string_of(project, own.module, call[3][0] if call[3] else keyword(call, "rule"))
        if path is not None:
            methods = literal_strings(keyword(call, "methods")) or ("GET",)
            yield tuple(sorted(m.upper() for m in methods)), path
    if routes:
        return
    if name in _VERBS:
        verb, path = _VERBS[name]
        names = [p[0] for p in statement[4] if p[3] == ""][1:]
        if path != "/" and names:
            path = "".join(f"/<{n}>" for n in names)
        yield (verb,), path


def _last(name: Expr) -> str:
    return name.rpartition(".")[2] if type(name) is str else ""
