"""The `slos` of a service in `migration.yaml`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NoReturn

from ruamel.yaml.comments import CommentedMap

from migrator.model.slo import LATENCY_BUCKETS, Slo

# Fails with a message at a key of a node.
Fail = Callable[[str, Any, Any], NoReturn]
_KEYS = frozenset({"name", "objective", "within", "methods", "routes"})
_NAME = re.compile(r"[a-z][a-z0-9-]*")


def document(slos: tuple[Slo, ...]) -> list[CommentedMap]:
    """The list as YAML holds it; what is left at its default is left out."""
    return [_mapping(slo) for slo in slos]


def _mapping(slo: Slo) -> CommentedMap:
    found = CommentedMap(name=slo.name, objective=slo.objective)
    if slo.within is not None:
        found["within"] = slo.within
    for key, values in (("methods", slo.methods), ("routes", slo.routes)):
        if values:
            found[key] = list(values)
    return found


def parse(service: Any, fail: Fail) -> tuple[Slo, ...]:
    """The SLOs of the mapping `service`; calls `fail` where they are wrong."""
    items = service.get("slos") or []
    if not isinstance(items, list):
        fail("slos: a list expected", service, "slos")
    found = tuple(_slo(item, items, index, fail) for index, item in enumerate(items))
    names = [slo.name for slo in found]
    for index, name in enumerate(names):
        if name in names[:index]:
            fail(f"slos: two are called {name!r}", items, index)
    return found


def _slo(item: Any, items: Any, index: int, fail: Fail) -> Slo:
    if not isinstance(item, dict):
        fail("slos: each a mapping with name and objective", items, index)
    for key in item:
        if key not in _KEYS:
            fail(f"slos: {key!r} is not one of {', '.join(sorted(_KEYS))}", item, key)
    name: Any = item.get("name")
    objective: Any = item.get("objective")
    within: Any = item.get("within")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        fail(f"slos: name {name!r}: lower-case letters, digits and - expected", item, "name")
    if not _is_number(objective) or not 0 < objective < 100:
        fail("slos: objective: per cent between 0 and 100 expected, say 99.9", item, "objective")
    if within is not None and (not _is_number(within) or float(within) not in LATENCY_BUCKETS):
        seconds = ", ".join(f"{bucket:g}" for bucket in LATENCY_BUCKETS)
        fail(f"slos: within: one of {seconds} seconds expected", item, "within")
    return Slo(
        name,
        float(objective),
        None if within is None else float(within),
        tuple(method.upper() for method in _texts(item, "methods", fail)),
        _texts(item, "routes", fail),
    )


def _texts(item: Any, key: str, fail: Fail) -> tuple[str, ...]:
    values = item.get(key) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        fail(f"slos: {key}: a list of texts expected", item, key)
    return tuple(str(value) for value in values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
