"""JSON Schemas (draft 07) of values as the chassis writes them: of columns, and of annotations.

A value that JSON does not know travels as an object with one tag, ``{"$date": "2024-02-29"}``
(see ``chassis.codec``). A type that is not known here allows everything and says so in
``$comment``: a schema must not promise what nobody checked.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from migrator.model.graph import Column, Table

_INTEGERS = {"SmallInteger": 16, "Integer": 32, "BigInteger": 64}
_ALIASES = {
    "SMALLINT": "SmallInteger", "INTEGER": "Integer", "INT": "Integer", "BIGINT": "BigInteger",
    "VARCHAR": "String", "CHAR": "String", "Unicode": "String", "NVARCHAR": "String",
    "TEXT": "Text", "UnicodeText": "Text", "CLOB": "Text", "CITEXT": "Text",
    "BOOLEAN": "Boolean", "FLOAT": "Float", "REAL": "Float", "Double": "Float", "DOUBLE": "Float",
    "DOUBLE_PRECISION": "Float", "NUMERIC": "Numeric", "DECIMAL": "Numeric", "DATE": "Date",
    "DATETIME": "DateTime", "TIMESTAMP": "DateTime", "TIME": "Time", "INTERVAL": "Interval",
    "UUID": "Uuid", "BLOB": "LargeBinary", "BYTEA": "LargeBinary", "BINARY": "LargeBinary",
    "VARBINARY": "LargeBinary", "JSONB": "JSON", "ENUM": "Enum",
}  # fmt: skip
_FOLD = {"type": "integer", "minimum": 0, "maximum": 1}


def row(table: Table, columns: tuple[Column, ...] | None = None) -> dict[str, Any]:
    """The schema of a row; required is what a copy cannot do without: no NULL, no default."""
    chosen = table.columns if columns is None else columns
    return {
        "type": "object",
        "properties": {column.name: of_column(column) for column in chosen},
        "required": [
            column.name
            for column in chosen
            if column.primary_key or not (column.nullable or column.server_default)
        ],
    }


def of_column(column: Column) -> dict[str, Any]:
    """The schema of the column's value in a message."""
    try:
        found = _of_type(ast.parse(column.type, mode="eval").body)
    except SyntaxError:
        found = _unknown(column.type)
    return nullable(found) if column.nullable and not column.primary_key else found


