"""Fields of forms and serializers that stand for rows: what they offer, and what checking reads."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.analyze.facts.shape import CALL, CONST, SET
from migrator.analyze.frameworks.django.fields import Field
from migrator.analyze.frameworks.django.meta import Meta
from migrator.analyze.frameworks.django.models import DjangoModel
from migrator.analyze.frameworks.django.objects import Objects
from migrator.analyze.frameworks.django.validation import equals
from migrator.analyze.frameworks.django.values import Choice, Query, query_of
from migrator.analyze.frameworks.protocol import At
from migrator.analyze.infer.values import Call, ClassRef, External, Instance, Many, Value, options

CHOICES = {
    "ModelChoiceField": False, "ModelMultipleChoiceField": True, "PrimaryKeyRelatedField": False,
    "SlugRelatedField": False,
}  # fmt: skip


def choice(last: str, call: Call) -> Choice | None:
    """``ModelChoiceField(queryset=…)``."""
    found = map(query_of, options(call.argument(0, "queryset")))
    query = next((q for q in found if q is not None), None)
    if query is None:
        return None
    many = CHOICES[last] or call.keywords.get("many") == (CONST, True)
    needed = (
        call.keywords.get("required") != (CONST, False)
        and call.keywords.get("read_only") != (CONST, True)
        and call.keywords.get("allow_null") != (CONST, True)
    )
    return Choice(query, many, needed)


def declared(at: At, objects: Objects, cls: str) -> dict[str, Choice | None]:
    """The fields that a form's class declares itself; None for those that are no rows."""
    found: dict[str, Choice | None] = {}
    for class_ in objects.project.classes.ancestors(cls):
        for name, statements in class_.members.items():
            written = statements[-1][3] if statements[-1][0] == SET else None
            if name in found or type(written) is not tuple or written[0] != CALL:
                continue
            func = objects.project.resolved(class_.module.name, written[2])
            if func.rpartition(".")[2] in CHOICES:
                value = at.attribute(ClassRef(cls), name, class_.line)
                found[name] = next((o for o in options(value) if type(o) is Choice), None)
            else:
                found[name] = None
    return found


def _meta(objects: Objects, cls: str) -> Meta | None:
    """The class's own, or the nearest that it inherits."""
    found = (c for c in objects.project.classes.ancestors(cls) if c.inner("Meta"))
    class_ = next(found, None)
    return Meta(objects.project, class_) if class_ is not None else None


def shown(objects: Objects, cls: str, model: DjangoModel) -> Iterator[Field]:
    """The fields of its model that a form or serializer shows."""
    meta = _meta(objects, cls)
    if meta is None:
        return
    names = meta.texts("fields")
    every = names == ("__all__",) or (meta.get("fields") is None and meta.get("exclude"))
    left = set(meta.texts("exclude"))
    for field in model.fields.values():
        if (field.name in names or (every and field.name not in left)) and not field.parent_link:
            yield field


def checked(at: At, objects: Objects, cls: str, model: str | None, line: int) -> None:
    """What ``is_valid`` reads: the rows that are chosen, and equals of what is unique."""
    own = declared(at, objects, cls)
    for one in own.values():
        if one is not None and one.needed:
            objects.read(at, one.query, line)
    known = objects.models.get(model or "")
    if known is None:
        return
    meta = _meta(objects, cls)
    fixed = set(meta.texts("read_only_fields")) if meta is not None else set()
    fields = [f for f in shown(objects, cls, known) if f.name not in own and f.name not in fixed]
    tables: set[str] = set()
    for field in fields:
        target = objects.models.get(field.target or "")
        if field.sort in ("fk", "o2o") and not field.null and target is not None:
            tables |= objects.own(target.id)
    if any(f.unique and not f.primary_key for f in fields):
        tables |= equals(objects, known)
    for table in sorted(tables):
        if table in at.schema.tables:
            at.access(table, "read", line, "orm", "likely")


def fields_of(at: At, objects: Objects, cls: str, model: str | None) -> dict[str, Value | None]:
    """``form.fields``: those that stand for rows by name."""
    found: dict[str, Value | None] = {}
    known = objects.models.get(model or "")
    for field in shown(objects, cls, known) if known is not None else ():
        if field.relational and field.target is not None:
            many = field.sort == "m2m"
            found[field.name] = Choice(Query(field.target), many, not field.null)
    found.update(declared(at, objects, cls))
    return found


def cleaned(at: At, objects: Objects, cls: str) -> dict[str, Value | None]:
    """The rows that the fields which a form declares itself give."""
    return {
        name: Many(Instance(one.query.model)) if one.many else Instance(one.query.model)
        for name, one in declared(at, objects, cls).items()
        if one is not None
    }


def model_in(objects: Objects, value: Value | None) -> str | None:
    """The model whose class a value is."""
    for option in options(value):
        name = option.cls if type(option) is ClassRef else None
        if type(option) is External:
            name = option.name
        if name in objects.models:
            return name
    return None
