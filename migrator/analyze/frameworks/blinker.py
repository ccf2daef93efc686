"""Signals of blinker: who sends reaches who is connected, with no name in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from migrator.analyze.facts.shape import CALL
from migrator.analyze.frameworks.protocol import Framework
from migrator.analyze.project.project import Project
from migrator.analyze.project.search import assigned_calls, calls, decorated
from migrator.analyze.project.walk import owner_of
from migrator.analyze.schema import Schema
from migrator.model.graph import Dependency, EntryPoint


class Blinker(Framework):
    """``signal.connect`` and ``signal.send``."""

    name: ClassVar[str] = "blinker"
    packages: ClassVar[tuple[str, ...]] = ("blinker",)

    def declare(self, project: Project, schema: Schema) -> None:
        for id_, module, call, made in assigned_calls(project):
            if made in ("blinker.Signal", "blinker.signal", "blinker.NamedSignal"):
                schema.trait(id_, "signal")
            elif made.endswith(".signal") and ":" in made:
                owner = project.names.definition(made.removesuffix(".signal"))
                if owner is not None and owner.kind == "variable":
                    schema.trait(id_, "signal")
            elif made.rpartition(".")[2] == "Namespace" and "blinker" in made:
                schema.trait(id_, "signal")
            del module, call

    def entry_points(self, project: Project, schema: Schema) -> Iterable[EntryPoint | Dependency]:
        objects = {id_ for id_, traits in schema.traits.items() if "signal" in traits}
        if not objects:
            return
        handlers: dict[str, set[str]] = {}
        for signal, handler, line in _connections(project, objects):
            handlers.setdefault(signal, set()).add(handler)
            yield EntryPoint("signal", signal.rpartition(":")[2], None, None, handler, line)
        counts: dict[tuple[str, str], list[int]] = {}
        for found in calls(project, ("send", "send_async")):
            owner = owner_of(found.call[2])
            target = None
            if type(owner) is str:
                target = project.names.resolve(found.module.name, owner, found.local)
            for handler in handlers.get(target or "", ()):
                if not found.definition.endswith(":"):
                    counts.setdefault((found.definition, handler), []).append(found.call[1])
        for (source, target), lines in counts.items():
            yield Dependency(source, target, "signals", len(lines), min(lines))


def _connections(project: Project, objects: set[str]) -> Iterator[tuple[str, str, int]]:
    for one in decorated(project):
        decorator = one.decorator
        func = decorator[2] if type(decorator) is tuple and decorator[0] == CALL else decorator
        if type(func) is str and func.rpartition(".")[2] in ("connect", "connect_via"):
            signal = project.resolve(one.module.name, func.rpartition(".")[0])
            if signal in objects:
                yield signal, one.definition, one.line
    for found in calls(project, ("connect",)):
        owner, args = owner_of(found.call[2]), found.call[3]
        if type(owner) is not str or not args or type(args[0]) is not str:
            continue
        signal = project.names.resolve(found.module.name, owner, found.local)
        target = project.names.resolve(found.module.name, args[0], found.local)
        handler = project.names.definition_of(target)
        if signal in objects and handler:
            yield signal, handler, found.call[1]
