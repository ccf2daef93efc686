"""What making the data of a serializer of REST framework reads: the rows behind its relations."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.analyze.facts.shape import CALL, CONST, SET, STR, Expr
from migrator.analyze.frameworks.django.bound import shown
from migrator.analyze.frameworks.django.lookups import joined
from migrator.analyze.frameworks.django.meta import Meta
from migrator.analyze.frameworks.django.models import DjangoModel
from migrator.analyze.frameworks.django.objects import Objects
from migrator.analyze.project.walk import keyword

_DEEPEST = 5
_FOLLOWS = ("StringRelatedField", "SlugRelatedField", "HyperlinkedRelatedField")


class Serialized:
    """By class."""

    def __init__(self, objects: Objects) -> None:
        self.objects, self.project = objects, objects.project

    def tables(self, cls: str, model: DjangoModel | None, depth: int = 0) -> set[str]:
        """The tables besides the model's own."""
        found: set[str] = set()
        declared = dict(self._declared(cls))
        for name, (class_, call) in declared.items():
            source = keyword(call, "source")
            path = source[1] if type(source) is tuple and source[0] == STR else name
            if keyword(call, "write_only") != (CONST, True):
                found |= self._of_field(class_, call, path.replace(".", "__"), model, depth)
        if model is not None:
            found |= self._plain(cls, model, declared)
        return found

    def _of_field(
        self, module: str, call: Expr, path: str, model: DjangoModel | None, depth: int
    ) -> set[str]:
        """A field that the class declares: a serializer inside, or one of a related row."""
        models = self.objects.models
        target = self.project.resolved(module, call[2])
        last = target.rpartition(".")[2].rpartition(":")[2]
        if target in self.project.classes.by_id and last.endswith("Serializer"):
            around = joined(models, model, path, whole=True) if model is not None else set()
            if depth >= _DEEPEST:
                return around
            return around | self.tables(target, self.model(target), depth + 1)
        if model is None:
            return set()
        if last in _FOLLOWS or keyword(call, "many") == (CONST, True):
            return joined(models, model, path, whole=True)
        before = path.rpartition("__")[0]
        return joined(models, model, before, whole=True) if before else set()

    def _plain(
        self, cls: str, model: DjangoModel, declared: dict[str, tuple[str, Expr]]
    ) -> set[str]:
        """The relations that the class only names; keys alone need no further row."""
        meta = next((c for c in self.project.classes.ancestors(cls) if c.inner("Meta")), None)
        options = Meta(self.project, meta) if meta is not None else None
        deep = options is not None and options.get("depth") not in (None, (CONST, 0))
        names = options.texts("fields") if options is not None else ()
        relations = {f.name for f in shown(self.objects, cls, model) if f.relational}
        found: set[str] = set()
        for name in (relations | set(names)) - set(declared):
            field = model.fields.get(name)
            many = field is None or field.sort == "m2m"
            if (many and (field is not None or name in model.reverse)) or (
                deep and field is not None
            ):
                found |= joined(self.objects.models, model, name, whole=True)
        return found

    def model(self, cls: str) -> DjangoModel | None:
        """The model that the nearest Meta names."""
        for class_ in self.project.classes.ancestors(cls):
            meta = self.project.classes.get(f"{class_.id}.Meta")
            written = meta.value("model") if meta is not None else None
            if type(written) is str:
                target = self.project.resolve(class_.module.name, written)
                return self.objects.models.get(target or "")
        return None

    def _declared(self, cls: str) -> Iterator[tuple[str, tuple[str, Expr]]]:
        """The fields that a class and those above it declare by a call, the nearest first."""
        seen: set[str] = set()
        for class_ in self.project.classes.ancestors(cls):
            for name, statements in class_.members.items():
                written = statements[-1][3] if statements[-1][0] == SET else None
                if name not in seen and type(written) is tuple and written[0] == CALL:
                    yield name, (class_.module.name, written)
                seen.add(name)
