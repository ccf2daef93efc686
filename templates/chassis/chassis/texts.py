"""Text and JSON that others chose, as every database takes it.

A row about a bad message must never fail because of the message: it would come again for ever.
"""

from __future__ import annotations

import json
from typing import Any

_UNREADABLE = "unreadable"


def storable(text: str) -> str:
    """`text` without what PostgreSQL, or UTF-8, has no place for."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def as_json(body: bytes) -> Any:
    """`body` as the value of a JSON column; as text in one where it is none, or is refused there.

    Python reads more than PostgreSQL: NUL, half of a surrogate pair, NaN.
    """
    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        if "\\u0000" not in text:
            return value
    except (ValueError, RecursionError):
        pass
    return {_UNREADABLE: storable(text)}


def from_json(value: Any) -> bytes:
    """What `as_json` was given, or says the same."""
    if isinstance(value, dict) and value.keys() == {_UNREADABLE}:
        return str(value[_UNREADABLE]).encode()
    return json.dumps(value).encode()
