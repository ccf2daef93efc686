"""Values of the command line that need no conversion, without importing what converts.

Typer converts with pydantic, whose import takes a third of what `verify` may take where nothing
has changed. Whatever is not plain goes the usual way, with its messages.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup

_PATH_CHECKS = ("exists", "writable", "resolve_path", "allow_dash", "path_type", "parser")


class PlainCommand(TyperCommand):
    """A command that converts by itself where there is nothing to say against a value."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _converting(super().get_params(ctx))


class PlainGroup(TyperGroup):
    """The same for the options before a command."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _converting(super().get_params(ctx))


def _converting(params: Sequence[Any]) -> list[Any]:
    for param in params:
        told = getattr(param, "type_descriptor", None)  # Typer of old has none, nor pydantic
        single = param.nargs == 1 and not getattr(param, "multiple", False)
        if told is not None and single and "process_value" not in vars(param):
            param.process_value = _processing(param, told)
    return list(params)


def _processing(param: Any, told: Any) -> Callable[[Any, Any], Any]:
    usual = param.process_value

    def process(ctx: Any, value: Any) -> Any:
        found = plain(value, told.annotation, told.parameter_info)
        if found is None and (value is not None or param.required):
            return usual(ctx, value)
        return param.callback(ctx, param, found) if param.callback else found

    return process


def plain(value: Any, annotation: Any, info: Any) -> Any:
    """The value as the command takes it; None where that is for Typer to say."""
    if value is None or not isinstance(annotation, type):
        return None
    if isinstance(value, annotation):
        return value if issubclass(annotation, (str, Path, Enum, bool)) else None
    checked = any(getattr(info, check, None) for check in _PATH_CHECKS)
    if annotation is Path and isinstance(value, str) and not checked and os.access(value, os.R_OK):
        return Path(value)
    return None
