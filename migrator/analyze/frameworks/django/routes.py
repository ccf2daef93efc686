"""Routes of ``urls.py``: ``path``, ``re_path``, ``url``, ``include`` with namespaces, routers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from migrator.analyze.facts.shape import AUG, CALL, LIST, OP, SET, STAR, STR, TUPLE, Expr
from migrator.analyze.frameworks.django.admin import Admin
from migrator.analyze.frameworks.django.meta import constant_text
from migrator.analyze.frameworks.django.rest import Rest
from migrator.analyze.frameworks.django.settings import DjangoSettings
from migrator.analyze.project.calls import Found
from migrator.analyze.project.classes import flat
from migrator.analyze.project.dynamic import literal_strings
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.project.search import calls, decorated
from migrator.analyze.project.walk import keyword
from migrator.analyze.schema import Schema
from migrator.model.graph import EntryPoint, Unresolved

_PATHS = {"path", "re_path", "url"}
_DEEPEST = 12
_NAMED = re.compile(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)")
_ONLY = {
    "require_POST": ("POST",), "require_GET": ("GET",), "require_safe": ("GET",),
}  # fmt: skip
_VERBS = ("get", "post", "put", "patch", "delete")
_POSTING = {
    "CreateView", "UpdateView", "DeleteView", "FormView", "FormMixin", "ProcessFormView",
    "BaseCreateView", "BaseUpdateView", "BaseDeleteView",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Where:
    """How a list of patterns is reached."""

    prefix: str = ""
    namespace: str = ""
    depth: int = 0

    def below(self, part: str, namespace: str | None) -> Where:
        names = [n for n in (self.namespace, namespace) if n]
        return Where(self.prefix + part, ":".join(names), self.depth + 1)


class Routes:
    """Follows the root URL configuration down; where no settings name one, every list that
    nothing includes."""

    def __init__(
        self, project: Project, schema: Schema, settings: DjangoSettings, admin: Admin
    ) -> None:  # fmt: skip
        self.project, self.schema, self.settings = project, schema, settings
        self.admin = admin
        self.rest = Rest(project)
        self._included: set[str] = set()
        self._decorators: dict[str, list[tuple[str, Expr]]] = {}
        for one in decorated(project):
            written = one.decorator
            func = written[2] if type(written) is tuple and written[0] == CALL else written
            if type(func) is str:
                row = (func.rpartition(".")[2], written)
                self._decorators.setdefault(one.definition, []).append(row)

    def read(self) -> Iterator[EntryPoint]:
        modules = self.project.defining("urlpatterns")
        told = len(self.schema.unresolved)
        for module in modules:
            list(self._module(module, Where()))
        del self.schema.unresolved[told:]  # that walk was only to see who includes whom
        roots = [self.project.modules[r] for r in self._roots()]
        if not roots:
            roots = [m for m in modules if m.name not in self._included]
        seen: dict[EntryPoint, None] = {}
        self._included = {r.name for r in roots}
        for module in roots:
            seen.update(dict.fromkeys(self._module(module, Where())))
        yield from seen
        for module in modules:
            if module.name not in self._included:
                self._unknown(module, 1, "urlpatterns", "nothing that is known includes them")
        self._made_by_methods()

    def _roots(self) -> list[str]:
        return [t for t in self.settings.texts("ROOT_URLCONF") if t in self.project.modules]

    def _module(self, module: Module, where: Where) -> Iterator[EntryPoint]:
        yield from self._variable(module, "urlpatterns", where)

    def _variable(self, module: Module, name: str, where: Where) -> Iterator[EntryPoint]:
        for statement in flat(module.facts.interface.body):
            assigned = statement[0] == SET and name in statement[2]
            if assigned or (statement[0] == AUG and statement[2] == name):
                yield from self._patterns(module, statement[3], where)
            elif statement[0] == "do" and type(statement[2]) is tuple:
                call = statement[2]
                if call[0] == CALL and call[2] in (f"{name}.append", f"{name}.extend"):
                    for argument in call[3]:
                        yield from self._patterns(module, argument, where)

    def _patterns(self, module: Module, expr: Expr, where: Where) -> Iterator[EntryPoint]:
        if where.depth > _DEEPEST:
            return
        if type(expr) is str:
            yield from self._named(module, expr, where)
            return
        if type(expr) is not tuple:
            return
        tag = expr[0]
        if tag in (LIST, TUPLE):
            for item in expr[1]:
                yield from self._patterns(module, item, where)
        elif tag == OP and expr[1] == "+":
            yield from self._patterns(module, expr[2], where)
            yield from self._patterns(module, expr[3], where)
        elif tag == STAR:
            yield from self._patterns(module, expr[1], where)
        elif tag == CALL:
            yield from self._call(module, expr, where)

    def _named(self, module: Module, dotted: str, where: Where) -> Iterator[EntryPoint]:
        """``router.urls``, or a list under another name."""
        if dotted.endswith(".urls"):
            target = self.project.resolve(module.name, dotted.removesuffix(".urls"))
            if target is not None and target in self.rest.routers:
                yield from self.rest.routes(target, where.prefix, where.namespace)
            return
        target = self.project.resolve(module.name, dotted) or ""
        home, _, name = target.partition(":")
        if home in self.project.modules and name:
            deeper = replace(where, depth=where.depth + 1)
            yield from self._variable(self.project.modules[home], name, deeper)

    def _call(self, module: Module, call: Expr, where: Where) -> Iterator[EntryPoint]:
        func = call[2] if type(call[2]) is str else ""
        last = func.rpartition(".")[2]
        if last in _PATHS:
            yield from self._path(module, call, last, where)
        elif last == "i18n_patterns":
            deeper = where.below("<language>/", None)
            for argument in call[3]:
                yield from self._patterns(module, argument, deeper)
        elif last in ("format_suffix_patterns", "staff_member_required", "decorator_include"):
            for argument in call[3][:1]:
                yield from self._patterns(module, argument, where)

    def _path(self, module: Module, call: Expr, kind: str, where: Where) -> Iterator[EntryPoint]:
        args = call[3]
        written = args[0] if args else keyword(call, "route") or keyword(call, "regex")
        view = args[1] if len(args) > 1 else keyword(call, "view")
        texts = _route_texts(written)
        if texts is None and written is not None:
            texts = constant_text(self.project, module.name, written)
        if texts is None:
            self._unknown(module, call[1], "route", "its URL is computed")
            return
        part = texts if kind == "path" else plain(texts)
        if type(view) is tuple and view[0] == CALL and _last(view[2]) == "include":
            yield from self._include(module, view, part, where)
            return
        if type(view) is tuple and view[0] == TUPLE and view[1]:
            yield from self._patterns(module, view[1][0], where.below(part, None))
            return
        if type(view) is str and view.endswith("site.urls"):
            yield from self.admin.routes(where.prefix + part)
            return
        name = _text(keyword(call, "name") or (args[3] if len(args) > 3 else None))
        target, owner = self._view(module, view)
        if target is None:
            self._unknown(module, call[1], f"route {part or '/'}", "its view is not known")
            return
        full = ":".join(n for n in (where.namespace, name or owner) if n)
        url = f"/{where.prefix}{part}".replace("//", "/")
        for method in self._methods(target, view):
            yield EntryPoint("route", full, method, url, target, call[1])

    def _include(self, module: Module, call: Expr, part: str, where: Where) -> Iterator[EntryPoint]:
        given = call[3][0] if call[3] else keyword(call, "arg")
        namespace = _text(keyword(call, "namespace"))
        if type(given) is tuple and given[0] == TUPLE and given[1]:
            if len(given[1]) > 1:
                namespace = namespace or _text(given[1][1])
            given = given[1][0]
        written = _text(given)
        target = written if written is not None else None
        if target is None and type(given) is str:
            resolved = self.project.resolve(module.name, given) or given
            target = resolved if resolved in self.project.modules else None
        if target is not None:
            below = self.project.modules.get(target)
            if below is None:
                return  # another package's
            self._included.add(below.name)
            namespace = namespace or self._app_name(below)
            yield from self._module(below, where.below(part, namespace))
            return
        if type(given) is tuple and given[0] == CALL:
            self._unknown(
                module, call[1], f"include at {part or '/'}", "what it includes is computed"
            )
            return
        yield from self._patterns(module, given, where.below(part, namespace))

    def _app_name(self, module: Module) -> str | None:
        fact = self.project.names.definition(f"{module.name}:app_name")
        for statement in fact.statements if fact else ():
            if statement[0] == SET:
                return _text(statement[3])
        return None

    # --- views -----------------------------------------------------------------------------------

    def _view(self, module: Module, view: Expr) -> tuple[str | None, str]:
        """The definition behind a view, through ``as_view()`` and decorators, and its name."""
        for _ in range(6):
            if type(view) is tuple and view[0] == CALL:
                func = view[2]
                if type(func) is str and func.endswith(".as_view"):
                    view = func.removesuffix(".as_view")
                elif type(func) is tuple and func[0] == CALL and view[3]:
                    view = view[3][0]  # login_required(url=…)(view)
                elif view[3]:
                    view = view[3][0]
                else:
                    view = func  # an object of a view's class
            else:
                break
        if type(view) is tuple and view[0] == STR:
            view = view[1]  # the dotted names of old
            return self.project.names.definition_of(self.project.names.absolute(view)), view
        if type(view) is not str:
            return None, ""
        target = self.project.resolve(module.name, view)
        return self.project.names.definition_of(target), view.rpartition(".")[2]

    def _methods(self, target: str, view: Expr) -> tuple[str, ...]:
        if target in self.project.classes.by_id:
            mapped = view[3][0] if type(view) is tuple and view[0] == CALL and view[3] else None
            if type(mapped) is tuple and mapped[0] == "dict":  # ViewSet.as_view({"get": "list"})
                return tuple(t.upper() for k in mapped[1] if (t := _text(k)) is not None)
            return self._verbs(target)
        for last, written in self._decorators.get(target, ()):
            if last in _ONLY:
                return _ONLY[last]
            if last in ("require_http_methods", "api_view") and type(written) is tuple:
                texts = literal_strings(written[3][0]) if written[3] else None
                return tuple(sorted(t.upper() for t in texts)) if texts else ("GET",)
        return ("GET", "POST") if self._posts(target) else ("GET",)

    def _verbs(self, target: str) -> tuple[str, ...]:
        own = {
            name
            for class_ in self.project.classes.ancestors(target)
            for name in class_.members
            if name in _VERBS
        }
        kinds = {f.rpartition(".")[2] for f in self.project.classes.foreign(target)}
        if kinds & _POSTING:
            own |= {"get", "post"}
        return tuple(sorted(v.upper() for v in own)) or ("GET",)

    def _posts(self, target: str) -> bool:
        """Whether a function looks at what was posted."""
        module, _, name = target.partition(":")
        self.project.asked.opened.add(target)
        facts = self.project.modules[module].facts
        for index, fact in enumerate(facts.interface.definitions):
            if fact.name == name:
                uses = facts.detail.uses[index]
                return any(
                    u.dotted.startswith(("request.POST", "request.method", "request.FILES"))
                    for u in uses
                )
        return False

    # --- what is not followed --------------------------------------------------------------------

    def _made_by_methods(self) -> None:
        """Patterns inside functions (``get_urls``): where they hang is up to who calls them."""
        for found in calls(self.project, _PATHS):
            if (found.definition, found.call[1]) in self.admin.resolved:
                continue
            if self._is_route(found) and not found.definition.endswith((":", ":urlpatterns")):
                fact = self.project.names.definition(found.definition)
                if fact is not None and fact.kind != "variable":
                    why = "it is made by a function; its prefix is not known"
                    self._unknown(found.module, found.call[1], "route", why)

    def _is_route(self, found: Found) -> bool:
        func = found.call[2]
        resolved = (
            self.project.names.resolve(found.module.name, func, found.local)
            if type(func) is str
            else None
        )
        return bool(resolved and resolved.startswith(("django.urls", "django.conf.urls")))

    def _unknown(self, module: Module, line: int, what: str, why: str) -> None:
        self.schema.unresolved.append(Unresolved(module.path, line, what, why))


def plain(regex: str) -> str:
    """A regular expression as a URL: named groups as ``<name>``, anchors gone."""
    named = _NAMED.sub(lambda m: f"<{m.group(1)}>", regex)
    return named.replace("^", "").replace("$", "").replace("\\Z", "").replace("\\", "")


def _route_texts(expr: Expr) -> str | None:
    if type(expr) is tuple and expr[0] == CALL and expr[3]:
        return _route_texts(expr[3][0])  # gettext_lazy("about/")
    if type(expr) is tuple and expr[0] == OP and expr[1] == "+":
        left, right = _route_texts(expr[2]), _route_texts(expr[3])
        return left + right if left is not None and right is not None else None
    return _text(expr)


def _text(expr: Expr) -> str | None:
    return expr[1] if type(expr) is tuple and expr and expr[0] == STR else None


def _last(func: Expr) -> str:
    return func.rpartition(".")[2] if type(func) is str else ""
