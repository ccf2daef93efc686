"""What a schema refuses, held against payloads that a validator judges."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from migrator.contracts.compare import refusals

Schema = dict[str, Any]
NULL: Schema = {"type": "null"}
# Other tests run beside these: time says nothing here.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def typed(draw: st.DrawFn, depth: int = 2) -> tuple[Schema, Any]:
    """A schema as contracts have it, and a value that it allows."""
    kinds = ["integer", "string", "boolean", "enum", "tagged"] + ["object", "array"] * (depth > 0)
    kind = draw(st.sampled_from(kinds))
    if kind == "integer":
        high = draw(st.integers(-100, 100))
        low = draw(st.integers(-200, high))
        value = draw(st.integers(low, high))
        return {"type": "integer", "minimum": low, "maximum": high}, value
    if kind == "string":
        text = draw(st.text(max_size=8))
        longest = draw(st.integers(len(text), 10))
        return {"type": "string", "maxLength": longest}, text
    if kind == "boolean":
        return {"type": "boolean"}, draw(st.booleans())
    if kind == "enum":
        values = draw(st.lists(st.text(max_size=3), min_size=2, max_size=4, unique=True))
        return {"type": "string", "enum": values}, draw(st.sampled_from(values))
    if kind == "tagged":
        inner: Schema = {"type": "object", "properties": {"$d": {"type": "string"}}}
        return {**inner, "required": ["$d"]}, {"$d": draw(st.text(max_size=4))}
    if kind == "array":
        items, value = draw(typed(depth - 1))
        return {"type": "array", "items": items}, [value] * draw(st.integers(1, 3))
    return draw(objects(depth - 1))


@st.composite
def objects(draw: st.DrawFn, depth: int = 2) -> tuple[Schema, dict[str, Any]]:
    names = draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True))
    properties, value, required = {}, {}, []
    for name in names:
        schema, inner = draw(typed(depth))
        if draw(st.booleans()):
            schema = {"anyOf": [schema, NULL]}
        properties[name], value[name] = schema, inner
        if draw(st.booleans()):
            required.append(name)
    return {"type": "object", "properties": properties, "required": required}, value


def narrowed(schema: Schema, value: Any, draw: Any) -> Schema:
    """`schema` changed so that it no longer allows `value`, which it allowed."""
    schema = copy.deepcopy(schema)
    if "anyOf" in schema:
        return {"anyOf": [narrowed(schema["anyOf"][0], value, draw), *schema["anyOf"][1:]]}
    if "enum" in schema:
        schema["enum"].remove(value)
    elif schema["type"] == "integer":
        if draw(st.booleans()):
            schema["maximum"] = value - 1
        else:
            schema["minimum"] = value + 1
    elif schema["type"] == "string":
        assume(value)
        schema["maxLength"] = len(value) - 1
    elif schema["type"] == "boolean":
        return {"type": "string"}
    elif schema["type"] == "array":
        schema["items"] = narrowed(schema["items"], value[0], draw)
    else:
        name = draw(st.sampled_from(sorted(value)))
        if draw(st.booleans()):
            schema["required"] = [*schema["required"], "added"]
        else:
            inner = narrowed(schema["properties"][name], value[name], draw)
            schema["properties"][name] = inner
    return schema


def widened(schema: Schema, draw: Any) -> Schema:
    """`schema` changed so that it allows what it allowed, and perhaps more."""
    schema = copy.deepcopy(schema)
    if "anyOf" in schema:
        return {"anyOf": [widened(schema["anyOf"][0], draw), *schema["anyOf"][1:]]}
    if draw(st.booleans()):
        return {"anyOf": [schema, NULL]}
    if "enum" in schema:
        schema["enum"].append("another")
    elif schema["type"] == "integer":
        schema["maximum"] += 1
    elif schema["type"] == "string":
        schema.pop("maxLength", None)
    elif schema["type"] == "array":
        schema["items"] = widened(schema["items"], draw)
    elif "properties" in schema:
        name = draw(st.sampled_from(sorted(schema["properties"])))
        schema["properties"][name] = widened(schema["properties"][name], draw)
        schema["properties"]["more"] = {"type": "string"}
        schema["required"] = schema["required"][1:]
    return schema


@patient
@given(objects(), st.data())
def test_widened_schema_reads_what_was_written(
    made: tuple[Schema, dict[str, Any]], data: st.DataObject
) -> None:
    old, message = made
    new = widened(old, data.draw)
    assert list(refusals(new, old)) == []
    assert Draft7Validator(old).is_valid(message)
    assert Draft7Validator(new).is_valid(message)


@patient
@given(objects(), st.data())
def test_narrowed_schema_is_told(made: tuple[Schema, dict[str, Any]], data: st.DataObject) -> None:
    old, message = made
    new = narrowed(old, message, data.draw)
    assert Draft7Validator(old).is_valid(message)
    assert not Draft7Validator(new).is_valid(message)
    assert list(refusals(new, old)) != []


@patient
@given(objects(), objects())
def test_silence_means_that_every_message_is_read(
    one: tuple[Schema, dict[str, Any]], two: tuple[Schema, dict[str, Any]]
) -> None:
    """Whatever the two schemas are: no refusal, then no message of the old is refused."""
    (old, message), (new, _) = one, two
    if not list(refusals(new, old)):
        assert Draft7Validator(new).is_valid(message)


INTEGER = {"type": "integer", "minimum": -10, "maximum": 10}


def of(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": []}


@pytest.mark.parametrize(
    ("new", "old", "told"),
    [
        (of(), of(a=INTEGER), [("a", "removed")]),
        (of(b=INTEGER), of(a=INTEGER), [("a", "removed")]),
        (of(a={"type": "string"}), of(a=INTEGER), [("a", "type")]),
        (of(a=INTEGER), of(a={"anyOf": [INTEGER, NULL]}), [("a", "type")]),
        (of(a={**INTEGER, "maximum": 9}), of(a=INTEGER), [("a", "range")]),
        (of(a=INTEGER), of(a={}), [("a", "type")]),
        (of(a={"enum": ["x"]}), of(a={"enum": ["x", "y"]}), [("a", "values")]),
        ({**of(a=INTEGER), "required": ["a"]}, of(a=INTEGER), [("a", "required")]),
        (of(a={"type": "string", "pattern": "x"}), of(a={"type": "string"}), [("a", "unknown")]),
        ({**of(), "additionalProperties": False}, of(), [("", "closed")]),
        ({**of(), "x-places": ["b", "a"]}, {**of(), "x-places": ["a", "b"]}, [("", "order")]),
        ({**of(), "x-places": ["c", "a"]}, {**of(), "x-places": ["a"]}, [("", "order")]),
        ({**of(), "x-places": ["a", "c"]}, {**of(), "x-places": ["a"]}, []),
        (of(a=INTEGER, b=INTEGER), of(a=INTEGER), []),
        (of(a={}), of(a=INTEGER), []),
        (of(a={"type": "number"}), of(a={"type": "integer"}), []),
    ],
)
def test_told(new: Schema, old: Schema, told: list[tuple[str, str]]) -> None:
    assert [(r.field, r.kind) for r in refusals(new, old)] == told
