"""What Django and its companions hand to methods, by the class that they are of."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from migrator.analyze.facts.shape import Expr
from migrator.analyze.frameworks.django.admin import Admin
from migrator.analyze.frameworks.django.forms import Forms, related
from migrator.analyze.frameworks.django.managers import is_manager, is_queryset
from migrator.analyze.frameworks.django.objects import Objects
from migrator.analyze.frameworks.django.requests import REQUEST
from migrator.analyze.frameworks.django.values import Query, class_value
from migrator.analyze.frameworks.protocol import At
from migrator.analyze.infer.values import (
    Call,
    ClassRef,
    External,
    Instance,
    Many,
    Method,
    Value,
    either,
)
from migrator.analyze.infer.values import Mapping as DictValue
from migrator.analyze.project.project import Project

_ROW = {"instance", "obj", "object", "record", "row"}
_QUERY = {"queryset", "qs"}
_DATA = {"validated_data", "attrs", "data", "cleaned_data"}
_OWN = {"self", "cls"}
_APPS = "django.apps.registry.apps"


class Handed:
    """Values of parameters. `receivers` maps functions that listen to a model's signal to the
    models."""

    def __init__(self, project: Project, objects: Objects, forms: Forms, admin: Admin) -> None:
        self.project, self.objects = project, objects
        self.forms, self.admin = forms, admin
        self.receivers: dict[str, set[str]] = {}
        self._served = _views_by_serializer(project)
        self._of: Mapping[str, Callable[[At, str, str, str], Value | None]] = {
            "form": self._form, "serializer": self._serializer, "view": self._view,
            "filter": self._listed, "table": self._listed, "feed": self._feed,
            "admin": self._admin, "inline": self._admin,
        }  # fmt: skip

    def argument(self, at: At, name: str, kind: str) -> Value | None:
        """What the parameter `name` of the function where `at` stands is."""
        if name == "request":
            return Instance(REQUEST)
        if name in _OWN:
            return None
        own = at.own_class
        if name == "apps" and own is None:
            return External(_APPS)  # functions of migrations
        if own is None and at.function in self.admin.acting and name in _QUERY:
            return self._chosen(at.function)
        if own is None:
            return self._received(at, name, kind) if at.function in self.receivers else None
        sort = self.forms.sort(own)
        method = at.function.rpartition(".")[2]
        if sort is None:
            return None
        if kind == "**":
            model = self.forms.model(at, own) if sort == "form" else None
            return DictValue((("instance", Instance(model)),)) if model else None
        return self._of[sort](at, own, method, name) if sort in self._of else None

    def annotation(self, at: At, outer: Value, items: tuple[object, ...]) -> Value | None:
        """``QuerySet[Post]``, ``Manager[Post]``, also of a class derived from them."""
        names = [outer.name] if type(outer) is External else []
        if type(outer) is ClassRef:
            names = list(self.project.classes.foreign(outer.cls))
        if not items or not any(is_manager(n) or is_queryset(n) for n in names):
            return None
        row = at.annotated(items[0])
        model = self.objects.model_of(row.cls) if type(row) is Instance else None
        if model is None:
            return None
        return Query(model.id, custom=self.objects.managers.default(model.id).custom)

    def _chosen(self, function: str) -> Value | None:
        """The rows that an action of the admin is handed, where it is of one model only."""
        models = self.admin.acting[function]
        model = next(iter(models))
        custom = self.objects.managers.default(model).custom
        return Query(model, custom=custom) if len(models) == 1 else None

    def _received(self, at: At, name: str, kind: str) -> Value | None:
        models = sorted(self.receivers[at.function])
        if name == "sender":
            return either(*[class_value(m) for m in models])
        row = either(*[Instance(m) for m in models])
        if kind == "**":
            return DictValue((("instance", row),))
        return row if name == "instance" else None

    # --- by what the class is --------------------------------------------------------------------

    def _form(self, at: At, own: str, method: str, name: str) -> Value | None:
        model = self.forms.model(at, own)
        return Instance(model) if model and name == "instance" else None

    def _serializer(self, at: At, own: str, method: str, name: str) -> Value | None:
        model = self.forms.model(at, own)
        known = self.objects.models.get(model or "")
        if model is None or known is None:
            row = name in _ROW or method == "to_representation"
            return self._viewed(at, own) if row else None
        if name in _ROW or method == "to_representation":
            return Instance(model)
        if name in _DATA:
            return related(known)
        if method.startswith("validate_") and self._only(at, name):
            return dict(related(known).items).get(method.removeprefix("validate_"))
        return Instance(model) if method.startswith("get_") and self._only(at, name) else None

    def _viewed(self, at: At, own: str) -> Value | None:
        """The row that a serializer without a model gets from the views that name it."""
        rows: list[Value] = []
        for view in self._served.get(own, ()):
            query = self.forms.listed(at, Instance(view), 0)
            if query is not None:
                rows.append(Instance(query.model))
        return rows[0] if len(set(rows)) == 1 else None

    def _view(self, at: At, own: str, method: str, name: str) -> Value | None:
        if name == "form":
            return self.forms.form_of(at, own)
        if name == "serializer":
            return self.forms.serializer_of(at, own)
        query = None
        if name in _QUERY or name in ("obj", "instance"):
            query = self.forms.queryset(at, Instance(own), 0)
        if query is None:
            return None
        return Query(query.model, custom=query.custom) if name in _QUERY else Instance(query.model)

    def _listed(self, at: At, own: str, method: str, name: str) -> Value | None:
        """Filter sets and tables over the model of their Meta."""
        model = self.forms.model(at, own)
        if model is None:
            return None
        if name in _QUERY:
            return Query(model, custom=self.objects.managers.default(model).custom)
        return Instance(model) if name in _ROW else None

    def _admin(self, at: At, own: str, method: str, name: str) -> Value | None:
        model = self.admin.model(own)
        if model is None:
            return None
        if name in _QUERY:
            return Query(model, custom=self.objects.managers.default(model).custom)
        if name == "form":
            return self.forms.admin_form(at, own, model)
        of_request = any(p[0] == "request" for p in self._params(at))
        if self.forms.sort(own) == "inline" and of_request:
            return None  # the row of the page that the inline stands on
        return Instance(model) if name in _ROW or self._only(at, name) else None

    def _feed(self, at: At, own: str, method: str, name: str) -> Value | None:
        """Feeds and site maps: ``items(obj)`` gets what ``get_object`` gives, the rest an item."""
        items = method == "items"
        source = "get_object" if items else "items"
        found = self.project.classes.find(own, source)
        if found is None or found[1][0] != "def" or name not in ("obj", "item"):
            return None
        if not items and name == "obj" and self.project.classes.find(own, "get_object"):
            return None
        made = at.call(Method(Instance(own), source, found[0].id), _NOTHING)
        if items:
            return made
        if type(made) is Many:
            return made.item
        return Instance(made.model) if type(made) is Query else None

    # --- parameters ------------------------------------------------------------------------------

    def _params(self, at: At) -> tuple[Expr, ...]:
        code = self.project.function(at.function)
        return tuple(code.statement[4]) if code is not None else ()

    def _only(self, at: At, name: str) -> bool:
        """Whether a method takes its object and `name`, no more."""
        params = self._params(at)
        return len(params) == 2 and params[1][0] == name


_NOTHING = Call(0, None, (), (), {}, {})


def _views_by_serializer(project: Project) -> dict[str, list[str]]:
    """The classes that name each serializer as theirs."""
    found: dict[str, list[str]] = {}
    for class_ in project.classes.by_id.values():
        written = class_.value("serializer_class")
        target = project.resolve(class_.module.name, written) if type(written) is str else None
        if target is not None:
            found.setdefault(target, []).append(class_.id)
    return found
