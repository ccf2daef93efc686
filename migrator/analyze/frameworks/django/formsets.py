"""Forms and formsets that Django's factories make over a model."""

from __future__ import annotations

from dataclasses import replace

from migrator.analyze.facts.shape import CONST
from migrator.analyze.frameworks.django.objects import Objects
from migrator.analyze.frameworks.django.values import Form
from migrator.analyze.frameworks.protocol import At
from migrator.analyze.infer.values import Call, Instance, Many, Value

# The position of the model among the arguments.
FACTORIES = {
    "modelform_factory": 0, "modelformset_factory": 0, "inlineformset_factory": 1,
    "generic_inlineformset_factory": 0,
}  # fmt: skip


def made(objects: Objects, at: At, form: Form, call: Call) -> Form:
    """An object of the class: a formset reads the rows that it shows."""
    if form.many:
        _read(objects, at, form, call.line)
    return replace(form, made=True)


def called(objects: Objects, at: At, form: Form, name: str, call: Call) -> Value | None:
    if name in ("__init__", "is_valid") and form.many:
        _read(objects, at, form, call.line)
    if name not in ("save", "save_new", "save_existing"):
        return None
    row = Instance(form.model)
    if not unsaved(call):
        objects.save(at, row, call.line)
        if form.many:
            objects.delete(at, form.model, call.line)
    return Many(row) if form.many else row


def attribute(form: Form, name: str) -> Value | None:
    row = Instance(form.model)
    if name in ("new_objects", "deleted_objects"):
        return Many(row)
    if name in ("forms", "initial_forms", "extra_forms", "deleted_forms") and form.many:
        return Many(replace(form, many=False))
    if name == "instance" and not form.many:
        return row
    return None


def each(form: Form) -> Value | None:
    """What iterating over a formset gives."""
    return replace(form, many=False) if form.many else None


def unsaved(call: Call) -> bool:
    """Whether ``save(commit=False)`` is what is called."""
    no = (CONST, False)
    return call.keywords.get("commit") == no or call.args[:1] == (no,)


def _read(objects: Objects, at: At, form: Form, line: int) -> None:
    for table in objects.own(form.model):
        if table in at.schema.tables:
            at.access(table, "read", line, "orm", "likely")
