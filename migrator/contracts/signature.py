"""What a served function takes, from its source: the schema of a request to run it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from migrator.contracts.schema import of_annotation

Function = ast.FunctionDef | ast.AsyncFunctionDef


def find(function: str, modules: Mapping[str, ast.Module]) -> Function | None:
    """The definition of ``module:name`` in `modules`, by name; None where it is not there."""
    module, _, name = function.partition(":")
    found = modules.get(module)
    nodes = found.body if found is not None else ()
    return next((n for n in nodes if isinstance(n, Function) and n.name == name), None)


def call_data(function: str, node: Function | None) -> dict[str, Any]:
    """The schema of a request's data. ``x-required`` names the parameters without a default,
    each of which may come by place or by name; ``x-places`` names those that have a place. Without
    a `node` any arguments are allowed."""
    args: dict[str, Any] = {"type": "array"}
    kwargs: dict[str, Any] = {"type": "object"}
    data: dict[str, Any] = {
        "type": "object",
        "properties": {"function": {"const": function}, "args": args, "kwargs": kwargs},
        "required": ["function", "args", "kwargs"],
    }
    if node is None:
        return data
    taken = node.args
    placed = [*taken.posonlyargs, *taken.args]
    if placed:
        args["items"] = [of_annotation(argument.annotation) for argument in placed]
    if taken.vararg is None:
        args["maxItems"] = len(placed)
    kwargs["properties"] = {
        argument.arg: of_annotation(argument.annotation)
        for argument in (*taken.args, *taken.kwonlyargs)
    }
    if taken.kwarg is None:
        kwargs["additionalProperties"] = False
    data["x-required"] = _without_default(taken)
    data["x-places"] = [argument.arg for argument in placed]
    return data


def _without_default(taken: ast.arguments) -> list[str]:
    placed = [*taken.posonlyargs, *taken.args]
    required = placed[: len(placed) - len(taken.defaults)]
    named = zip(taken.kwonlyargs, taken.kw_defaults, strict=True)
    return [a.arg for a in required] + [a.arg for a, default in named if default is None]
