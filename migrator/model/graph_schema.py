"""The JSON Schema of `graph.json`, made from the model itself so that it cannot fall behind.

``python -m migrator.model.graph_schema`` prints it; `docs/schemas/graph.schema.json` is that text.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import types
import typing
from typing import Any

from migrator.model.graph import Graph
from migrator.model.graph_file import RENAMED
from migrator.model.graph_root import SCHEMA_VERSION

_SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean"}


def graph_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12. Fields may be added within a version of the format, so what is
    not known is allowed; a field without default is required."""
    definitions: dict[str, Any] = {}
    body = _object(Graph, definitions)
    body["properties"]["schema_version"] = {"const": SCHEMA_VERSION}
    body["required"] = sorted({*body["required"], "schema_version", "stats"})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"migrator graph, version {SCHEMA_VERSION}",
        **body,
        "$defs": dict(sorted(definitions.items())),
    }


def dump_schema() -> str:
    """The schema as text, one trailing newline."""
    return json.dumps(graph_schema(), indent=1, ensure_ascii=False) + "\n"


def _object(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    renamed = RENAMED.get(kind.__name__, {})
    properties, required = {}, []
    for field in dataclasses.fields(kind):
        name = renamed.get(field.name, field.name)
        properties[name] = _schema(hints[field.name], definitions)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            required.append(name)
    told = inspect.cleandoc(kind.__doc__ or "")
    described = {} if told.startswith(f"{kind.__name__}(") or not told else {"description": told}
    return {"type": "object", **described, "properties": properties, "required": required}


def _schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint in _SIMPLE:
        return {"type": _SIMPLE[hint]}
    if origin is typing.Literal:
        return {"enum": list(inner)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(inner[1], definitions)}
    if origin is tuple and inner[1:] == (Ellipsis,):
        return {"type": "array", "items": _schema(inner[0], definitions)}
    if origin is tuple:
        items = [_schema(i, definitions) for i in inner]
        size = len(items)
        return {"type": "array", "prefixItems": items, "minItems": size, "maxItems": size}
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [_schema(i, definitions) for i in inner]}
    if hint is type(None):
        return {"type": "null"}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in definitions:
            definitions[hint.__name__] = {}
            definitions[hint.__name__] = _object(hint, definitions)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    raise TypeError(f"no schema for {hint!r}")


if __name__ == "__main__":
    print(dump_schema(), end="")
