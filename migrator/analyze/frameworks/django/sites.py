"""The pages of Django's admin: of each site, and of each model that is registered with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from migrator.analyze.frameworks.django.admin import DEFAULT_SITE, Admin, Registered
from migrator.analyze.frameworks.django.patterns import Found, Patterns, Where
from migrator.analyze.project.modules import Module
from migrator.model.graph import EntryPoint

_PAGES = (
    ("changelist", "", ("GET", "POST")),
    ("add", "add/", ("GET", "POST")),
    ("change", "<path:object_id>/change/", ("GET", "POST")),
    ("delete", "<path:object_id>/delete/", ("POST",)),
    ("history", "<path:object_id>/history/", ("GET",)),
)
_OF_USERS = ("auth_user_password_change", "<id>/password/", ("GET", "POST"))
_OF_SITE = (
    ("index", "", ("GET",)),
    ("login", "login/", ("GET", "POST")),
    ("logout", "logout/", ("POST",)),
    ("password_change", "password_change/", ("GET", "POST")),
    ("password_change_done", "password_change/done/", ("GET",)),
    ("autocomplete", "autocomplete/", ("GET",)),
    ("jsi18n", "jsi18n/", ("GET",)),
    ("view_on_site", "r/<path:content_type_id>/<path:object_id>/", ("GET",)),
    ("app_list", "<app_label>/", ("GET",)),
)


class Sites:
    """Which admin sites there are; a site is known by what its name is resolved to."""

    def __init__(self, admin: Admin, patterns: Patterns) -> None:
        self.admin, self.patterns = admin, patterns
        self.project = patterns.project

    @property
    def first_registered(self) -> tuple[Module, int] | None:
        """Where the first model is registered with Django's own site."""
        for one, _ in self._registered(DEFAULT_SITE[0], Where()):
            return self.project.modules[one.module], one.line
        return None

    def knows(self, owner: str) -> bool:
        """Whether a resolved name is an admin site."""
        return owner in DEFAULT_SITE or self.admin.site_class(owner) is not None

    def routes(self, owner: str, where: Where) -> Iterator[EntryPoint]:
        """The pages that Django makes: of the site, where its class is the monolith's, and of the
        models registered with it."""
        cls = self.admin.site_class(owner)
        class_ = self.project.classes.get(cls) if cls is not None else None
        definition = self.project.names.definition_of(cls)
        if class_ is not None and definition is not None:
            for page, tail, methods in _OF_SITE:
                yield from _points(page, where.below(tail), methods, definition, class_.line)
        for one, below in self._registered(owner, where):
            model = self.admin.objects.models[one.model]
            shown = self.project.names.definition_of(one.admin or one.model)
            if shown is None:
                continue
            head = f"{model.label}_{model.name.lower()}"
            for page, tail, methods in _PAGES:
                yield from _points(f"{head}_{page}", below.below(tail), methods, shown, one.line)
            if self._shows_users(one.admin):
                page, tail, methods = _OF_USERS
                yield from _points(page, below.below(tail), methods, shown, one.line)

    def patterns_of(self, owner: str, where: Where) -> Iterator[Found]:
        """What ``get_urls`` of the site's class and of the admin classes adds."""
        cls = self.admin.site_class(owner)
        where = replace(where, namespace="admin")
        if cls is not None:
            yield from self.patterns.of_method(cls, "get_urls", where)
        for one, below in self._registered(owner, where):
            if one.admin is not None:
                yield from self.patterns.of_method(one.admin, "get_urls", below)

    def _registered(self, owner: str, where: Where) -> Iterator[tuple[Registered, Where]]:
        for one in self.admin.registered:
            site = one.site if self.admin.site_class(one.site) is not None else ""
            if site != (owner if self.admin.site_class(owner) is not None else ""):
                continue
            model = self.admin.objects.models[one.model]
            if one.admin is not None or not model.library:
                yield one, where.below(f"{model.label}/{model.name.lower()}/")

    def _shows_users(self, admin: str | None) -> bool:
        foreign = self.project.classes.foreign(admin) if admin is not None else ()
        return "django.contrib.auth.admin.UserAdmin" in foreign


def _points(
    page: str, where: Where, methods: tuple[str, ...], definition: str, line: int
) -> Iterator[EntryPoint]:
    url = f"/{where.prefix}".replace("//", "/")
    for method in methods:
        yield EntryPoint("route", f"admin:{page}", method, url, definition, line)
