"""A Plan with its globs resolved against a Graph."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from migrator.model.graph import Graph
from migrator.model.plan import GLUE, SHARED, Assignment, Plan


def assign(plan: Plan, graph: Graph) -> Assignment:
    """Who owns each definition and table. The most specific pattern wins: an exact id, then the
    longest glob; a pin beats both. What no pattern matches stays unowned."""
    patterns = [(p, s.name) for s in plan.services for p in s.definitions]
    patterns += [(p, SHARED) for p in plan.shared] + [(p, GLUE) for p in plan.glue]
    pins = [(pin.what, pin.service) for pin in plan.pins]
    owner_of = {}
    for definition in graph.definitions:
        owner = best(definition.id, pins) or best(definition.id, patterns)
        if owner:
            owner_of[definition.id] = owner
    tables = {table: service.name for service in plan.services for table in service.tables}
    table_owner = {}
    for table in graph.tables:
        owner = best(table.id, pins) or tables.get(table.id)
        if owner:
            table_owner[table.id] = owner
    return Assignment(owner_of, table_owner)


def best(name: str, patterns: Iterable[tuple[str, str]]) -> str | None:
    """The owner that the most specific matching pattern names."""
    found = [(p == name, len(p), owner) for p, owner in patterns if matches(name, p)]
    return max(found)[2] if found else None


def matches(name: str, pattern: str) -> bool:
    """A glob over ``module:Name``; ``pkg.billing.*`` also means the module ``pkg.billing``."""
    if pattern == name or fnmatchcase(name, pattern):
        return True
    if ":" not in pattern:
        module = name.partition(":")[0]
        whole = pattern.removesuffix(".*")
        return fnmatchcase(module, pattern) or (pattern.endswith(".*") and module == whole)
    return False
