"""How modules and tables are put together in pictures: by service where there is a plan, else by
package."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from migrator.model.graph import Graph
from migrator.model.plan import Assignment

UNASSIGNED = "(unassigned)"
NO_CODE = "(no code)"
_WEIGHTS = {"read": 1, "insert": 3, "update": 3, "delete": 3}


@dataclass(frozen=True, slots=True)
class Grouping:
    """The group of each module, table and definition. `definitions` is empty without a plan: a
    definition is then where its module is."""

    kind: Literal["service", "package"]
    names: tuple[str, ...]
    modules: Mapping[str, str]
    tables: Mapping[str, str]
    definitions: Mapping[str, str]

    def of(self, definition: str) -> str:
        """The group of a definition's id."""
        module = definition.partition(":")[0]
        return self.definitions.get(definition) or self.modules.get(module, UNASSIGNED)


def grouping(graph: Graph, assignment: Assignment | None = None, limit: int = 24) -> Grouping:
    """Groups by the services of `assignment`, or at most about `limit` packages without one."""
    return by_service(graph, assignment) if assignment else by_package(graph, limit)


def by_service(graph: Graph, assignment: Assignment) -> Grouping:
    """A module of several services is where most of its lines are; one with no definition is
    where most of its package is."""
    lines: dict[str, Counter[str]] = defaultdict(Counter)
    definitions = {d.id: assignment.owner_of.get(d.id, UNASSIGNED) for d in graph.definitions}
    for d in graph.definitions:
        lines[d.module][definitions[d.id]] += d.end_line - d.line + 1
    modules = {module: _most(count) for module, count in lines.items()}
    around: dict[str, Counter[str]] = defaultdict(Counter)
    for module, group in modules.items():
        around[module.rpartition(".")[0]][group] += 1
    for m in graph.modules:
        nearby = around.get(m.name) or around.get(m.name.rpartition(".")[0])
        modules.setdefault(m.name, _most(nearby) if nearby else UNASSIGNED)
    tables = {t.id: assignment.table_owner.get(t.id, UNASSIGNED) for t in graph.tables}
    names = _ordered([*modules.values(), *tables.values(), *definitions.values()])
    return Grouping("service", names, modules, tables, definitions)


def by_package(graph: Graph, limit: int = 24) -> Grouping:
    """Packages as they are: the largest is split again while it holds too much of the whole."""
    modules = _split([m.name for m in graph.modules], limit)
    touched: dict[str, Counter[str]] = defaultdict(Counter)
    for access in graph.accesses:
        group = modules.get(access.definition.partition(":")[0])
        if group is not None:
            touched[access.table][group] += _WEIGHTS[access.mode]
    tables = {}
    for table in graph.tables:
        declared = modules.get((table.definition or "").partition(":")[0])
        count = touched.get(table.id)
        tables[table.id] = _most(count) if count else declared or NO_CODE
    return Grouping("package", _ordered([*modules.values(), *tables.values()]), modules, tables, {})


def _most(counts: Counter[str]) -> str:
    return min(counts, key=lambda name: (-counts[name], name))


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Services and packages by name, then the groups that are none, in parentheses."""
    return tuple(sorted(set(names), key=lambda name: (name.startswith("("), name)))


def _split(names: list[str], limit: int) -> dict[str, str]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[name.partition(".")[0]].append(name)
    enough = max(6, len(names) // limit)
    whole: set[str] = set()
    while len(groups) < limit:
        candidates = [g for g in groups if len(groups[g]) > enough and g not in whole]
        if not candidates:
            break
        largest = max(candidates, key=lambda g: (len(groups[g]), g))
        parts = _parts(largest, groups[largest])
        whole.add(largest)
        if len(parts) == 1 and largest in parts:
            continue
        del groups[largest]
        groups.update(parts)
    return {name: group for group, members in groups.items() for name in members}


def _parts(package: str, members: list[str]) -> dict[str, list[str]]:
    """The members by sub-package; modules directly in the package stay under its own name."""
    children: dict[str, list[str]] = defaultdict(list)
    for name in members:
        rest = name[len(package) + 1 :]
        head, _, _ = rest.partition(".")
        children[f"{package}.{head}" if head else package].append(name)
    parts: dict[str, list[str]] = defaultdict(list)
    for child, inside in children.items():
        parts[child if len(inside) > 1 else package] += inside
    return parts
