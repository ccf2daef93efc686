"""Django's admin: which classes show which model, what it does to the tables, and its routes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from migrator.analyze.facts.shape import CALL, LIST, STR, TUPLE, Expr
from migrator.analyze.frameworks.django.objects import Objects
from migrator.analyze.frameworks.protocol import At
from migrator.analyze.infer.values import Value, options
from migrator.analyze.infer.world import World
from migrator.analyze.project.project import Project
from migrator.analyze.project.search import calls, decorated
from migrator.analyze.project.walk import calls_in, keyword, owner_of
from migrator.model.graph import EntryPoint

_REGISTER = ("django.contrib.admin.register", "django.contrib.admin.decorators.register")
_PAGES = (
    ("changelist", "", ("GET", "POST")),
    ("add", "add/", ("GET", "POST")),
    ("change", "<path:object_id>/change/", ("GET", "POST")),
    ("delete", "<path:object_id>/delete/", ("POST",)),
    ("history", "<path:object_id>/history/", ("GET",)),
)


@dataclass(frozen=True, slots=True)
class Registered:
    """`admin` is the class that shows `model`; None where Django's own does."""

    model: str
    admin: str | None
    line: int


class Admin:
    """What is registered; `named` tells the model that a value is. `resolved` are routes, by
    definition and line, that a class makes for its own pages."""

    def __init__(
        self, project: Project, objects: Objects, world: World,
        named: Callable[[Value | None], str | None],
    ) -> None:  # fmt: skip
        self.project, self.objects = project, objects
        self.world, self.named = world, named
        self.resolved: set[tuple[str, int]] = set()
        self.registered: list[Registered] = [*self._decorated(), *self._called()]
        self._models: dict[str, set[str]] = {}
        for one in self.registered:
            if one.admin is not None:
                self._models.setdefault(one.admin, set()).add(one.model)

    def _decorated(self) -> Iterator[Registered]:
        """``@admin.register(Post, Page)``."""
        for one in decorated(self.project):
            decorator = one.decorator
            if type(decorator) is not tuple or decorator[0] != CALL:
                continue
            if self.project.resolved(one.module.name, decorator[2]) in _REGISTER:
                for model in self._named(one.module.name, decorator[3]):
                    yield Registered(model, f"{one.module.name}:{one.statement[3]}", one.line)

    def _called(self) -> Iterator[Registered]:
        """``admin.site.register(Post, PostAdmin)``, also of a site of the monolith's own."""
        for found in calls(self.project, ("register",)):
            owner, call = owner_of(found.call[2]), found.call
            if type(owner) is not str or not owner.endswith("site") or not call[3]:
                continue
            first = call[3][0]
            many = first[1] if type(first) is tuple and first[0] in (LIST, TUPLE) else (first,)
            shown = keyword(call, "admin_class") or (call[3][1] if len(call[3]) > 1 else None)
            admin = None
            if type(shown) is str:
                admin = self.project.names.resolve(found.module.name, shown, found.local)
            for model in self._named(found.module.name, many, found.local):
                own = admin if admin and self.project.classes.get(admin) else None
                yield Registered(model, own, call[1])

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

    # --- routes ----------------------------------------------------------------------------------

    def routes(self, prefix: str) -> Iterator[EntryPoint]:
        """The pages of every registered model, below `prefix`."""
        for one in self.registered:
            model = self.objects.models[one.model]
            if one.admin is None and model.library:
                continue
            definition = self.project.names.definition_of(one.admin or one.model)
            if definition is None:
                continue
            name = model.name.lower()
            head = f"/{prefix}{model.label}/{name}/"
            for page, tail, methods in _PAGES:
                for method in methods:
                    full = f"admin:{model.label}_{name}_{page}"
                    yield EntryPoint("route", full, method, head + tail, definition, one.line)
            for tail, full, line in self._own_urls(one.admin):
                self.resolved.add((definition, line))
                yield EntryPoint("route", full, "GET", head + tail, definition, line)

    def _own_urls(self, admin: str | None) -> Iterator[tuple[str, str, int]]:
        """(URL, name, line) of ``path("export/", …)`` in ``get_urls`` of an admin class."""
        found = self.project.classes.find(admin, "get_urls") if admin else None
        if found is None or found[1][0] != "def":
            return
        for call in calls_in(self.project.block(self.project.method(*found))):
            last = call[2].rpartition(".")[2] if type(call[2]) is str else ""
            written = call[3][0] if call[3] else None
            if last == "path" and type(written) is tuple and written[0] == STR:
                name = keyword(call, "name")
                told = name[1] if type(name) is tuple and name[0] == STR else admin or ""
                yield written[1], f"admin:{told.rpartition(':')[2]}", call[1]
