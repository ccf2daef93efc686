"""What people have said before the search: stays together, must part, bounds of size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from migrator.model.config import Config, Section
from migrator.model.errors import MigratorError
from migrator.model.graph import Graph
from migrator.model.plan import Pin
from migrator.plan.named import Names
from migrator.plan.resolve import Patterns, matches
from migrator.plan.ties import TABLE, node_of


@dataclass(frozen=True, slots=True)
class Rules:
    """As written: names of tables or definitions, or globs over them.

    Every group of `together` ends in one service; the two of each pair of `apart` in two. No
    service grows over `largest` of all definitions by a move, none falls below `smallest`.
    """

    together: tuple[tuple[str, ...], ...] = ()
    apart: tuple[tuple[str, str], ...] = ()
    smallest: int = 3
    largest: float = 0.6


@dataclass(frozen=True, slots=True)
class Constraints:
    """The rules resolved to nodes of the ties. `group` maps a node to who speaks for its group,
    `apart` holds pairs of such, `pinned` their services."""

    group: Mapping[str, str] = field(default_factory=dict)
    apart: frozenset[tuple[str, str]] = frozenset()
    pinned: Mapping[str, str] = field(default_factory=dict)
    smallest: int = 3
    largest: float = 0.6

    def of(self, node: str) -> str:
        return self.group.get(node, node)


def rules_of(config: Config) -> Rules:
    """`[plan]` of the settings; raises MigratorError with the line of what is wrong there."""
    plan = config.section("plan")
    plan.known(("weights", "together", "apart", "smallest", "largest", "seed"))
    together = tuple(_names(plan, "together", item) for item in _list(plan, "together"))
    apart = []
    for item in _list(plan, "apart"):
        pair = _names(plan, "apart", item)
        if len(pair) != 2:
            plan.fail("apart", f"apart: pairs of names expected, {item!r} found")
        apart.append((pair[0], pair[1]))
    largest = plan.number("largest", 0.6)
    if not 0 < largest <= 1:
        plan.fail("largest", f"largest: a share between 0 and 1 expected, {largest} found")
    return Rules(together, tuple(apart), int(plan.number("smallest", 3)), largest)


def constraints(graph: Graph, rules: Rules, pins: tuple[Pin, ...]) -> Constraints:
    """Raises MigratorError where a name means nothing in the graph, or the rules contradict."""
    node = node_of(graph)
    groups = _Groups()
    for names in rules.together:
        found = [n for name in names for n in _nodes(name, graph, node)]
        groups.join(found)
    pinned = _pinned(graph, pins, node)
    by_service: dict[str, list[str]] = {}
    for name, service in pinned.items():
        by_service.setdefault(service, []).append(name)
    for members in by_service.values():
        groups.join(members)
    apart = set()
    for one, other in rules.apart:
        for a in _nodes(one, graph, node):
            for b in _nodes(other, graph, node):
                heads = (groups.of(a), groups.of(b))
                if heads[0] == heads[1]:
                    raise MigratorError(
                        f"{one} and {other} must part, but other rules or pins keep them together",
                        hint="change together, apart or the pins",
                    )
                apart.add((min(heads), max(heads)))
    spoken = {service: groups.of(members[0]) for service, members in by_service.items()}
    if len(set(spoken.values())) < len(spoken):
        raise MigratorError("`together` joins things that are pinned to two services")
    services = sorted(spoken)
    for index, first in enumerate(services):
        for second in services[index + 1 :]:
            pair = (spoken[first], spoken[second])
            apart.add((min(pair), max(pair)))
    return Constraints(
        groups.all(),
        frozenset(apart),
        {head: service for service, head in spoken.items()},
        rules.smallest,
        rules.largest,
    )


class _Groups:
    """Union-find; the least member speaks for its group."""

    def __init__(self) -> None:
        self.above: dict[str, str] = {}

    def of(self, name: str) -> str:
        while name in self.above:
            name = self.above[name]
        return name

    def join(self, names: Iterable[str]) -> None:
        spoken = sorted({self.of(name) for name in names})
        for head in spoken[1:]:
            self.above[head] = spoken[0]

    def all(self) -> dict[str, str]:
        return {name: self.of(name) for name in self.above}


def _pinned(graph: Graph, pins: tuple[Pin, ...], node: Mapping[str, str]) -> dict[str, str]:
    rules = Patterns((pin.what, pin.service) for pin in pins)
    found = {}
    for definition, name in node.items():
        service = rules.best(definition)
        if service:
            found[name] = service
    for table in graph.tables:
        service = rules.best(table.id)
        if service:
            found[TABLE + table.id] = service
    return found


def _nodes(name: str, graph: Graph, node: Mapping[str, str]) -> list[str]:
    found = [TABLE + t.id for t in graph.tables if fnmatchcase(t.id, name)]
    found += [n for d, n in node.items() if matches(d, name)]
    if not found:
        raise MigratorError(
            f"no table or definition is called {name!r}",
            where="[plan]",
            hint=Names(graph).meant(name),
        )
    return sorted(set(found))


def _list(plan: Section, key: str) -> list[object]:
    value = plan.values.get(key, [])
    if not isinstance(value, list):
        plan.fail(key, f"{key}: a list of lists of names expected, {value!r} found")
    return value


def _names(plan: Section, key: str, item: object) -> tuple[str, ...]:
    if not isinstance(item, list) or not all(isinstance(name, str) for name in item):
        plan.fail(key, f"{key}: a list of lists of names expected, {item!r} found in it")
    return tuple(item)
