"""A scripted session goes on where one step fails, and tells which did."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

failed: list[str] = []


def step(function: Callable[..., Any], *rest: Any, **named: Any) -> Any:
    """What the call gives; None where it raises."""
    try:
        return function(*rest, **named)
    except Exception as error:
        name = getattr(function, "__qualname__", repr(function))
        failed.append(name)
        print(f"step failed: {name}: {type(error).__name__}: {error}"[:300], file=sys.stderr)
        return None
