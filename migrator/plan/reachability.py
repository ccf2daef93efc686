"""The graph's dependencies, looked up from both ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from migrator.model.graph import Access, Definition, Dependency, Graph
from migrator.plan.effects import effects, refusals

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Edges:
    """Dependencies and accesses by definition; `modes` says how who writes each table."""

    out: Mapping[str, tuple[Dependency, ...]]
    into: Mapping[str, tuple[Dependency, ...]]
    accesses: Mapping[str, tuple[Access, ...]]
    known: frozenset[str] = frozenset()
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    modes: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    _effects: dict[str, tuple[frozenset[str], frozenset[str]]] = field(default_factory=dict)
    _refusals: list[dict[str, str]] = field(default_factory=list)
    _called: dict[str, frozenset[str]] = field(default_factory=dict)
    _reach: dict[str, frozenset[str]] = field(default_factory=dict)
    _needs: dict[str, frozenset[str]] = field(default_factory=dict)
    _users: dict[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, graph: Graph) -> Edges:
        out: dict[str, list[Dependency]] = {}
        into: dict[str, list[Dependency]] = {}
        accesses: dict[str, list[Access]] = {}
        for edge in graph.dependencies:
            out.setdefault(edge.source, []).append(edge)
            into.setdefault(edge.target, []).append(edge)
        for access in graph.accesses:
            accesses.setdefault(access.definition, []).append(access)
        definitions = {d.id: d for d in graph.definitions}
        modes: dict[str, dict[str, frozenset[str]]] = {}
        for access in graph.accesses:
            if access.writes:
                writers = modes.setdefault(access.table, {})
                before = writers.get(access.definition, frozenset())
                writers[access.definition] = before | {access.mode}
        known = frozenset(definitions)
        return cls(_frozen(out), _frozen(into), _frozen(accesses), known, definitions, modes)

    def needs(self, name: str) -> frozenset[str]:
        """Definitions that `name` names; handlers of signals that it sends are not."""
        if name not in self._needs:
            found = (e.target for e in self.out.get(name, ()) if e.kind != "signals")
            self._needs[name] = frozenset(found)
        return self._needs[name]

    def users(self, name: str) -> frozenset[str]:
        if name not in self._users:
            found = (e.source for e in self.into.get(name, ()) if e.kind != "signals")
            self._users[name] = frozenset(found)
        return self._users[name]

    def reached(self, name: str) -> frozenset[str]:
        """`name` and all that runs when it runs: calls and signals, transitively."""
        if name not in self._reach:
            found, waiting = {name}, [name]
            while waiting:
                for edge in self.out.get(waiting.pop(), ()):
                    if edge.kind in ("calls", "signals") and edge.target not in found:
                        found.add(edge.target)
                        waiting.append(edge.target)
            self._reach[name] = frozenset(found)
        return self._reach[name]

    def called(self, name: str) -> frozenset[str]:
        """`name` and all that it calls, without the handlers of its signals."""
        if name not in self._called:
            found, waiting = {name}, [name]
            while waiting:
                for edge in self.out.get(waiting.pop(), ()):
                    if edge.kind == "calls" and edge.target not in found:
                        found.add(edge.target)
                        waiting.append(edge.target)
            self._called[name] = frozenset(found)
        return self._called[name]

    def effects(self, name: str) -> tuple[frozenset[str], frozenset[str]]:
        """The tables that are written, and those that are read, when `name` runs."""
        if not self._effects:
            classes = {d.id for d in self.definitions.values() if d.kind == "class"}
            self._effects.update(effects(self.known, self.out, self.accesses, classes))
        return self._effects[name]

    def refusal(self, name: str) -> str | None:
        """A domain exception that `name`, or what it calls, raises."""
        if not self._refusals:
            self._refusals.append(refusals(self.definitions, self.out))
        return self._refusals[0].get(name)


def _frozen(found: dict[str, list[_T]]) -> dict[str, tuple[_T, ...]]:
    return {key: tuple(values) for key, values in found.items()}
