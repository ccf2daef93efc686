"""When one schema refuses what another allowed.

Structural and careful: what it does not understand counts as refused, so a break may be reported
that is none, never the other way. Fields that the older schema did not name are taken as never
sent, although JSON Schema would allow them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from migrator.model.contract import Schema

Kind = Literal["removed", "required", "type", "values", "range", "closed", "order", "unknown"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """`field` is dotted, empty for the whole; `why` completes "the field …"."""

    field: str
    kind: Kind
    why: str


def refusals(new: Schema, old: Schema, field: str = "") -> Iterator[Refusal]:
    """Why values that `old` allows may be refused by `new`, or lose a field there; none when every
    message written under `old` can be read under `new`."""
    options, offered = _options(new), _options(old)
    if len(options) == len(offered) == 1:
        yield from _refusals(options[0], offered[0], field)
        return
    for option in offered:
        if any(not list(refusals(candidate, option, field)) for candidate in options):
            continue
        solid = [candidate for candidate in options if not _is_null(candidate)]
        if _is_null(option):
            yield Refusal(field, "type", "may no longer be null")
        elif len(solid) == 1:
            yield from _refusals(solid[0], option, field)
        else:
            yield Refusal(field, "type", "allows fewer kinds of values")


_BY_TYPE = {
    "maxLength": "string", "minLength": "string", "pattern": "string",
    "maximum": "number", "minimum": "number",
    "maxItems": "array", "minItems": "array", "items": "array",
    "properties": "object", "required": "object", "additionalProperties": "object",
}  # fmt: skip
_JUDGED = {*_BY_TYPE, "type", "enum", "const", "x-required"} - {"pattern"}
_NOTES = {"$comment", "$id", "$schema", "title", "description", "format", "examples"}


def _refusals(new: Schema, old: Schema, field: str) -> Iterator[Refusal]:
    mismatch = _type_mismatch(new, old)
    if mismatch:
        yield Refusal(field, "type", mismatch)
        return
    yield from _values(new, old, field)
    yield from _limits(new, old, field)
    yield from _items(new, old, field)
    yield from _properties(new, old, field)
    for keyword in sorted(set(new) - _JUDGED - _NOTES - {"anyOf"}):
        if not keyword.startswith("x-") and new[keyword] != old.get(keyword):
            yield Refusal(field, "unknown", f"has another `{keyword}`, which cannot be judged")


def _type_mismatch(new: Schema, old: Schema) -> str | None:
    wanted, given = _types(new), _types(old)
    if wanted is None:
        return None
    if given is None:
        return f"allowed anything and is now {_listed(wanted)}"
    left = given - wanted - ({"integer"} if "number" in wanted else set())
    if not left:
        return None
    return f"was {_listed(given)} and is now {_listed(wanted)}"


def _values(new: Schema, old: Schema, field: str) -> Iterator[Refusal]:
    allowed, offered = _enumerated(new), _enumerated(old)
    if allowed is None:
        return
    if offered is None:
        yield Refusal(field, "values", f"is now one of {_quoted(allowed)}")
        return
    gone = [value for value in offered if value not in allowed]
    if gone:
        yield Refusal(field, "values", f"no longer allows {_quoted(gone)}")


def _limits(new: Schema, old: Schema, field: str) -> Iterator[Refusal]:
    for keyword in ("maxLength", "maximum", "maxItems", "minLength", "minimum", "minItems"):
        if keyword not in new or not _concerns(keyword, old):
            continue
        limit, before = new[keyword], old.get(keyword)
        sign = 1 if keyword.startswith("max") else -1
        if before is None or sign * before > sign * limit:
            bound = "no bound" if before is None else str(before)
            yield Refusal(field, "range", f"has {keyword} {limit}, before {bound}")


def _items(new: Schema, old: Schema, field: str) -> Iterator[Refusal]:
    wanted, given = new.get("items"), old.get("items")
    if not wanted or not _concerns("items", old):
        return
    if isinstance(wanted, Mapping):
        offered = given if isinstance(given, list) else [given or {}]
        for item in offered:
            yield from refusals(wanted, item, f"{field}[]")
        return
    for index, item in enumerate(wanted):
        if index >= old.get("maxItems", index + 1):
            return
        before = given[index] if isinstance(given, list) and index < len(given) else given
        yield from refusals(
            item, before if isinstance(before, Mapping) else {}, f"{field}[{index}]"
        )


def _properties(new: Schema, old: Schema, field: str) -> Iterator[Refusal]:
    if not _concerns("properties", old):
        return
    wanted, given = new.get("properties", {}), old.get("properties", {})
    for name in given:
        if name in wanted:
            yield from refusals(wanted[name], given[name], _inside(field, name))
        elif "properties" in new:
            yield Refusal(_inside(field, name), "removed", "is gone, or has another name")
    for keyword in ("required", "x-required"):
        for name in new.get(keyword, ()):
            if name not in old.get(keyword, ()):
                yield Refusal(_inside(field, name), "required", "is now required")
    yield from _places(new.get("x-places"), old.get("x-places", ()), field)
    if new.get("additionalProperties", True) is False and old.get("additionalProperties", True):
        yield Refusal(field, "closed", "no longer allows further fields")


def _places(new: list[str] | None, old: list[str], field: str) -> Iterator[Refusal]:
    """Arguments come by place as well as by name."""
    # A parameter that is gone is told by its name already.
    if new is not None and [n for n in new if n in old] != [n for n in old if n in new]:
        yield Refusal(field, "order", f"takes its parameters in another order: {', '.join(new)}")
    elif new is not None and set(old) <= set(new) and new[: len(old)] != list(old):
        yield Refusal(field, "order", f"has a new parameter before others: {', '.join(new)}")


def _options(schema: Schema) -> list[Schema]:
    return list(schema.get("anyOf", ())) or [schema]


def _is_null(schema: Schema) -> bool:
    return schema.get("type") == "null"


def _types(schema: Schema) -> set[str] | None:
    """None when any type is allowed."""
    if "type" in schema:
        found = schema["type"]
        return {found} if isinstance(found, str) else set(found)
    values = _enumerated(schema)
    return None if values is None else {_type_of(value) for value in values}


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names = {int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]


def _enumerated(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return list(schema["enum"]) if "enum" in schema else None


def _concerns(keyword: str, old: Schema) -> bool:
    """Whether a value that `old` allows can be of the type that `keyword` speaks of."""
    types, about = _types(old), _BY_TYPE[keyword]
    return types is None or about in types or (about == "number" and "integer" in types)


def _inside(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name


def _listed(names: set[str]) -> str:
    return " or ".join(sorted(names))


def _quoted(values: list[Any]) -> str:
    return ", ".join(repr(value) for value in values)
