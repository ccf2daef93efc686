"""Django's admin: which classes show which model, and what it does to the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from migrator.analyze.facts.shape import CALL, LIST, TUPLE, Expr
from migrator.analyze.frameworks.django.objects import Objects
from migrator.analyze.frameworks.django.pages import Pages
from migrator.analyze.frameworks.protocol import At
from migrator.analyze.infer.values import Instance, Value, options
from migrator.analyze.infer.world import World
from migrator.analyze.project.project import Project
from migrator.analyze.project.search import calls, decorated
from migrator.analyze.project.walk import keyword, owner_of

_REGISTER = ("django.contrib.admin.register", "django.contrib.admin.decorators.register")
DEFAULT_SITE = ("django.contrib.admin.site", "django.contrib.admin.sites.site")


@dataclass(frozen=True, slots=True)
class Registered:
    """`admin` is the class that shows `model`, None where Django's own does; `site` what the name
    of the site is resolved to, "" where it is not. It is registered at `line` of `module`."""

    model: str
    admin: str | None
    module: str
    line: int
    site: str


class Admin:
    """What is registered; `named` tells the model that a value is. `acting` are the actions that
    classes list, with the models of these."""

    def __init__(
        self, project: Project, objects: Objects, world: World,
        named: Callable[[Value | None], str | None],
    ) -> None:  # fmt: skip
        self.project, self.objects = project, objects
        self.world, self.named = world, named
        self._sites: dict[str, str | None] = {}
        self.pages = Pages(project, objects, self.model)
        self.registered: list[Registered] = [*self._decorated(), *self._called()]
        self._models: dict[str, set[str]] = {}
        for one in self.registered:
            if one.admin is not None:
                self._models.setdefault(one.admin, set()).add(one.model)
        self.acting: dict[str, set[str]] = {}
        for cls, models in self._models.items():
            for function in self.pages.names(cls, "actions"):
                self.acting.setdefault(function, set()).update(models)

    def _decorated(self) -> Iterator[Registered]:
        """``@admin.register(Post, Page)``."""
        for one in decorated(self.project):
            decorator = one.decorator
            if type(decorator) is not tuple or decorator[0] != CALL:
                continue
            if self.project.resolved(one.module.name, decorator[2]) in _REGISTER:
                written = keyword(decorator, "site")
                site = self.project.resolved(one.module.name, written) if written else ""
                admin = f"{one.module.name}:{one.statement[3]}"
                for model in self._named(one.module.name, decorator[3]):
                    yield Registered(model, admin, one.module.name, one.line, site)

    def _called(self) -> Iterator[Registered]:
        """``admin.site.register(Post, PostAdmin)``, also of a site of the monolith's own."""
        for found in calls(self.project, ("register",)):
            owner, call = owner_of(found.call[2]), found.call
            if type(owner) is not str or not call[3]:
                continue
            site = self.project.names.resolve(found.module.name, owner, found.local) or ""
            if not owner.endswith("site") and self.site_class(site) is None:
                continue
            first = call[3][0]
            many = first[1] if type(first) is tuple and first[0] in (LIST, TUPLE) else (first,)
            shown = keyword(call, "admin_class") or (call[3][1] if len(call[3]) > 1 else None)
            admin = None
            if type(shown) is str:
                admin = self.project.names.resolve(found.module.name, shown, found.local)
            for model in self._named(found.module.name, many, found.local):
                own = admin if admin and self.project.classes.get(admin) else None
                yield Registered(model, own, found.module.name, call[1], site)

    def site_class(self, site: str) -> str | None:
        """The monolith's own class of a site, by what its name is resolved to; None where it is
        Django's, or no site."""
        if site not in self._sites:
            value = self.world.value_of(site) if ":" in site else None
            own = value.cls if type(value) is Instance else None
            foreign = self.project.classes.foreign(own) if own is not None else ()
            is_site = any(f.endswith("AdminSite") for f in foreign)
            self._sites[site] = own if is_site else None
        return self._sites[site]

    def _named(
        self, module: str, written: tuple[Expr, ...], local: dict[str, str] | None = None
    ) -> Iterator[str]:
        for expr in written:
            target = (local or {}).get(expr) if type(expr) is str else None
            value = (
                self.world.value_of(self.project.names.absolute(target))
                if target is not None
                else self.world.at_module(module, expr)
            )
            for option in options(value):
                model = self.named(option)
                if model is not None:
                    yield model

    # --- what a class shows ----------------------------------------------------------------------

    def model(self, cls: str) -> str | None:
        """The model whose rows an admin class, or an inline, shows; the one of the classes below
        where all show the same."""
        class_ = self.project.classes.get(cls)
        if class_ is None:
            return None
        for above in self.project.classes.ancestors(cls):
            written = above.value("model")
            if written is not None:
                for option in options(self.world.at_module(above.module.name, written)):
                    if (found := self.named(option)) is not None:
                        return found
        shown = set(self._models.get(cls, ()))
        if not shown:
            for below in self.project.classes.below.get(cls, ()):
                shown |= self._models.get(below, set())
        return next(iter(shown)) if len(shown) == 1 else None

    def body(self, at: At, cls: str, line: int, *, inline: bool) -> None:
        """What the admin does for a class that is registered, or stands on the page of one."""
        models = self._models.get(cls, set())
        if inline and (model := self.model(cls)) is not None:
            models = {model}
        for model in sorted(models):
            self.objects.may(at, model, line, ("read", "insert", "update", "delete"))
            self.pages.told(at, cls, self.objects.models[model], line)