def of_annotation(annotation: ast.expr | None) -> dict[str, Any]:
    """The schema of an argument so annotated; of none, everything."""
    if annotation is None:
        return {}
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            return of_annotation(ast.parse(annotation.value, mode="eval").body)
        except SyntaxError:
            return _unknown(annotation.value)
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _union([of_annotation(annotation.left), of_annotation(annotation.right)])
    if isinstance(annotation, ast.Subscript):
        return _of_generic(annotation)
    if isinstance(annotation, ast.Constant) and annotation.value is None:
        return {"type": "null"}
    known = _PYTHON.get(_last_name(annotation))
    return known() if known else _unknown(ast.unparse(annotation))


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema`, or null."""
    return _union([schema, {"type": "null"}])


def tagged(tag: str, value: dict[str, Any]) -> dict[str, Any]:
    """The object that carries a value which JSON does not know."""
    return {"type": "object", "properties": {tag: value}, "required": [tag]}


def _of_type(node: ast.expr) -> dict[str, Any]:
    call = node if isinstance(node, ast.Call) else None
    name = _last_name(call.func if call else node)
    name = _ALIASES.get(name, name)
    arguments = call.args if call else []
    keywords = {k.arg: k.value for k in call.keywords} if call else {}
    if name in _INTEGERS:
        half = 2 ** (_INTEGERS[name] - 1)
        return {"type": "integer", "minimum": -half, "maximum": half - 1}
    if name == "String":
        length = arguments[0] if arguments else keywords.get("length")
        text: dict[str, Any] = {"type": "string"}
        if isinstance(length, ast.Constant) and isinstance(length.value, int):
            text["maxLength"] = length.value
        return text
    if name == "Enum":
        return _of_enum(node, arguments)
    if name == "ARRAY" and arguments:
        return {"type": "array", "items": _of_type(arguments[0])}
    if name == "Uuid" and _is_false(keywords.get("as_uuid")):
        return {"type": "string"}
    if name == "Numeric" and _is_false(keywords.get("asdecimal")):
        return _PYTHON["float"]()
    known = _COLUMNS.get(name)
    return known() if known else _unknown(ast.unparse(node))


def _of_enum(node: ast.expr, arguments: list[ast.expr]) -> dict[str, Any]:
    values = [a.value for a in arguments if isinstance(a, ast.Constant)]
    if values and len(values) == len(arguments):
        return {"type": "string", "enum": sorted(str(value) for value in values)}
    if len(arguments) == 1 and isinstance(arguments[0], ast.Name | ast.Attribute):
        # The members are the code's: only the tag is known here.
        return tagged("$enum", {"type": "string"})
    return _unknown(ast.unparse(node))


def _of_generic(node: ast.Subscript) -> dict[str, Any]:
    name = _last_name(node.value)
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Optional":
        return nullable(of_annotation(inner[0]))
    if name == "Union":
        return _union([of_annotation(item) for item in inner])
    if name in ("list", "List", "Sequence", "Iterable", "Collection"):
        return {"type": "array", "items": of_annotation(inner[0])}
    if name in ("dict", "Dict", "Mapping"):
        return {"type": "object"}
    if name == "Literal" and all(isinstance(i, ast.Constant) for i in inner):
        values = [i.value for i in inner if isinstance(i, ast.Constant)]
        return {"enum": sorted(values, key=repr)}
    if name in ("tuple", "Tuple"):
        return tagged("$tuple", {"type": "array"})
    if name in ("set", "Set", "frozenset", "FrozenSet"):
        return tagged("$set", {"type": "object"})
    return _unknown(ast.unparse(node))


def _union(options: list[dict[str, Any]]) -> dict[str, Any]:
    flat = [inner for option in options for inner in option.get("anyOf", [option])]
    if any(not set(option) - {"$comment"} for option in flat):
        return next(option for option in flat if not set(option) - {"$comment"})
    return {"anyOf": flat} if len(flat) > 1 else flat[0]


def _unknown(what: str) -> dict[str, Any]:
    return {"$comment": f"not known: {what}"}


def _last_name(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


def _is_false(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _moment(tag: str) -> Callable[[], dict[str, Any]]:
    written = {"type": "array", "items": [{"type": "string"}, _FOLD], "minItems": 2}
    return lambda: tagged(tag, written)


def _float() -> dict[str, Any]:
    return {"anyOf": [{"type": "number"}, tagged("$float", {"type": "string"})]}


_COLUMNS: dict[str, Callable[[], dict[str, Any]]] = {
    "Text": lambda: {"type": "string"},
    "Boolean": lambda: {"type": "boolean"},
    "Float": _float,
    "Numeric": lambda: tagged("$decimal", {"type": "string"}),
    "DateTime": _moment("$datetime"),
    "Date": lambda: tagged("$date", {"type": "string"}),
    "Time": _moment("$time"),
    "Interval": lambda: tagged("$timedelta", {"type": "array", "items": {"type": "integer"}}),
    "Uuid": lambda: tagged("$uuid", {"type": "string"}),
    "LargeBinary": lambda: tagged("$bytes", {"type": "string"}),
    "JSON": dict,
}
_PYTHON: dict[str, Callable[[], dict[str, Any]]] = {
    "int": lambda: {"type": "integer"},
    "str": lambda: {"type": "string"},
    "bool": lambda: {"type": "boolean"},
    "float": _float,
    "None": lambda: {"type": "null"},
    "Any": dict,
    "object": dict,
    "list": lambda: {"type": "array"},
    "dict": lambda: {"type": "object"},
    "tuple": lambda: tagged("$tuple", {"type": "array"}),
    "bytes": _COLUMNS["LargeBinary"],
    "Decimal": _COLUMNS["Numeric"],
    "datetime": _COLUMNS["DateTime"],
    "date": _COLUMNS["Date"],
    "time": _COLUMNS["Time"],
    "timedelta": _COLUMNS["Interval"],
    "UUID": _COLUMNS["Uuid"],
}
