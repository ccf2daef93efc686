"""Routes of ``urls.py``: ``path``, ``re_path``, ``url``, ``include`` with namespaces, routers."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.analyze.frameworks.django.admin import DEFAULT_SITE, Admin
from migrator.analyze.frameworks.django.patterns import Found, Hung, Page, Patterns, Where
from migrator.analyze.frameworks.django.rest import Rest
from migrator.analyze.frameworks.django.scopes import Scope, Scopes
from migrator.analyze.frameworks.django.sites import Sites
from migrator.analyze.frameworks.django.views import Views
from migrator.analyze.project.calls import Found as FoundCall
from migrator.analyze.project.constants import hole
from migrator.analyze.project.modules import Module
from migrator.analyze.project.search import named_calls
from migrator.analyze.schema import Schema
from migrator.model.graph import EntryPoint, Unresolved

_PATHS = {"path", "re_path", "url"}


class Routes:
    """Follows the root URL configuration down; where no settings name one, every list that
    nothing includes. A list that a function makes hangs at a hole, that of its class or
    function, and so does a list that nothing known includes, if what others include is not all
    known."""

    def __init__(self, scopes: Scopes, schema: Schema, admin: Admin) -> None:
        self.scopes, self.project, self.schema = scopes, scopes.project, schema
        self.patterns = Patterns(scopes)
        self.views = Views(scopes)
        self.rest = Rest(scopes.project, schema)
        self._has_admin = self._includes_unknown = False
        self._told: set[Unresolved] = set()
        self.sites = Sites(admin, self.patterns)
        self.patterns.hangs = self._hangs

    def read(self) -> Iterator[EntryPoint]:
        modules = self.project.defining("urlpatterns")
        for module in modules:  # only to see who includes whom
            list(self.patterns.of_module(module.name, Where()))
        roots = [self.project.modules[r] for r in self._roots()]
        if not roots:
            roots = [m for m in modules if m.name not in self.patterns.included]
        self.patterns.included = {r.name for r in roots}
        self.patterns.read.clear()
        seen: dict[EntryPoint, None] = {}
        for module in roots:
            seen.update(dict.fromkeys(self._points(self.patterns.of_module(module.name, Where()))))
        yield from seen
        if not self._roots() and not self._has_admin:
            yield from self._admin()
        known = {(p.definition, p.line, p.method) for p in seen}
        for point in (*self._unincluded(modules), *self._made_by_functions()):
            if (point.definition, point.line, point.method) not in known:
                yield point

    def _roots(self) -> list[str]:
        texts = self.scopes.settings.texts("ROOT_URLCONF")
        return [t for t in texts if t in self.project.modules]

    def _admin(self) -> Iterator[EntryPoint]:
        """The pages of Django's own site where a root outside of the tree is to hang it."""
        first = self.sites.first_registered
        if first is not None:
            module, line = first
            self._unknown(module, line, "admin.site.urls", "nothing that is known includes them")
            where = Where(hole(f"{DEFAULT_SITE[0]}.urls"))
            yield from self._points(iter([Hung(where, DEFAULT_SITE[0])]))

    def _unincluded(self, modules: list[Module]) -> Iterator[EntryPoint]:
        left = [m for m in modules if m.name not in self.patterns.included]
        reached = set(self.patterns.included)
        for module in left:  # again, to see who of them is included by another
            list(self.patterns.of_module(module.name, Where()))
        tops = [m for m in left if m.name not in self.patterns.included] or left
        self.patterns.included |= reached
        may_be_reached = self._includes_unknown or any(True for _ in self._unread())
        for module in tops:
            self._unknown(module, 1, "urlpatterns", "nothing that is known includes them")
            if may_be_reached:
                where = Where(hole(module.name))
                yield from self._points(self.patterns.of_module(module.name, where))

    def _unread(self) -> Iterator[FoundCall]:
        """Calls of ``path`` inside functions (``get_urls``) that nothing known calls."""
        for found in named_calls(self.project, _PATHS):
            if (found.module.name, found.call[1]) in self.patterns.read:
                continue
            fact = self.project.names.definition(found.definition)
            if fact is not None and fact.kind != "variable" and self._is_route(found):
                yield found

    def _made_by_functions(self) -> Iterator[EntryPoint]:
        for found in self._unread():
            why = "it is made by a function; its prefix is not known"
            self._unknown(found.module, found.call[1], "route", why)
            where = Where(hole(found.definition.replace(":", ".")))
            yield from self._points(self.patterns.of(self._scope(found), found.call, where))

    def _scope(self, found: FoundCall) -> Scope:
        """The function or method that a call stands in."""
        class_ = self.project.classes.get(found.definition)
        if class_ is None:
            code = self.project.function(found.definition)
            return self.scopes.inside(code) if code is not None else Scope(found.module)
        for statement in (s for of in class_.members.values() for s in of if s[0] == "def"):
            if statement[1] <= found.call[1] <= statement[2]:
                return self.scopes.inside(self.project.method(class_, statement), class_.id)
        return Scope(found.module, class_.id, class_.id)

    def _is_route(self, found: FoundCall) -> bool:
        func = found.call[2]
        resolved = (
            self.project.names.resolve(found.module.name, func, found.local)
            if type(func) is str
            else None
        )
        return bool(resolved and resolved.startswith(("django.urls", "django.conf.urls")))

    # --- what patterns lead to -------------------------------------------------------------------

    def _points(self, found: Iterator[Found]) -> Iterator[EntryPoint]:
        for one in found:
            if isinstance(one, Page):
                yield from self._page(one)
            elif isinstance(one, Hung):
                yield from self._hung(one)
            else:
                self._includes_unknown |= one.lost
                self._unknown(one.scope.module, one.line, one.what, one.why)

    def _page(self, page: Page) -> Iterator[EntryPoint]:
        target, owner = self.views.find(page.scope, page.view)
        url = f"/{page.where.prefix}".replace("//", "/")
        if target is None:
            self._unknown(page.scope.module, page.line, f"route {url}", "its view is not known")
            return
        if not target:
            return
        full = ":".join(n for n in (page.where.namespace, page.name or owner) if n)
        for method in self.views.methods(target, page.view):
            yield EntryPoint("route", full, method, url, target, page.line)

    def _hung(self, hung: Hung) -> Iterator[EntryPoint]:
        if hung.owner in self.rest.routers:
            yield from self.rest.routes(hung.owner, hung.where)
        else:
            self._has_admin |= hung.owner in DEFAULT_SITE
            yield from self.sites.routes(hung.owner, hung.where)
            yield from self._points(self.sites.patterns_of(hung.owner, hung.where))

    def _hangs(self, target: str) -> bool:
        return target in self.rest.routers or self.sites.knows(target)

    def _unknown(self, module: Module, line: int, what: str, why: str) -> None:
        told = Unresolved(module.path, line, what, why)
        if told not in self._told:
            self._told.add(told)
            self.schema.unresolved.append(told)
