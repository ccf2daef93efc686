"""A scenario of requests and expectations (``checks.yaml``): read, filled in and judged; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from migrator.model.errors import MigratorError

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_STEP_KEYS = frozenset({"name", "request", "expect", "save", "within"})
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Step:
    """One request and what its answer must hold; repeated for `within` seconds until it does."""

    name: str
    method: str
    path: str
    json: Any
    headers: Mapping[str, str]
    status: int | None
    expected: Any
    save: Mapping[str, str]
    within: float

    @property
    def checks_body(self) -> bool:
        """Whether the step says something about the answer's JSON."""
        return self.expected is not _MISSING


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    json: Any


def parse(document: Any, where: str) -> tuple[Step, ...]:
    """The steps of a scenario document: a list, or a mapping with ``steps``."""
    steps = document.get("steps") if isinstance(document, dict) else document
    if not isinstance(steps, list) or not steps:
        raise MigratorError("a list of steps is expected", where=where)
    return tuple(_step(entry, f"{where}: step {n}") for n, entry in enumerate(steps, 1))


def fill(value: Any, variables: Mapping[str, Any]) -> Any:
    """`value` with each ``${name}`` replaced; a string that is only a variable keeps its type."""
    if isinstance(value, str):
        whole = _VARIABLE.fullmatch(value)
        if whole:
            return _variable(whole[1], variables)
        return _VARIABLE.sub(lambda found: str(_variable(found[1], variables)), value)
    if isinstance(value, Mapping):
        return {fill(key, variables): fill(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, variables) for item in value]
    return value


def problems(step: Step, answer: Answer, variables: Mapping[str, Any]) -> list[str]:
    """What `answer` lacks of what `step` expects; empty when it passes."""
    found: list[str] = []
    if step.status is not None and answer.status != step.status:
        found.append(f"status {answer.status}, expected {step.status}")
    if step.status is None and answer.status >= 500:
        found.append(f"status {answer.status}")
    if not found and step.checks_body:
        found += difference(fill(step.expected, variables), answer.json)
    return found


def saved(step: Step, answer: Answer) -> dict[str, Any]:
    """The variables that `step` takes from `answer`; a path that is not there is bad input."""
    values = {name: lookup(answer.json, path) for name, path in step.save.items()}
    for name, value in values.items():
        if value is _MISSING:
            raise MigratorError(
                f"the answer has no {step.save[name]!r} to save as {name!r}", where=step.name
            )
    return values


def lookup(value: Any, path: str) -> Any:
    """The part of `value` at ``a.b.0.c``."""
    for part in path.split(".") if path else ():
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif (
            isinstance(value, list)
            and part.lstrip("-").isdigit()
            and -len(value) <= int(part) < len(value)
        ):
            value = value[int(part)]
        else:
            return _MISSING
    return value


def difference(expected: Any, actual: Any, at: str = "$") -> list[str]:
    """Where `actual` does not hold `expected`.

    A mapping may hold more keys than expected; a list must be as long as expected, each element
    holding its counterpart: "exactly one" is then a list of one.
    """
    if isinstance(expected, Mapping):
        if not isinstance(actual, Mapping):
            return [f"{at} is {_short(actual)}, expected an object"]
        found: list[str] = []
        for key, item in expected.items():
            if key not in actual:
                found.append(f"{at}.{key} is missing")
            else:
                found += difference(item, actual[key], f"{at}.{key}")
        return found
    if isinstance(expected, list):
        if not isinstance(actual, list):
            return [f"{at} is {_short(actual)}, expected a list"]
        if len(actual) != len(expected):
            return [f"{at} has {len(actual)} elements, expected {len(expected)}"]
        pairs = enumerate(zip(expected, actual, strict=True))
        return [line for i, (e, a) in pairs for line in difference(e, a, f"{at}[{i}]")]
    if expected != actual or isinstance(expected, bool) is not isinstance(actual, bool):
        return [f"{at} is {_short(actual)}, expected {_short(expected)}"]
    return []


def _step(entry: Any, where: str) -> Step:
    if not isinstance(entry, dict) or not isinstance(entry.get("request"), dict):
        raise MigratorError("a mapping with a request is expected", where=where)
    unknown = entry.keys() - _STEP_KEYS
    if unknown:
        raise MigratorError(f"unknown key {sorted(unknown)[0]!r}", where=where)
    request, expect = entry["request"], entry.get("expect") or {}
    method = str(request.get("method", "GET")).upper()
    if method not in _METHODS or not str(request.get("path", "")).startswith("/"):
        raise MigratorError("a request needs a known method and a path from /", where=where)
    status = expect.get("status")
    return Step(
        name=str(entry.get("name", f"{method} {request['path']}")),
        method=method,
        path=str(request["path"]),
        json=request.get("json"),
        headers=dict(request.get("headers") or {}),
        status=None if status is None else int(status),
        expected=expect.get("json", _MISSING),
        save=dict(entry.get("save") or {}),
        within=float(entry.get("within", 0)),
    )


def _variable(name: str, variables: Mapping[str, Any]) -> Any:
    if name not in variables:
        raise MigratorError(
            f"the variable ${{{name}}} has no value",
            hint="It is saved by no earlier step that passed.",
        )
    return variables[name]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
