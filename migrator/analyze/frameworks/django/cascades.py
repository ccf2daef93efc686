"""What a deletion does to other tables, as Django's Collector goes about it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from migrator.analyze.frameworks.django.lookups import Known, own_tables
from migrator.analyze.frameworks.django.models import DjangoModel, Reverse
from migrator.model.graph import AccessMode

_SETS = {"SET_NULL", "SET_DEFAULT", "SET"}


def incoming(models: Known, model: DjangoModel) -> Iterator[Reverse]:
    """Every key that points to a model, its children's links and hidden ones too."""
    wanted = {model.id, model.concrete}
    for other in models.values():
        if other.abstract or other.swapped or other.proxy:
            continue
        for field in other.local.values():
            if field.target in wanted and field.sort in ("fk", "o2o"):
                yield Reverse(other.id, field)


def fast(models: Known, model: DjangoModel, listened: Collection[str]) -> bool:
    """Whether rows are deleted without being fetched: nothing depends on them or listens."""
    return (
        model.id not in listened
        and not model.parents
        and not any(f.sort == "generic" for f in model.fields.values())
        and all(b.field.on_delete == "DO_NOTHING" for b in incoming(models, model))
    )


def cascade(
    models: Known, model: DjangoModel, listened: Collection[str],
    kept: Mapping[str, str | None],
) -> set[tuple[str, AccessMode]]:  # fmt: skip
    """(table, mode) of what goes with a row of `model`; the model's own tables are not in it.
    `kept` are the tables that hold a history of a model."""
    found: set[tuple[str, AccessMode]] = set()
    waiting, seen = [model], {model.id}
    while waiting:
        here = waiting.pop()
        for parent in here.parents:
            if parent not in seen and parent in models:
                seen.add(parent)
                waiting.append(models[parent])
        for back in incoming(models, here):
            other = models[back.model]
            if other.table is None or (other.id in seen and other.id != model.id):
                continue
            if back.field.on_delete == "CASCADE":
                found |= {(t, "delete") for t in own_tables(models, other)}
                if history := kept.get(other.id):
                    found.add((history, "insert"))
                if not fast(models, other, listened):
                    found |= {(t, "read") for t in own_tables(models, other)}
                if other.id not in seen:
                    seen.add(other.id)
                    waiting.append(other)
            elif back.field.on_delete in _SETS:
                found.add((other.table, "update"))
            elif back.field.on_delete in ("PROTECT", "RESTRICT"):
                found.add((other.table, "read"))
        for field in here.local.values():
            target = models.get(field.target or "")
            if field.sort == "generic" and target is not None:
                found |= {(t, "delete") for t in own_tables(models, target)}
    return found - {(t, "delete") for t in own_tables(models, model)}
