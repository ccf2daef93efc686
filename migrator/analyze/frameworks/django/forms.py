"""Forms and serializers bound to a model, and generic views over one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from migrator.analyze.frameworks.django import formsets
from migrator.analyze.frameworks.django.bound import (
    checked,
    cleaned,
    declared,
    fields_of,
    model_in,
    shown,
)  # fmt: skip
from migrator.analyze.frameworks.django.formsets import unsaved
from migrator.analyze.frameworks.django.models import DjangoModel
from migrator.analyze.frameworks.django.objects import Objects
from migrator.analyze.frameworks.django.requests import REQUEST
from migrator.analyze.frameworks.django.serialized import Serialized
from migrator.analyze.frameworks.django.sorts import Sort, sort_of
from migrator.analyze.frameworks.django.values import Form, Query, query_of
from migrator.analyze.frameworks.protocol import At
from migrator.analyze.infer.values import (
    Call,
    ClassRef,
    Instance,
    Many,
    Mapping,
    Method,
    Value,
    either,
    options,
)  # fmt: skip
from migrator.analyze.project.project import Project
from migrator.model.graph import AccessMode

_FORMS = ("ModelForm", "BaseModelForm", "ModelSerializer", "HyperlinkedModelSerializer")
_READS = {
    "ListView", "DetailView", "BaseListView", "BaseDetailView", "MultipleObjectMixin",
    "SingleObjectMixin", "ArchiveIndexView", "YearArchiveView", "MonthArchiveView",
    "DayArchiveView", "ListModelMixin", "RetrieveModelMixin", "ListAPIView", "RetrieveAPIView",
    "ReadOnlyModelViewSet",
}  # fmt: skip
_CREATES = {
    "CreateView", "BaseCreateView", "CreateModelMixin", "CreateAPIView", "ListCreateAPIView",
    "ModelViewSet",
}  # fmt: skip
_UPDATES = {
    "UpdateView", "BaseUpdateView", "UpdateModelMixin", "UpdateAPIView", "ModelViewSet",
    "RetrieveUpdateAPIView", "RetrieveUpdateDestroyAPIView",
}  # fmt: skip
_DELETES = {
    "DeleteView", "BaseDeleteView", "DeletionMixin", "DestroyModelMixin", "DestroyAPIView",
    "ModelViewSet", "RetrieveDestroyAPIView", "RetrieveUpdateDestroyAPIView",
}  # fmt: skip
_PERFORMED = {"perform_create": True, "perform_update": False}


class Forms:
    """Objects of classes that Django binds to a model: by ``Meta.model``, ``model``,
    ``queryset``."""

    def __init__(self, project: Project, objects: Objects) -> None:
        self.project, self.objects = project, objects
        self._sorts: dict[str, Sort | None] = {}
        self.formsets: dict[str, Form] = {}
        self.serialized = Serialized(objects)

    # --- what a class is bound to ----------------------------------------------------------------

    def sort(self, cls: str) -> Sort | None:
        """What of Django's, or of a package beside it, a class is."""
        if cls not in self._sorts:
            self._sorts[cls] = sort_of(tuple(self.project.classes.foreign(cls)))
        return self._sorts[cls]

    def is_form(self, cls: str) -> bool:
        """A ModelForm or ModelSerializer, or built on one of another package."""
        return any(f.rpartition(".")[2].endswith(_FORMS) for f in self.project.classes.foreign(cls))

    def is_view(self, cls: str) -> bool:
        return self.sort(cls) == "view"

    def model(self, at: At, cls: str) -> str | None:
        """The model of a form or a serializer."""
        for class_ in self.project.classes.ancestors(cls):
            if class_.inner("Meta") is None:
                continue
            value = at.attribute(ClassRef(f"{class_.id}.Meta"), "model", class_.line)
            found = model_in(self.objects, value)
            if found is not None:
                return found
        return None

    def queryset(self, at: At, owner: Instance, line: int) -> Query | None:
        """What a generic view works on: ``queryset``, else ``model``."""
        for name in ("queryset", "model"):
            found = self.project.classes.find(owner.cls, name)
            if found is None or found[1][0] != "set":
                continue
            value = at.attribute(ClassRef(owner.cls), name, line)
            query = query_of(value)
            if query is not None:
                return query
            model = model_in(self.objects, value)
            if model is not None:
                return self.objects.query(model)
        bound = self._form_model(at, owner.cls)
        return self.objects.query(bound) if bound is not None else None

    def listed(self, at: At, owner: Instance, line: int) -> Query | None:
        """The rows that a view's own ``get_queryset`` gives, else what it works on."""
        own = self.project.classes.find(owner.cls, "get_queryset")
        if own is None or own[1][0] != "def":
            return self.queryset(at, owner, line)
        return query_of(at.call(Method(owner, "get_queryset", own[0].id), bare(line)))

    def _form_model(self, at: At, cls: str) -> str | None:
        """The model of the form or serializer that a view names."""
        for name in ("form_class", "serializer_class"):
            found = self.project.classes.find(cls, name)
            if found is not None and found[1][0] == "set":
                value = at.attribute(ClassRef(cls), name, 0)
                for option in options(value):
                    if type(option) is ClassRef and (model := self.model(at, option.cls)):
                        return model
                    if type(option) is Form:
                        return option.model
        return None

    def form_of(self, at: At, cls: str) -> Value | None:
        """The form that a view makes: ``get_form_class``, ``form_class``, or one over `model`."""
        made = self._chosen(at, cls, "get_form_class", "form_class")
        if made is None and self.project.classes.find(cls, "fields") is not None:
            query = self.queryset(at, Instance(cls), 0)
            made = Form(query.model, made=True) if query is not None else None
        return made

    def serializer_of(self, at: At, cls: str) -> Value | None:
        """The serializer that a view makes."""
        return self._chosen(at, cls, "get_serializer_class", "serializer_class")

    def admin_form(self, at: At, cls: str, model: str) -> Value:
        """The form of an admin page."""
        return self._chosen(at, cls, "get_form", "form") or Form(model, made=True)

    def _chosen(self, at: At, cls: str, method: str, name: str) -> Value | None:
        """An object of the class that `method` gives, else of the class that `name` is."""
        value: Value | None = None
        own = self.project.classes.find(cls, method)
        if own is not None and own[1][0] == "def":
            value = at.call(Method(Instance(cls), method, own[0].id), bare(0))
        if value is None and self.project.classes.find(cls, name) is not None:
            value = at.attribute(ClassRef(cls), name, 0)
        return either(*[_object(v) for v in options(value)])

    # --- what the interpreter asks ---------------------------------------------------------------

    def body(self, at: At, cls: str, line: int) -> None:
        """What Django itself does for a view or form that has no code for it."""
        if self.sort(cls) == "formset":
            form = self.formsets.get(cls)
            if form is not None:
                formsets.made(self.objects, at, form, bare(line))
        elif self.is_form(cls):
            self._choices(at, cls, line)
            if self.sort(cls) == "serializer":
                self._data(at, cls, line)
        elif self.is_view(cls):
            self._generic(at, cls, line)

    def read_formsets(self, value_of: Callable[[str], Value | None]) -> None:
        """What a factory gave, by the classes of the monolith that build on it."""
        for cls in [c for c in self.project.classes.by_id if self.sort(c) == "formset"]:
            for base in self.project.classes.foreign(cls):
                found = value_of(base)
                if type(found) is Form and found.many:
                    self.formsets[cls] = replace(found, made=True)

    def _choices(self, at: At, cls: str, line: int) -> None:
        """A form offers the rows that a key of its model may point to, and marks those chosen."""
        model = self.objects.models.get(self.model(at, cls) or "")
        for field in shown(self.objects, cls, model) if model is not None else ():
            target = self.objects.models.get(field.target or "")
            if field.relational and target is not None:
                own = self.objects.own(target.id)
                for table in own | {field.table} if field.table is not None else own:
                    if table in at.schema.tables:
                        at.access(table, "read", line, "orm", "likely")

    def _generic(self, at: At, cls: str, line: int) -> None:
        """Generic views and viewsets on a model read it, and write by what they are."""
        query = self.queryset(at, Instance(cls), line)
        if query is None or query.model not in self.objects.models:
            return
        kinds = {f.rpartition(".")[2] for f in self.project.classes.foreign(cls)}
        if not kinds & (_READS | _CREATES | _UPDATES | _DELETES):
            return
        ordered = self.objects.with_ordering(query)
        for table in self.objects.read_tables(ordered) | ordered.fetched:
            if table in at.schema.tables:
                at.access(table, "read", line, "orm", "likely")
        for option in options(self.serializer_of(at, cls)):
            if type(option) is Instance and self.sort(option.cls) == "serializer":
                self._data(at, option.cls, line)
        modes: tuple[tuple[set[str], AccessMode], ...] = (
            (_CREATES, "insert"), (_UPDATES, "update"), (_DELETES, "delete"),
        )  # fmt: skip
        self.objects.may(at, query.model, line, [m for k, m in modes if kinds & k])

    def _data(self, at: At, cls: str, line: int) -> None:
        """What the data of a serializer are made of besides its rows."""
        model = self.objects.models.get(self.model(at, cls) or "")
        for table in sorted(self.serialized.tables(cls, model)):
            if table in at.schema.tables:
                at.access(table, "read", line, "relationship", "likely")

    def made(self, at: At, function: ClassRef, call: Call) -> Value | None:
        return None

    def attribute(self, at: At, owner: Instance, name: str, line: int) -> Value | None:
        if self.sort(owner.cls) == "formset":
            form = self.formsets.get(owner.cls)
            return formsets.attribute(form, name) if form is not None else None
        if name == "request" and self.is_view(owner.cls):
            return Instance(REQUEST)
        if self.sort(owner.cls) in ("form", "serializer"):
            return self._of_form(at, owner, name, line)
        if name in ("object", "object_list") and self.is_view(owner.cls):
            query = self.queryset(at, owner, line)
            if query is None:
                return None
            row = Instance(query.model)
            return row if name == "object" else Many(row)
        return None

    def _of_form(self, at: At, owner: Instance, name: str, line: int) -> Value | None:
        if name == "context" and self.sort(owner.cls) == "serializer":
            return Mapping((("request", Instance(REQUEST)),))
        if name == "data" and self.sort(owner.cls) == "serializer":
            self._data(at, owner.cls, line)
        if name not in ("instance", "cleaned_data", "validated_data", "fields"):
            return None
        model = self.model(at, owner.cls) if self.is_form(owner.cls) else None
        if name == "instance":
            return Instance(model) if model is not None else None
        if name == "fields":
            fields = fields_of(at, self.objects, owner.cls, model)
            return Mapping(tuple(fields.items())) if fields else None
        known = self.objects.models.get(model or "")
        rows = dict(related(known).items) if known is not None else {}
        rows |= cleaned(at, self.objects, owner.cls)
        return Mapping(tuple(rows.items())) if rows else None

    def call(self, at: At, owner: Instance, name: str, call: Call) -> Value | None:
        if self.sort(owner.cls) == "formset":
            form = self.formsets.get(owner.cls)
            return formsets.called(self.objects, at, form, name, call) if form else None
        if name in ("is_valid", "full_clean") and self.sort(owner.cls) in ("form", "serializer"):
            model = self.model(at, owner.cls) if self.is_form(owner.cls) else None
            checked(at, self.objects, owner.cls, model, call.line)
            return None
        if self.is_form(owner.cls):
            return self._form(at, owner, name, call)
        if self.is_view(owner.cls):
            return self._view(at, owner, name, call)
        return None

    def _form(self, at: At, owner: Instance, name: str, call: Call) -> Value | None:
        if name not in ("save", "create", "update"):
            return None
        model = self.model(at, owner.cls)
        if model is None:
            at.unresolved(call.line, f"{name} of {owner.cls.rpartition(':')[2]}", _NO_MODEL)
            return None
        row = Instance(model)
        if unsaved(call):
            return row
        if name == "save" and self._own_way(at, owner, row, call):
            return row
        self._saved(at, row, call)
        if not call.args and "commit" not in call.keywords:  # else the caller may link them later
            self._linked(at, owner.cls, model, call.line)
        return row

    def _own_way(self, at: At, owner: Instance, row: Instance, call: Call) -> bool:
        """The serializer's own ``create`` and ``update``, which ``save`` calls; Django's where it
        has only one of them."""
        if self.sort(owner.cls) != "serializer":
            return False
        own = 0
        for name, values in (("create", (None,)), ("update", (row, None))):
            found = self.project.classes.find(owner.cls, name)
            if found is not None and found[1][0] == "def":
                own += 1
                at.call(Method(owner, name, found[0].id), Call(call.line, None, (), values, {}, {}))
        return own == 2

    def _linked(self, at: At, cls: str, model: str, line: int) -> None:
        """The rows that a form lets choose several of are set anew."""
        own = declared(at, self.objects, cls)
        for field in shown(self.objects, cls, self.objects.models[model]):
            target = self.objects.models.get(field.target or "")
            if field.sort != "m2m" or field.table is None or not field.made or target is None:
                continue
            if field.name not in own or own[field.name] is not None:
                for table in sorted(self.objects.own(target.id) | {field.table}):
                    at.access(table, "read", line, "relationship", "likely")
                at.access(field.table, "insert", line, "relationship", "likely")

    def _saved(self, at: At, row: Instance, call: Call) -> None:
        """The model's own ``save`` where it has one; the row is written in any case."""
        self.objects.save(at, row, call.line)
        found = self.project.classes.find(row.cls, "save")
        if found is not None and found[1][0] == "def":
            method = Method(row, "save", found[0].id)
            at.call(method, Call(call.line, None, (), (), {}, {}))

    def _view(self, at: At, owner: Instance, name: str, call: Call) -> Value | None:
        if name == "get_form":
            return self.form_of(at, owner.cls)
        if name == "get_serializer":
            return self.serializer_of(at, owner.cls)
        if name in ("filter_queryset", "paginate_queryset"):
            first = call.values[0] if call.values else None
            if name == "filter_queryset":
                return first
            item = at.element(first, call.line)
            return Many(item) if item is not None else None
        if name not in ("get_queryset", "get_object"):
            self._inherited(at, owner, name, call)
            return None
        if name == "get_object":
            query = self.listed(at, owner, call.line)
            if query is None:
                return None
            self.objects.read(at, query, call.line)
            return Instance(query.model)
        query = self.queryset(at, owner, call.line)
        if query is None:
            return None
        found = Query(query.model, custom=query.custom, tables=query.tables)
        self.objects.read(at, found, call.line)
        return found

    def _inherited(self, at: At, owner: Instance, name: str, call: Call) -> None:
        """``super().form_valid(form)``, ``super().delete(…)``, ``super().perform_create(…)``."""
        kinds = {f.rpartition(".")[2] for f in self.project.classes.foreign(owner.cls)}
        if name in ("form_valid", "perform_create", "perform_update", "create", "update"):
            form = call.values[0] if call.values else None
            for option in options(form):
                if type(option) is Instance and self.is_form(option.cls):
                    self._form(at, option, "save", call)
                    return
        query = self.queryset(at, owner, call.line)
        if query is None or query.model not in self.objects.models:
            return
        if name in _PERFORMED or (name == "form_valid" and kinds & (_CREATES | _UPDATES)):
            self.objects.save(at, Instance(query.model), call.line, new=_PERFORMED.get(name))
        if name in ("delete", "destroy", "perform_destroy") or (
            name == "form_valid" and kinds & _DELETES
        ):
            self.objects.delete(at, query.model, call.line)


def bare(line: int) -> Call:
    """A call without arguments."""
    return Call(line, None, (), (), {}, {})


def _object(value: Value) -> Value | None:
    """An object of a class of forms or serializers."""
    if type(value) is Form:
        return replace(value, made=True)
    return Instance(value.cls) if type(value) is ClassRef else None


def related(model: DjangoModel) -> Mapping:
    """Data that was checked against a model: its relations are rows already."""
    items: list[tuple[str, Value | None]] = []
    for field in model.fields.values():
        if field.target is not None and field.sort in ("fk", "o2o"):
            items.append((field.name, Instance(field.target)))
        elif field.target is not None and field.sort == "m2m":
            items.append((field.name, Many(Instance(field.target))))
    return Mapping(tuple(items))


_NO_MODEL = "the model of this form is not known"
