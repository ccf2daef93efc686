"""The parts of a former graph that are others now, where a change reaches no further than the
modules that were interpreted again.

What is told by several modules together (accesses through calls, units of work, who is used as a
decorator) must be as it was: else the whole graph is put together anew.
"""

from __future__ import annotations

import marshal
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from migrator.analyze import assemble
from migrator.analyze.accesses import access_of, reached, together
from migrator.analyze.assemble import definitions_of, told_of
from migrator.analyze.definitions import decorators
from migrator.analyze.imports import imports_of
from migrator.analyze.inert import functions_of
from migrator.analyze.infer.sink import UNKNOWN_OBJECT
from migrator.analyze.interpret import Found, unpacked
from migrator.analyze.kept_base import Handed
from migrator.analyze.parcels import Parcel
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Schema
from migrator.analyze.transactions import commits
from migrator.model.graph import Access, Definition, Dependency, Unresolved
from migrator.model.graph import Module as GraphModule

# New records by field and key, as in `graph_chunks`.
Records = dict[str, dict[str, list[Any]]]


@dataclass(frozen=True, slots=True)
class Patch:
    """`signals` and `unresolved` are those that no interpretation told."""

    project: Project
    schema: Schema
    signals: Sequence[Dependency]
    unresolved: Sequence[Unresolved]

    def records(
        self, module: Module, before: Module, was: Parcel, now: Parcel, handed: Handed,
        definitions: Collection[Definition], into: Records,
    ) -> bool:  # fmt: skip
        """Add the records of a module; `before` is what it was, `definitions` those it had. False
        where the change reaches further."""
        old, new = unpacked(marshal.loads(was.found)), unpacked(marshal.loads(now.found))
        if not (_is_own(module, old) and _is_own(module, new)):
            return False
        if not self._is_near(module, before, old, new, handed):
            return False
        decorating = {d.id for d in definitions if "decorator" in d.traits}
        told = told_of(new.rows)
        direct = {access_of(self.project, t.definition, t.line, t) for t in new.touches}
        accessed = together(direct, [Access(*a) for a in handed.accesses])  # type: ignore[arg-type]
        imported, unknown = imports_of(self.project, module)
        signals = [s for s in self.signals if s.source.partition(":")[0] == module.name]
        for field, key, records, order in (
            ("definitions", module.path,
             definitions_of(self.project, self.schema, module, told, decorating),
             assemble.DEFINITIONS),
            ("accesses", module.path, accessed, assemble.ACCESSES),
            ("dependencies", module.name, [*reached(self.project, new), *signals],
             assemble.DEPENDENCIES),
            ("imports", module.name, imported, assemble.IMPORTS),
            ("unresolved", module.path, self._unresolved(module, new, handed, unknown),
             assemble.UNRESOLVED),
        ):  # fmt: skip
            every: Iterable[Any] = records
            into.setdefault(field, {})[key] = sorted(every, key=order)
        one = GraphModule(module.name, module.path, module.lines)
        into.setdefault("modules", {})[module.name] = [one]
        return True

    def _is_near(
        self, module: Module, before: Module, old: Found, new: Found, handed: Handed
    ) -> bool:
        """Whether nothing changed by which other modules' records are told."""
        if set(old.through) != set(new.through) or set(old.makings) != set(new.makings):
            return False
        if decorators(old.edges, self.project) != decorators(new.edges, self.project):
            return False
        if _flow(before, old) != _flow(module, new):
            return False
        tables = {t.table for t in old.touches} ^ {t.table for t in new.touches}
        if not tables.isdisjoint(self.schema.elsewhere):
            return False
        # By what it names and touches itself it is told whose an access through calls is.
        concerned = bool(new.through or handed.lines or handed.accesses)
        return not concerned or _named(old) == _named(new)

    def _unresolved(
        self, module: Module, new: Found, handed: Handed, unknown: Iterable[Unresolved]
    ) -> set[Unresolved]:
        known = handed.lines | {
            t.touch.line for t in new.through if t.touch.definition.partition(":")[0] == module.name
        }
        told = {u for u in new.unresolved if u.why != UNKNOWN_OBJECT or u.line not in known}
        every = (*self.unresolved, *self.schema.unresolved)
        return told | set(unknown) | {u for u in every if u.path == module.path}


def _is_own(module: Module, found: Found) -> bool:
    """Whether all is told of the module itself."""
    ids = {t.definition for t in found.touches}
    ids |= {t.caller_definition for t in found.through}
    ids |= {r.definition for r in found.reaches}
    ids |= {e.source for e in found.edges}
    ids |= {row[0] for row in found.rows}
    return all(id_.partition(":")[0] == module.name for id_ in ids) and all(
        u.path == module.path for u in found.unresolved
    )


def _flow(module: Module, found: Found) -> tuple[Collection[object], ...]:
    """What units of work are told by: calls, writes and ends."""
    codes = [code for fact in module.own.values() for code in functions_of(module, fact)]
    ends = {code.key for code in codes if commits(module, code)}
    generators = {code.key for code in codes if "generator" in code.statement[8]}
    writes = {(t.function, t.definition, t.table) for t in found.touches if t.mode != "read"}
    return ends, generators, writes, {(r.function, r.target) for r in found.reaches}


def _named(found: Found) -> tuple[Collection[object], ...]:
    return (
        {(e.source, e.target) for e in found.edges},
        {(t.function, t.table, t.mode) for t in found.touches},
    )
