"""Which tables a path over relations reads: ``author__country__name``."""

from __future__ import annotations

from collections.abc import Mapping

from migrator.analyze.frameworks.django.fields import Field
from migrator.analyze.frameworks.django.models import DjangoModel, Reverse

Known = Mapping[str, DjangoModel]
_DEEPEST = 4
# The part of a path that is computed.
ANYTHING = "*"


def own_tables(models: Known, model: DjangoModel) -> frozenset[str]:
    """The tables that hold a row of the model: its own and those above."""
    every = [model, *(models[p] for p in model.parents if p in models)]
    return frozenset(m.table for m in every if m.table is not None)


def joined(models: Known, model: DjangoModel, path: str, *, whole: bool = False) -> set[str]:
    """The tables besides the model's own that a condition, ordering or expression over `path`
    reads. A last key is compared without its table (``author``, ``author__id``); `whole` is for
    what fetches the related row, as ``select_related`` does."""
    found: set[str] = set()
    here = model
    parts = path.lstrip("-+").split("__")
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        field = field_of(here, part)
        if field is not None:
            found |= _home(models, here, model, field)
            if not field.relational and field.sort != "generic":
                return found
            target = models.get(field.target or "")
            if field.table is not None:
                found.add(field.table)
            if target is None:
                return found
            if _needs_target(target, parts[index + 1 :], whole):
                found |= own_tables(models, target)
            here = target
            continue
        back = here.queried.get(part) or (here.reverse.get(part) if whole else None)
        if back is None:
            return found  # a transform, a lookup or an annotation
        source = models[back.model]
        found |= over(models, back, fetch=whole or not last or back.field.sort != "m2m")
        here = source
    return found


def field_of(model: DjangoModel, part: str) -> Field | None:
    """The field that a part of a path names; ``pk`` is the key."""
    if part == "pk":
        return model.primary_key
    field = model.fields.get(part)
    if field is None and part.endswith("_id"):
        known = model.fields.get(part.removesuffix("_id"))
        if known is not None and known.sort in ("fk", "o2o"):
            return None
    return field


def _home(models: Known, here: DjangoModel, model: DjangoModel, field: Field) -> set[str]:
    """Of a model that was joined, the table above that holds the field."""
    if here is model or field.home == here.id or field.home not in models:
        return set()
    table = models[field.home].table
    return {table} if table else set()


def _needs_target(target: DjangoModel, rest: list[str], whole: bool) -> bool:
    """Whether a path that goes on with `rest` reads the table behind a key: not for its key."""
    if whole or not rest:
        return whole
    following = field_of(target, rest[0])
    if following is not None:
        return not following.primary_key or (len(rest) > 1 and following.relational)
    return rest[0] in target.queried or rest[0] == ANYTHING or _is_key(target, rest[0])


def _is_key(model: DjangoModel, part: str) -> bool:
    """Whether a part is the column of a key: ``author_id``."""
    known = model.fields.get(part.removesuffix("_id")) if part.endswith("_id") else None
    return known is not None and known.sort in ("fk", "o2o")


def over(models: Known, back: Reverse, *, fetch: bool = True) -> frozenset[str]:
    """The tables read when a relation is followed backwards."""
    found: set[str] = set()
    if back.field.table is not None:
        found.add(back.field.table)
    if fetch or back.field.table is None:
        found |= own_tables(models, models[back.model])
    return frozenset(found)


def ordered(models: Known, model: DjangoModel, path: str, depth: int = 0) -> set[str]:
    """Ordering by a relation orders by its model's own ordering, and so joins it."""
    field = model.fields.get(path.lstrip("-+"))
    target = models.get(field.target or "") if field else None
    if target is None or target.ordering in ((), ("pk",), ("id",)) or depth > _DEEPEST:
        return set()
    found = {target.table} if target.table else set()
    for further in target.ordering:
        found |= joined(models, target, further) | ordered(models, target, further, depth + 1)
    return found
