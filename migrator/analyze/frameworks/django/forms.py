"""Forms and serializers bound to a model, and generic views over one."""

from __future__ import annotations

from migrator.analyze.facts.shape import CONST
from migrator.analyze.frameworks.django.meta import Meta
from migrator.analyze.frameworks.django.objects import Objects
from migrator.analyze.frameworks.django.values import NEW, Query, query_of
from migrator.analyze.frameworks.protocol import At
from migrator.analyze.infer.values import (
    Call,
    ClassRef,
    External,
    Instance,
    Many,
    Method,
    Value,
    options,
)  # fmt: skip
from migrator.analyze.project.project import Project

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

    # --- what a class is bound to ----------------------------------------------------------------

    def is_form(self, cls: str) -> bool:
        """A ModelForm or ModelSerializer, or built on one of another package."""
        return any(f.rpartition(".")[2].endswith(_FORMS) for f in self.project.classes.foreign(cls))

    def is_view(self, cls: str) -> bool:
        return any(
            f.rpartition(".")[2].endswith(("View", "ViewSet", "Mixin"))
            and f.startswith(("django.views", "django.contrib", "rest_framework"))
            for f in self.project.classes.foreign(cls)
        )

    def model(self, at: At, cls: str) -> str | None:
        """The model of a form or a serializer."""
        for class_ in self.project.classes.ancestors(cls):
            if class_.inner("Meta") is None:
                continue
            value = at.attribute(ClassRef(f"{class_.id}.Meta"), "model", class_.line)
            found = self._named(value)
            if found is not None:
                return found
        return None

    def _named(self, value: Value | None) -> str | None:
        for option in options(value):
            name = option.cls if type(option) is ClassRef else None
            if type(option) is External:
                name = option.name
            if name in self.objects.models:
                return name
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
            model = self._named(value)
            if model is not None:
                return self.objects.query(model)
        return None

    # --- what the interpreter asks ---------------------------------------------------------------

    def body(self, at: At, cls: str, line: int) -> None:
        """What Django itself does for a view or form that has no code for it."""
        if self.is_form(cls):
            self._choices(at, cls, line)
        elif self.is_view(cls):
            self._generic(at, cls, line)

    def _choices(self, at: At, cls: str, line: int) -> None:
        """A form offers the rows that a key of its model may point to."""
        model = self.objects.models.get(self.model(at, cls) or "")
        class_ = next((c for c in self.project.classes.ancestors(cls) if c.inner("Meta")), None)
        if model is None or class_ is None:
            return
        meta = Meta(self.project, class_)
        names = meta.texts("fields")
        every = names == ("__all__",) or (meta.get("fields") is None and meta.get("exclude"))
        left = set(meta.texts("exclude"))
        for field in model.fields.values():
            shown = field.name in names or (every and field.name not in left)
            target = self.objects.models.get(field.target or "")
            if shown and field.relational and not field.parent_link and target is not None:
                for table in self.objects.own(target.id):
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
        for table in self.objects.read_tables(query):
            if table in at.schema.tables:
                at.access(table, "read", line, "orm", "likely")
        row = Instance(query.model)
        if kinds & _CREATES:
            self.objects.save(at, Instance(query.model, NEW), line, new=True)
        if kinds & _UPDATES:
            self.objects.save(at, row, line, new=False)
        if kinds & _DELETES:
            self.objects.delete(at, query.model, line)

    def made(self, at: At, function: ClassRef, call: Call) -> Value | None:
        return None

    def attribute(self, at: At, owner: Instance, name: str, line: int) -> Value | None:
        if name == "request" and self.is_view(owner.cls):
            return Instance("django.http.HttpRequest")
        if name == "instance" and self.is_form(owner.cls):
            model = self.model(at, owner.cls)
            return Instance(model) if model else None
        if name in ("object", "object_list") and self.is_view(owner.cls):
            query = self.queryset(at, owner, line)
            if query is None:
                return None
            row = Instance(query.model)
            return row if name == "object" else Many(row)
        return None

    def call(self, at: At, owner: Instance, name: str, call: Call) -> Value | None:
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
        if call.keywords.get("commit") == (CONST, False) or call.args[:1] == ((CONST, False),):
            return row
        self._saved(at, row, call)
        return row

    def _saved(self, at: At, row: Instance, call: Call) -> None:
        """The model's own ``save`` where it has one; the row is written in any case."""
        self.objects.save(at, row, call.line)
        found = self.project.classes.find(row.cls, "save")
        if found is not None and found[1][0] == "def":
            method = Method(row, "save", found[0].id)
            at.call(method, Call(call.line, None, (), (), {}, {}))

    def _view(self, at: At, owner: Instance, name: str, call: Call) -> Value | None:
        if name not in ("get_queryset", "get_object"):
            self._inherited(at, owner, name, call)
            return None
        if name == "get_object":
            own = self.project.classes.find(owner.cls, "get_queryset")
            if own is not None and own[1][0] == "def":
                made = at.call(Method(owner, "get_queryset", own[0].id), _bare(call.line))
                query = query_of(made)
            else:
                query = self.queryset(at, owner, call.line)
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


def _bare(line: int) -> Call:
    return Call(line, None, (), (), {}, {})


_NO_MODEL = "the model of this form is not known"
