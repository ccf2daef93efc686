"""The JSON Schema of `migration.yaml`, for editors: `migrator plan` writes it beside the graph.

``python -m migrator.model.plan_schema`` prints it; `docs/schemas/plan.schema.json` is that text.
"""

from __future__ import annotations

import json
import typing
from typing import Any

from migrator.model.plan import PLAN_VERSION, CutKind, Decision
from migrator.model.plan_file import READABLE

_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_DECISIONS = {
    "replicate": "a read-only copy kept by events, or copied code",
    "call": "a synchronous request to the owner",
    "event": "a message through the outbox",
    "share": "pure code in the shared library",
    "keep": "the two stay together",
    "manual": "a person must act; the reason says why",
}


def plan_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12, of the plan as a document."""
    told = "; ".join(f"{name}: {text}" for name, text in _DECISIONS.items())
    service = _object(
        ("purpose", "tables", "definitions"),
        purpose=_TEXT | {"description": "One line: what it is for."},
        tables=_TEXTS | {"description": "The tables that it alone owns."},
        definitions=_TEXTS | {"description": "module:Name, or globs as package.module.*"},
        slos={"type": "array"},
    )
    cut = _object(
        ("from", "to", "what", "kind", "decision"),
        **{"from": _TEXT},
        to=_TEXT,
        what={
            "anyOf": [_TEXT, _TEXTS],
            "description": "Definitions (module:Name, or module:{A, B}), tables, or keys as "
            "table.column -> table. An entry that names fewer wins.",
        },
        kind={"enum": list(typing.get_args(CutKind))},
        decision={"enum": list(typing.get_args(Decision)), "description": told},
        reason=_TEXT,
        cost=_TEXT | {"description": "Work, latency and consistency; written by migrator."},
        alternatives=_TEXTS | {"description": "Of version 1: see --explain."},
        places=_TEXTS | {"description": "Of version 1: see --explain."},
    )
    step = _object(("service",), service=_TEXT, reason=_TEXT, after=_TEXTS, leaves=_TEXT)
    pin = _object(("what", "service"), what=_TEXT, service=_TEXT)
    part = _object(("service",), service=_TEXT, by=_TEXTS, writes=_TEXTS, compensation=_TEXT)
    saga = _object(
        ("transaction", "service", "advice", "steps"),
        transaction=_TEXT,
        service=_TEXT,
        entry_points=_TEXTS,
        advice={"enum": ["saga", "keep"]},
        reason=_TEXT,
        steps={"type": "array", "items": part},
    )
    body = _object(
        ("version", "services"),
        version={"enum": list(READABLE)},
        services={
            "type": "object",
            "propertyNames": {"pattern": "^[a-z][a-z0-9_-]*$"},
            "additionalProperties": service,
        },
        shared=_TEXTS | {"description": "Pure code: goes to the shared library."},
        glue=_TEXTS | {"description": "The framework's: each service gets its own copy."},
        order={"type": "array", "items": step},
        pins={"type": "array", "items": pin},
        cuts={"type": "array", "items": cut},
        sagas={"type": "array", "items": saga},
    )
    title = f"migrator plan, version {PLAN_VERSION}"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **body}


def dump_schema() -> str:
    """The schema as text, one trailing newline."""
    return json.dumps(plan_schema(), indent=1, ensure_ascii=False) + "\n"


def _object(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


if __name__ == "__main__":
    print(dump_schema(), end="")
