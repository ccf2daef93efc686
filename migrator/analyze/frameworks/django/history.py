"""Tables that django-simple-history keeps: a row for each change of a model's row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from migrator.analyze.facts.shape import CALL, CONST, SET, Expr
from migrator.analyze.frameworks.django.fields import Field, automatic, placed, text
from migrator.analyze.project.walk import keyword

if TYPE_CHECKING:
    from migrator.analyze.frameworks.django.models import DjangoModel, Models

_RECORDS = "simple_history.models.HistoricalRecords"
_OWN = {
    "history_date": "DateTimeField", "history_change_reason": "CharField",
    "history_type": "CharField",
}  # fmt: skip


class History(NamedTuple):
    """`attribute` is the manager over the rows of `model`."""

    attribute: str
    model: str


def histories(models: Models, made: type[DjangoModel]) -> dict[str, History]:
    """The histories by the models that they are of. A model of one that no migration tells is made
    with `made` and added to `models`."""
    found: dict[str, History] = {}
    for model in list(models.by_id.values()):
        if model.abstract or model.proxy or model.library or model.migrated:
            continue
        for attribute, call in _records(models, model):
            label = text(keyword(call, "app")) or model.label
            name = text(keyword(call, "custom_model_name")) or f"Historical{model.name}"
            known = models.by_reference.get(f"{label}.{name}".lower())
            if known is None:
                known = _made(models, made, model, label, name, text(keyword(call, "table_name")))
                models.by_id[known.id] = known
                models.by_reference[known.reference] = known
            found[model.id] = History(attribute, known.id)
            break
    return found


def _records(models: Models, model: DjangoModel) -> Iterator[tuple[str, Expr]]:
    for class_ in models.project.classes.ancestors(model.id):
        for name, statements in class_.members.items():
            written = statements[-1][3] if statements[-1][0] == SET else None
            if type(written) is not tuple or written[0] != CALL:
                continue
            resolved = models.project.resolved(class_.module.name, written[2])
            own = class_.id == model.id or keyword(written, "inherit") == (CONST, True)
            if resolved == _RECORDS and own:
                yield name, written


def _made(
    models: Models, made: type[DjangoModel], model: DjangoModel, label: str, name: str,
    table: str | None,
) -> DjangoModel:  # fmt: skip
    found = made(
        f"{label}.{name}", name, label, model.path, model.line, migrated=True,
        table=table or models.settings.cut(f"{label}_{name.lower()}"),
    )  # fmt: skip
    found.concrete = found.id
    fields = [_copied(f) for f in model.local.values() if f.sort in ("column", "fk", "o2o")]
    fields.append(automatic("history_id", "AutoField", model.path, model.line))
    fields += [Field(n, "column", kind, model.path, model.line) for n, kind in _OWN.items()]
    user = Field(
        "history_user", "fk", "ForeignKey", model.path, model.line, to=models.user_model,
        related_name="+", null=True, on_delete="SET_NULL",
    )  # fmt: skip
    found.local = {f.name: placed(f, found.id) for f in (*fields, user)}
    found.fields = dict(found.local)
    return found


def _copied(field: Field) -> Field:
    """A field as it is kept: not unique, its key without a constraint."""
    if field.sort == "column":
        kind = field.kind.replace("AutoField", "IntegerField")
        return replace(field, kind=kind, primary_key=False, unique=False)
    return replace(
        field, sort="fk", primary_key=False, unique=False, constraint=False, parent_link=False,
        related_name="+", on_delete="DO_NOTHING",
    )  # fmt: skip
