"""What checking a row before it is saved reads: the rows that its keys point to, its equals."""

from __future__ import annotations

from migrator.analyze.frameworks.django.lookups import own_tables
from migrator.analyze.frameworks.django.models import DjangoModel
from migrator.analyze.frameworks.django.objects import Objects
from migrator.analyze.frameworks.protocol import At
from migrator.analyze.infer.values import Call, Instance, Method

CHECKS = {"full_clean", "clean_fields", "validate_unique"}


def checked(objects: Objects, at: At, owner: Instance, name: str, call: Call) -> None:
    """``row.full_clean()``: ``clean_fields``, the model's own ``clean``, ``validate_unique``."""
    model = objects.model_of(owner.cls)
    if model is None:
        return
    tables: set[str] = set()
    if name != "validate_unique":
        tables |= targets(objects, model)
    if name != "clean_fields":
        tables |= equals(objects, model)
    for table in sorted(tables):
        if table in at.schema.tables:
            at.access(table, "read", call.line, "orm", "likely")
    own = objects.project.classes.find(owner.cls, "clean")
    if name == "full_clean" and own is not None and own[1][0] == "def":
        at.call(Method(owner, "clean", own[0].id), Call(call.line, None, (), (), {}, {}))


def targets(objects: Objects, model: DjangoModel) -> set[str]:
    """The tables that its keys are looked up in."""
    found: set[str] = set()
    for field in model.fields.values():
        target = objects.models.get(field.target or "")
        if field.sort in ("fk", "o2o") and target is not None and not field.parent_link:
            home = objects.models.get(target.concrete, target)
            found |= {home.table} if home.table else set()
    return found


def equals(objects: Objects, model: DjangoModel) -> set[str]:
    """The model's own tables, where something of it is unique besides its key."""
    unique = model.unique_together or any(
        f.unique and not f.primary_key and not f.parent_link for f in model.fields.values()
    )
    return set(own_tables(objects.models, model)) if unique else set()
