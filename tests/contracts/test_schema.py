"""Schemas of columns and parameters allow what the chassis really writes."""

from __future__ import annotations

import ast
import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from chassis import codec
from jsonschema import Draft7Validator

from migrator.contracts.schema import of_annotation, of_column, row
from migrator.contracts.signature import call_data
from migrator.model.graph import Column, Table

NOW = dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC)
ID = uuid.UUID(int=7)


@pytest.mark.parametrize(
    ("column", "value", "wrong"),
    [
        ("Integer()", 2**31 - 1, 2**31),
        ("SmallInteger()", -(2**15), 2**15),
        ("BigInteger()", 2**63 - 1, "1"),
        ("String(3)", "abc", "abcd"),
        ("String(length=3)", "abc", "abcd"),
        ("Text()", "x" * 1000, 1),
        ("Boolean()", True, 1),
        ("Float()", 1.5, "1.5"),
        ("Float()", float("nan"), "nan"),
        ("Numeric(10, 2)", Decimal("1.50"), 1.5),
        ("Numeric(asdecimal=False)", 1.5, "1.5"),
        ("DateTime(timezone=True)", NOW, "2024-02-29"),
        ("Date()", NOW.date(), "2024-02-29"),
        ("Time()", NOW.time(), "12:00"),
        ("Interval()", dt.timedelta(1, 2, 3), 3),
        ("Uuid()", ID, str(ID)),
        ("Uuid(as_uuid=False)", str(ID), 1),
        ("postgresql.UUID(as_uuid=True)", ID, 1),
        ("LargeBinary()", b"\x00", "AA=="),
        ("Enum('a', 'b', name='kind')", "a", "c"),
        ("ARRAY(Integer())", [1, 2], ["1"]),
    ],
)
def test_column(column: str, value: object, wrong: object) -> None:
    validator = Draft7Validator(of_column(Column("c", column, nullable=False)))
    assert validator.is_valid(codec.encode(value))
    assert not validator.is_valid(wrong)
    assert not validator.is_valid(None)
    optional = Draft7Validator(of_column(Column("c", column)))
    assert optional.is_valid(None) and optional.is_valid(codec.encode(value))


@pytest.mark.parametrize("column", ["JSON()", "postgresql.JSONB()"])
def test_json_is_anything(column: str) -> None:
    validator = Draft7Validator(of_column(Column("c", column, nullable=False)))
    assert all(validator.is_valid(value) for value in (1, "x", [1], {"a": None}))


def test_unknown_type_promises_nothing_and_says_so() -> None:
    assert of_column(Column("c", "Geometry('POINT')")) == {
        "$comment": "not known: Geometry('POINT')"
    }


@pytest.mark.parametrize(
    ("annotation", "value", "wrong"),
    [
        ("int", 1, "1"),
        ("str | None", None, 1),
        ("Optional[dt.date]", NOW.date(), "2024-02-29"),
        ("list[int]", [1], ["1"]),
        ("Literal['a', 'b']", "a", "c"),
        ("dict[str, int]", {"a": 1}, []),
        ("'int | str'", "x", None),
        ("tuple[int, ...]", (1, 2), [1, 2]),
        ("set[int]", {1}, [1]),
        ("Decimal", Decimal(1), 1),
    ],
)
def test_annotation(annotation: str, value: object, wrong: object) -> None:
    parsed = ast.parse(annotation, mode="eval").body
    validator = Draft7Validator(of_annotation(parsed))
    assert validator.is_valid(codec.encode(value))
    assert not validator.is_valid(wrong)


def test_row_requires_what_a_copy_cannot_do_without() -> None:
    columns = (
        Column("id", "Integer()", nullable=False, primary_key=True),
        Column("email", "String(5)", nullable=False),
        Column("phone", "String(5)"),
        Column("active", "Boolean()", nullable=False, server_default="true"),
    )
    made = row(Table("users", None, columns, "m.py", 1, "orm"))
    assert made["required"] == ["id", "email"]


def test_call() -> None:
    [node] = ast.parse("def f(user: int, kind: str = 'x', *, to: str): ...").body
    assert isinstance(node, ast.FunctionDef)
    schema = call_data("m:f", node)
    assert (schema["x-required"], schema["x-places"]) == (["user", "to"], ["user", "kind"])

    def data(*args: Any, **kwargs: Any) -> dict[str, Any]:
        return {"function": "m:f", "args": list(args), "kwargs": kwargs}

    validator = Draft7Validator(schema)
    assert validator.is_valid(data(1, "a", to="b"))
    assert validator.is_valid(data(user=1, to="b"))
    assert not validator.is_valid(data("1", to="b"))
    assert not validator.is_valid(data(1, "a", "b"))
    assert not validator.is_valid(data(1, too="b"))
