"""Whether every metric and label of a PromQL expression is emitted: for rules and panels."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any

import promql_parser

# What the platform emits and no service: no Collector, Loki or Jaeger runs beside the tests.
ELSEWHERE = re.compile(r"(otelcol|traces_span_metrics|traces_service_graph|loki|jaeger)_.*")
# A label that appears only with the fault that it tells of.
ONLY_WITH_FAULTS = frozenset({"error_type"})

Series = Callable[[str], list[dict[str, str]]]


def names(expression: str) -> tuple[dict[str, set[str]], set[str]]:
    """The metrics of `expression`, each with the labels of its matchers; and the labels that
    aggregations and joins name. Raises ValueError where it is no PromQL."""
    metrics: dict[str, set[str]] = {}
    grouped: set[str] = set()
    for node in _nodes(promql_parser.parse(expression)):
        kind = type(node).__name__
        if kind == "VectorSelector":
            matchers = {matcher.name: matcher.value for matcher in node.matchers.matchers}
            name = node.name or matchers.pop("__name__", "")
            metrics.setdefault(name, set()).update(matchers)
        elif kind == "AggregateExpr" and node.modifier:
            grouped |= set(node.modifier.labels)
        elif kind == "BinaryExpr" and node.modifier and node.modifier.matching:
            grouped |= set(node.modifier.matching.labels)
    return metrics, grouped


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for attribute in ("lhs", "rhs", "expr", "param", "vector_selector"):
        below = getattr(node, attribute, None)
        if below is not None and not isinstance(below, str | int | float):
            yield from _nodes(below)
    for argument in getattr(node, "args", None) or ():
        yield from _nodes(argument)


def missing(expression: str, series: Series, recorded: Collection[str] = ()) -> list[str]:
    """The metrics and labels of `expression` that no series has, as ``metric``,
    ``metric{label}`` or ``{label}``; `series` gives the labels of every series of a metric,
    `recorded` are the names that rules record."""
    metrics, grouped = names(expression)
    found: list[str] = []
    seen: set[str] = set()
    complete = True
    for name, labels in metrics.items():
        rows = [] if ELSEWHERE.fullmatch(name) else series(name)
        if rows:
            present = {label for row in rows for label in row}
            seen |= present
            found += [f"{name}{{{label}}}" for label in labels - present - ONLY_WITH_FAULTS]
            continue
        complete = False
        if not ELSEWHERE.fullmatch(name) and name not in recorded:
            found.append(name)
    if complete and metrics:
        found += [f"{{{label}}}" for label in grouped - seen - ONLY_WITH_FAULTS]
    return sorted(found)
