"""What the pages that the admin makes of a class touch besides the rows of its model."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migrator.analyze.facts.shape import LIST, STR, TUPLE, Expr
from migrator.analyze.frameworks.django.fields import Field
from migrator.analyze.frameworks.django.lookups import joined, ordered, own_tables
from migrator.analyze.frameworks.django.models import DjangoModel
from migrator.analyze.frameworks.django.objects import Objects
from migrator.analyze.frameworks.protocol import At
from migrator.analyze.project.project import Project

_PREFIXES = "^=@$-+"


class Pages:
    """Of a class of the admin as far as its options are literal; `inlined` tells the model of a
    class that stands on the page of another."""

    def __init__(
        self, project: Project, objects: Objects, inlined: Callable[[str], str | None]
    ) -> None:
        self.project, self.objects = project, objects
        self.inlined = inlined

    def told(self, at: At, cls: str, model: DjangoModel, line: int) -> None:
        """What is read and written to list, search, show and change rows of `model`."""
        for table in sorted(self._listed(cls, model) | self._offered(cls, model)):
            if table in at.schema.tables:
                at.access(table, "read", line, "orm", "likely")
        for field in self._fields(cls, model):
            if field.table is not None and field.made and field.table in at.schema.tables:
                at.access(field.table, "insert", line, "relationship", "likely")
                at.access(field.table, "delete", line, "relationship", "likely")
        for inline in self.names(cls, "inlines"):
            shown = self.inlined(inline)
            if shown is not None:
                self.objects.may(at, shown, line, ("read", "insert", "update", "delete"))

    def _listed(self, cls: str, model: DjangoModel) -> set[str]:
        """The tables that the list of rows joins."""
        models = self.objects.models
        found: set[str] = set()
        for name in self._texts(cls, "list_display"):
            field = model.fields.get(name)
            target = models.get(field.target or "") if field is not None else None
            if field is not None and field.sort in ("fk", "o2o") and target is not None:
                found |= own_tables(models, target)
        for option in ("list_filter", "list_select_related"):
            for path in self._texts(cls, option):
                found |= joined(models, model, path, whole=True)
        for option in ("search_fields", "ordering", "date_hierarchy"):
            for path in self._texts(cls, option):
                plain = path.lstrip(_PREFIXES)
                found |= joined(models, model, plain)
                found |= ordered(models, model, plain) if option == "ordering" else set()
        return found

    def _offered(self, cls: str, model: DjangoModel) -> set[str]:
        """The tables of the rows that a form offers."""
        models = self.objects.models
        found: set[str] = set()
        for field in self._fields(cls, model):
            target = models.get(field.target or "")
            found |= own_tables(models, target) if target is not None else set()
            found |= {field.table} if field.table is not None and field.made else set()
        return found

    def _fields(self, cls: str, model: DjangoModel) -> Iterator[Field]:
        """The relations that the form shows."""
        chosen = {*self._texts(cls, "fields"), *self._texts(cls, "fieldsets")}
        left = {*self._texts(cls, "exclude"), *self._texts(cls, "readonly_fields")}
        for field in model.fields.values():
            shown = field.relational and not field.parent_link and field.name not in left
            if shown and (not chosen or field.name in chosen):
                yield field

    # --- options ---------------------------------------------------------------------------------

    def _option(self, cls: str, name: str) -> tuple[str, Expr] | None:
        """What the class, or the nearest above it, sets, with the module where."""
        for above in self.project.classes.ancestors(cls):
            written = above.value(name)
            if written is not None:
                return above.module.name, written
        return None

    def _texts(self, cls: str, name: str) -> Iterator[str]:
        found = self._option(cls, name)
        return texts(found[1]) if found is not None else iter(())

    def names(self, cls: str, name: str) -> Iterator[str]:
        """The classes or functions that an option lists."""
        found = self._option(cls, name)
        module, written = found if found is not None else ("", None)
        for one in written[1] if type(written) is tuple and written[0] in (LIST, TUPLE) else ():
            target = self.project.resolve(module, one) if type(one) is str else None
            if target is not None:
                yield target


def texts(expr: Expr) -> Iterator[str]:
    """The strings of a display, those of displays and dicts in it too."""
    if type(expr) is tuple and expr:
        if expr[0] == STR and type(expr[1]) is str:
            yield expr[1]
        else:
            for part in expr:
                yield from texts(part)
