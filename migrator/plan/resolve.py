"""A Plan with its globs resolved against a Graph."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from migrator.model.graph import Graph
from migrator.model.plan import GLUE, SHARED, Assignment, Plan

WILD = frozenset("*?[")


def assign(plan: Plan, graph: Graph) -> Assignment:
    """Who owns each definition and table. The most specific pattern wins: an exact id, then the
    longest glob; a pin beats both. What no pattern matches stays unowned."""
    written = [(p, s.name) for s in plan.services for p in s.definitions]
    written += [(p, SHARED) for p in plan.shared] + [(p, GLUE) for p in plan.glue]
    pins = [(pin.what, pin.service) for pin in plan.pins]
    patterns, pinned = Patterns(written), Patterns(pins)
    owner_of = {}
    for definition in graph.definitions if written or pins else ():
        owner = pinned.best(definition.id) or patterns.best(definition.id)
        if owner:
            owner_of[definition.id] = owner
    tables = {table: service.name for service in plan.services for table in service.tables}
    table_owner = {}
    for table in graph.tables:
        owner = pinned.best(table.id) or tables.get(table.id)
        if owner:
            table_owner[table.id] = owner
    return Assignment(owner_of, table_owner)


class Patterns:
    """Patterns with their owners, looked up fast: most are ids or ``package.module.*``."""

    def __init__(self, patterns: Iterable[tuple[str, str]] = ()) -> None:
        self._exact: dict[str, str] = {}
        self._below: dict[str, str] = {}
        self._modules: dict[str, str] = {}
        self._others: list[tuple[str, str]] = []
        self._nearest: dict[str, tuple[int, str] | None] = {}
        for pattern, owner in patterns:
            self.add(pattern, owner)

    def add(self, pattern: str, owner: str) -> None:
        whole = pattern.removesuffix(".*")
        if not WILD & set(pattern):
            self._exact[pattern] = max(owner, self._exact.get(pattern, owner))
            if "." in pattern and ":" not in pattern:
                self._modules[pattern] = max(owner, self._modules.get(pattern, owner))
        elif whole != pattern and ":" not in whole and not WILD & set(whole):
            self._below[whole] = max(owner, self._below.get(whole, owner))
            self._nearest.clear()
        else:
            self._others.append((pattern, owner))

    def best(self, name: str) -> str | None:
        """The owner that the most specific matching pattern names."""
        if name in self._exact:
            return self._exact[name]
        found = [(len(p), owner) for p, owner in self._others if matches(name, p)]
        above, mark, _ = name.partition(":")
        if mark and above in self._modules:
            found.append((len(above) + 3, self._modules[above]))
        if above not in self._nearest:
            self._nearest[above] = self._whole(above)
        if (nearest := self._nearest[above]) is not None:
            found.append(nearest)
        return max(found)[1] if found else None

    def _whole(self, above: str) -> tuple[int, str] | None:
        """The longest ``package.module.*`` over a name, with its owner."""
        while above:
            if above in self._below:
                return len(above) + 2, self._below[above]
            above = above.rpartition(".")[0]
        return None


def matches(name: str, pattern: str) -> bool:
    """A glob over ``module:Name``; ``pkg.billing.*`` also means the module ``pkg.billing``, and
    ``pkg.billing`` the definitions of that module alone."""
    if pattern == name or fnmatchcase(name, pattern):
        return True
    if ":" not in pattern and "." in pattern:
        module, mark, _ = name.partition(":")
        whole = pattern.removesuffix(".*")
        return (bool(mark) and fnmatchcase(module, pattern)) or (
            whole != pattern and module == whole
        )
    return False
