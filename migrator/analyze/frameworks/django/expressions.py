"""Paths over relations in the arguments of queries, and the tables that they read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from migrator.analyze.facts.shape import ANY, Expr
from migrator.analyze.frameworks.django.lookups import ANYTHING, joined, ordered, own_tables
from migrator.analyze.frameworks.django.models import DjangoModel
from migrator.analyze.frameworks.django.values import Lookup, Query, query_of
from migrator.analyze.frameworks.protocol import At
from migrator.analyze.infer.values import HOLE, Call, Many, Several, Text, Value, options

_CONDITIONS = ("Q", "When", "FilteredRelation", "CheckConstraint")
_NO_PATH = ("Value", "OuterRef", "RawSQL", "Subquery", "Exists", "Cast")
_BY_NAME = {
    "filter", "exclude", "get", "get_or_create", "update_or_create", "aget", "complex_filter",
    "get_object_or_404", "get_list_or_404", "aget_or_create", "aupdate_or_create",
}  # fmt: skip
_BY_TEXT = {
    "order_by", "values", "values_list", "only", "defer", "distinct", "dates", "datetimes",
    "latest", "earliest",
}  # fmt: skip
WHOLE = {"select_related", "prefetch_related"}
_DEEPEST = 4
_NESTING = _BY_NAME | {"annotate", "alias", "aggregate", "update"}


Tables = Callable[[Query], frozenset[str]]


def lookup(at: At, name: str, call: Call, tables: Tables) -> Lookup:
    """The paths that ``F(…)``, ``Q(…)``, ``Count(…)`` name."""
    found: set[str] = set()
    inner: set[str] = set()
    if name in _CONDITIONS:
        found |= {k for k in call.keywords if k not in ("then", "condition", "_connector")}
    elif name not in _NO_PATH:
        found |= {p for v in call.values[:2] if (p := _path(v)) is not None}
    for value in every(at, call):
        query = query_of(value)
        if query is not None:
            inner |= tables(query)
        elif type(value) is Lookup:
            found |= value.paths
            inner |= value.tables
    return Lookup(frozenset(found), frozenset(inner))


def _path(value: Value | None) -> str | None:
    """The path that a text is; of one that goes on with what is computed, as far as it is known."""
    if type(value) is not Text:
        return None
    if value.whole:
        return value.text
    known, _, _ = value.text.partition(HOLE)
    return f"{known}{ANYTHING}" if known.endswith("__") else None


def every(at: At, call: Call) -> Iterator[Value]:
    """All that the arguments are known to be, inside operators too (``Q(…) & ~Q(…)``)."""
    for expr, value in zip(call.args, call.values, strict=False):
        yield from _inside(at, expr, value)
    for name, value in call.named.items():
        yield from _inside(at, call.keywords.get(name), value)


def _inside(at: At, expr: Expr, value: Value | None) -> Iterator[Value]:
    if value is None and type(expr) is tuple and expr and expr[0] == ANY:
        for part in expr[1]:
            yield from _inside(at, part, at.value(part))
    for one in options(value):
        yield one
        if type(one) is Several:
            for item in one.items:
                yield from options(item)
        elif type(one) is Many:
            yield from options(one.item)


def read_by(
    at: At, models: Mapping[str, DjangoModel], model: DjangoModel, name: str, call: Call,
    tables: Tables,
) -> frozenset[str]:  # fmt: skip
    """The tables besides the model's own that method `name` of a query joins or fetches."""
    found: set[str] = set()
    paths: set[str] = set()
    if name in _BY_NAME:
        paths |= {k for k in call.keywords if k != "defaults"}
    if name == "select_related" and not call.args:
        found |= _all_keys(models, model, 0)
    for value in every(at, call):
        query = query_of(value)
        if query is not None and name in _NESTING:
            found |= tables(query)
        elif type(value) is Lookup:
            found |= value.tables
            if name in WHOLE:
                for path in value.paths:
                    found |= joined(models, model, path, whole=True)
            else:
                paths |= value.paths
        elif (text := _path(value)) is not None:
            if name in WHOLE:
                found |= joined(models, model, text, whole=True)
            elif name in _BY_TEXT:
                paths.add(text)
    for path in paths:
        found |= joined(models, model, path)
        if name in ("order_by", "latest", "earliest"):
            found |= ordered(models, model, path)
    return frozenset(found)


def _all_keys(models: Mapping[str, DjangoModel], model: DjangoModel, depth: int) -> set[str]:
    """``select_related()`` follows every key that is not null, five deep."""
    found: set[str] = set()
    for field in model.fields.values():
        target = models.get(field.target or "")
        if field.sort in ("fk", "o2o") and not field.null and target is not None:
            found |= own_tables(models, target)
            if depth < _DEEPEST:
                found |= _all_keys(models, target, depth + 1)
    return found
