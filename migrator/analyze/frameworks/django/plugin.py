"""Django as the interpreter sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from migrator.analyze.frameworks.django import formsets, requests, trees, untold, validation
from migrator.analyze.frameworks.django.admin import Admin
from migrator.analyze.frameworks.django.bound import CHOICES, choice
from migrator.analyze.frameworks.django.expressions import every, lookup
from migrator.analyze.frameworks.django.fixtures import Commands
from migrator.analyze.frameworks.django.forms import Forms
from migrator.analyze.frameworks.django.handed import Handed
from migrator.analyze.frameworks.django.library import canonical
from migrator.analyze.frameworks.django.managers import Managers
from migrator.analyze.frameworks.django.models import Models
from migrator.analyze.frameworks.django.objects import Listeners, Objects
from migrator.analyze.frameworks.django.points import commands, marks, signals
from migrator.analyze.frameworks.django.queries import Queries
from migrator.analyze.frameworks.django.receivers import receivers
from migrator.analyze.frameworks.django.references import Reference
from migrator.analyze.frameworks.django.routes import Routes
from migrator.analyze.frameworks.django.scopes import Scopes
from migrator.analyze.frameworks.django.settings import Apps, DjangoSettings, read_settings
from migrator.analyze.frameworks.django.signals import SENDS, listening, sending
from migrator.analyze.frameworks.django.tables import Tables
from migrator.analyze.frameworks.django.users import has, only_users
from migrator.analyze.frameworks.django.values import (
    NAME,
    NEW,
    AppRef,
    Choice,
    Form,
    Query,
    SignalRef,
    class_value,
    query_of,
)
from migrator.analyze.frameworks.protocol import At, Framework
from migrator.analyze.infer.values import (
    Call,
    ClassRef,
    External,
    Instance,
    Many,
    Method,
    Text,
    Value,
    options,
)
from migrator.analyze.infer.world import World
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Model, Schema
from migrator.model.graph import AccessMode, Dependency, EntryPoint

_SETTINGS = "django.conf.settings"
_GET = ("get_object_or_404", "get_list_or_404", "aget_object_or_404", "aget_list_or_404")
_SESSIONS: dict[str, AccessMode] = {
    "django.contrib.auth.login": "update", "django.contrib.auth.authenticate": "read",
}  # fmt: skip
_PERMISSIONS = ("has_perm", "has_perms", "has_module_perms", "get_all_permissions")
_BACKENDS = "what permissions are read from is up to the authentication backends"
_EXPRESSIONS = ("django.db.models.", "django.contrib.postgres.", "django.contrib.gis.db.models.")


class Django(Framework):
    """Models, managers, querysets and what Django calls by itself."""

    name: ClassVar[str] = NAME
    packages: ClassVar[tuple[str, ...]] = ("django", "rest_framework", "swapper")
    rows_by_name: ClassVar[bool] = True

    def __init__(self) -> None:
        self.settings = DjangoSettings()
        self.models: Models | None = None
        self.handed: Handed | None = None
        self.sent: dict[str, list[str]] = {}

    def declare(self, project: Project, schema: Schema) -> None:
        if not project.imports("django"):
            return
        self.settings = read_settings(project)
        apps = self.apps = Apps(project, schema, self.settings)
        world = World(project, schema, [self])
        if not self.settings.texts("AUTH_USER_MODEL"):
            users = only_users(project, apps)
            self.settings.values["AUTH_USER_MODEL"] = [users] if users else []
        models = Models(project, schema, self.settings, apps, Reference(world))
        models.read()
        tables = Tables(models, schema)
        tables.write()
        self.models = models
        managers = Managers(project, models)
        for class_ in managers.used:
            schema.claims.setdefault(class_, NAME)
        listeners = Listeners()
        self.objects = Objects(project, models.by_id, managers, listeners, models.histories)
        self.queries = Queries(self.objects)
        self.forms = Forms(project, self.objects)
        for id_ in (*self.objects.stands, *filter(self.forms.sort, project.classes.by_id)):
            schema.claims.setdefault(id_, NAME)
        tables.used_library(project, self._user())
        marks(project, schema)
        requests.declare(project, schema)
        # Without ATOMIC_REQUESTS a request is no transaction: each statement commits itself.
        if not self.settings.true("ATOMIC_REQUESTS") and not project.imports("sqlalchemy"):
            schema.autocommit = True
        scope = World(project, schema, [self])
        self.forms.read_formsets(scope.value_of)
        self.admin = Admin(project, self.objects, scope, self._model_named)
        self.commands = Commands(project, self.objects, schema.row_files)
        self.handed = Handed(project, self.objects, self.forms, self.admin)
        self.handed.receivers |= receivers(project, schema, scope, self._model_named, listeners)
        self.objects.listened()
        self.sent = listening(project)
        for id_ in self.sent:
            schema.names[id_] = SignalRef(id_)

    def entry_points(self, project: Project, schema: Schema) -> Iterable[EntryPoint | Dependency]:
        if self.models is None:
            return
        scopes = Scopes(self.admin.world, self.settings, self.apps)
        yield from Routes(scopes, schema, self.admin).read()
        yield from commands(project)
        yield from signals(project)

    # --- attributes ------------------------------------------------------------------------------

    def attribute(self, at: At, owner: Value, name: str, line: int) -> Value | None:
        if type(owner) is External and owner.name == _SETTINGS:
            return self._setting(name)
        if self.models is None:
            return None
        query = query_of(owner)
        if query is None and type(owner) is Instance:
            query = self._of_one_model(owner)
        if query is not None:
            found = self.queries.attribute(at, query, name, line)
            return found if found is not None else self.objects.custom(query, name)
        if type(owner) is Form:
            return formsets.attribute(owner, name)
        if type(owner) is Choice:
            return owner.query if name == "queryset" else None
        if type(owner) is ClassRef or type(owner) is External:
            return self._of_class(owner, name)
        if type(owner) is Instance:
            return self._of_instance(at, owner, name, line)
        return None

    def _of_one_model(self, owner: Instance) -> Query | None:
        """``self`` in a manager or queryset that serves one model only."""
        served = self.objects.managers.used.get(owner.cls)
        if served is None or len(served) != 1:
            return None
        return Query(next(iter(served)), custom=(owner.cls,))

    def _of_class(self, owner: ClassRef | External, name: str) -> Value | None:
        assert self.models is not None
        model = self._model_named(owner)
        if model is None:
            return None
        known = self.models.by_id[model]
        manager = self.objects.manager(known, name)
        if manager is not None:
            return manager
        field = known.fields.get(name)
        if field is not None and field.sort == "m2m" and field.table is not None:
            return Query(field.target or "", True, relation="m2m", through=field.table)
        return None

    def _of_instance(self, at: At, owner: Instance, name: str, line: int) -> Value | None:
        if self.objects.model_of(owner.cls) is not None:
            if name == "__class__":
                return ClassRef(owner.cls)
            return self.objects.attribute(at, owner, name, line)
        if requests.is_request(owner):
            return requests.attribute(at, name, line, self._user())
        return self.forms.attribute(at, owner, name, line)

    def _setting(self, name: str) -> Value | None:
        texts = self.settings.texts(name)
        if name == "AUTH_USER_MODEL" and not texts:
            return Text("auth.User")
        return Text(texts[0]) if len(texts) == 1 else None

    def _user(self) -> str | None:
        assert self.models is not None
        found = self.models.by_reference.get(self.models.user_model.lower())
        return found.id if found else None

    def _model_named(self, value: Value | None) -> str | None:
        """The model that a class, or the text ``app.Model``, is."""
        assert self.models is not None
        if type(value) is ClassRef:
            return value.cls if value.cls in self.models.by_id else None
        if type(value) is External:
            name = canonical(value.name)
            return name if name in self.models.by_id else None
        if type(value) is Text and value.whole:
            found = self.models.by_reference.get(value.text.lower())
            return found.id if found else None
        return None

    # --- calls -----------------------------------------------------------------------------------

    def call(self, at: At, function: Value, call: Call) -> Value | None:
        if type(function) is External:
            return self._function(at, function, call)
        if self.models is None:
            return None
        if type(function) is Form:
            return formsets.made(self.objects, at, function, call)
        if type(function) is ClassRef:
            return self._made(at, function, call)
        if type(function) is not Method or function.home is not None:
            return None
        owner, name = function.owner, function.name
        query = query_of(owner)
        if query is None and type(owner) is Instance:
            query = self._of_one_model(owner)
        if query is not None:
            return self.queries.call(at, owner, query, name, call)
        if type(owner) is Form:
            return formsets.called(self.objects, at, owner, name, call)
        if type(owner) is SignalRef:
            for handler in self.sent[owner.id] if name in SENDS else ():
                at.sends(handler, sending(call))
            return None
        if type(owner) is AppRef and name == "get_model":
            return self._app_model([Text(owner.label), call.argument(0, "model_name")])
        if type(owner) is ClassRef:
            return trees.called(self.objects, at, owner, name, call)
        if type(owner) is Instance:
            if self.objects.model_of(owner.cls) is not None:
                return self._of_object(at, owner, name, call)
            return self.forms.call(at, owner, name, call)
        return None

    def _made(self, at: At, function: ClassRef, call: Call) -> Value | None:
        assert self.models is not None
        model = self.models.by_id.get(function.cls)
        if model is not None:
            return Instance(function.cls, NEW) if not model.abstract else None
        if self.objects.managers.is_queries(function.cls):
            return self.queries.made(at, function.cls, call)
        return self.forms.made(at, function, call)

    def _of_object(self, at: At, owner: Instance, name: str, call: Call) -> Value | None:
        """Django's own methods of a model's object."""
        name = name[1:] if name in ("asave", "adelete", "arefresh_from_db") else name
        if name in ("save", "save_base"):
            new = True if owner.given == NEW else None if _in_save(at) else False
            self.objects.save(at, owner, call.line, new=new)
        elif name == "delete":
            model = self.objects.model_of(owner.cls)
            assert model is not None
            self.objects.delete(at, model.id, call.line)
        elif name in validation.CHECKS:
            validation.checked(self.objects, at, owner, name, call)
        elif name in _PERMISSIONS:
            at.unresolved(call.line, f"{name}(…)", _BACKENDS)
        elif name == "refresh_from_db":
            model = self.objects.model_of(owner.cls)
            assert model is not None
            self.objects.read(at, Query(model.id), call.line)
        return trees.called(self.objects, at, owner, name, call)

    def _function(self, at: At, function: External, call: Call) -> Value | None:
        name = function.name
        last = name.rpartition(".")[2]
        if name == "swapper.get_model_name":
            return self._swapped(call)
        if self.models is None:
            return self._setting("AUTH_USER_MODEL") if last == "get_user_model" else None
        if last == "get_user_model":
            return self._class(self._user())
        if name == "swapper.load_model":
            return self._class(self._model_named(self._swapped(call)))
        if last in ("get_model", "get_registered_model") and ".apps" in name:
            names = [call.argument(0, "app_label"), call.argument(1, "model_name")]
            return self._app_model(names)
        if last == "get_app_config" and ".apps" in name:
            label = call.argument(0, "app_label")
            return AppRef(label.text) if type(label) is Text else None
        if last == "on_commit" and ".transaction" in name and call.values:
            at.call(call.values[0], Call(call.line, None, (), (), {}, {}))
            return None
        if last in _GET:
            return self._got(at, last, call)
        if last == "call_command":
            self.commands.called(at, call)
        if name in _SESSIONS:
            return self._signed_in(at, _SESSIONS[name], call)
        if last in formsets.FACTORIES:
            made = self._model_named(call.argument(formsets.FACTORIES[last], "model"))
            return Form(made, many="set" in last) if made is not None else None
        if last in CHOICES:
            return choice(last, call)
        if last in ("prefetch_related_objects", "call_command"):
            return None
        model = self._model_named(function)
        if model is not None:
            return Instance(model, NEW)
        if last == "QuerySet":
            return self.queries.made(at, None, call)
        if name.startswith(_EXPRESSIONS) and last[:1].isupper():
            return lookup(at, last, call, self.objects.read_tables)
        return None

    def _signed_in(self, at: At, mode: AccessMode, call: Call) -> Value | None:
        """``login`` notes when, ``authenticate`` looks the user up."""
        user = self._user()
        if user is not None:
            self.objects.may(at, user, call.line, (mode,))
        return Instance(user) if user is not None and mode == "read" else None

    def _class(self, model: str | None) -> Value | None:
        return class_value(model) if model is not None else None

    def _app_model(self, values: list[Value | None]) -> Value | None:
        texts = [v.text for v in values if type(v) is Text and v.whole]
        return self._class(self._model_named(Text(".".join(texts)))) if texts else None

    def _got(self, at: At, name: str, call: Call) -> Value | None:
        """``get_object_or_404(Post, pk=1)``: of a class, a manager or a queryset."""
        found: Value | None = None
        for value in options(call.argument(0, "klass")):
            model = self._model_named(value)
            query = query_of(value) or (self.objects.query(model) if model is not None else None)
            if query is None:
                continue
            rest = Call(
                call.line, call.expr, call.args[1:], call.values[1:], call.keywords, call.named
            )
            method = "filter" if "list" in name else "get"
            made = self.queries.call(at, query, query, method, rest)
            found = Many(Instance(query.model)) if "list" in name else made
        if found is None:
            list(every(at, call))  # for what they read
        return found

    def _swapped(self, call: Call) -> Value | None:
        """The model that a setting names in place of ``app.Model``."""
        parts = [call.argument(0, "app_label"), call.argument(1, "model")]
        texts = [p.text for p in parts if type(p) is Text and p.whole]
        if len(texts) != len(parts):
            return None
        chosen = self.settings.texts(f"{texts[0]}_{texts[1]}_MODEL".upper())
        return Text(chosen[0] if len(chosen) == 1 else ".".join(texts))

    # --- the rest --------------------------------------------------------------------------------

    def loose(self, at: At, owner: str, name: str, call: Call) -> Value | None:
        if self.models is not None:
            untold.told(at, owner, name, call)
        return None

    def has(self, model: str, name: str) -> bool:
        return has(self.models.by_id.get(model) if self.models is not None else None, name)

    def called(self) -> Mapping[str, Model]:
        user = self._user() if self.models is not None else None
        return {"user": Model(user, "", NAME)} if user else {}

    def annotation(self, at: At, outer: Value, items: tuple[object, ...]) -> Value | None:
        return self.handed.annotation(at, outer, items) if self.handed is not None else None

    def argument(self, at: At, name: str, kind: str) -> Value | None:
        return self.handed.argument(at, name, kind) if self.handed is not None else None

    def body(self, at: At, cls: str, line: int) -> None:
        if self.models is None:
            return
        sort = self.forms.sort(cls)
        if sort in ("admin", "inline"):
            self.admin.body(at, cls, line, inline=sort == "inline")
        else:
            self.forms.body(at, cls, line)

    def iterate(self, at: At, value: Value, line: int) -> Value | None:
        if self.models is None:
            return None
        if type(value) is Form:
            return formsets.each(value)
        query = query_of(value)
        if query is None and type(value) is Instance:
            query = self._of_one_model(value)
        if query is None or query.manager:
            return None
        query = self.objects.with_ordering(query)
        self.objects.read(at, query, line)
        self.objects.fetch(at, query, line)
        return self.queries.row(query)


def _in_save(at: At) -> bool:
    """In the model's own ``save`` both an insert and an update are ahead."""
    return at.function.endswith(".save")
