"""A run that begins from a former one: what its plug-ins declared stands where nothing changed
that they asked for (`inert`)."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrator.analyze.accesses import Accesses
from migrator.analyze.changed import OldFacts, as_before
from migrator.analyze.inert import Questions, is_inert
from migrator.analyze.interpret import Found
from migrator.analyze.kept_base import Base, File, packed
from migrator.analyze.kept_declared import Told, dumped, loaded, named_tests, tests_named
from migrator.analyze.parcels import State
from migrator.analyze.project.asked import Asked
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project


@dataclass(frozen=True, slots=True)
class Again:
    """`before` are the changed modules as they were, by name."""

    base: Base
    told: Told
    before: Mapping[str, Module]

    def state(self, project: Project) -> State:
        """Classes are as they were, so their hierarchy is."""
        keys = [(m.name, m.facts.key) for m in project.code]
        return State(self.base.world, (*keys, ("", self.base.below)))


def again(
    base: Base | None, project: Project, files: Sequence[File], old: OldFacts
) -> Again | None:
    """What of a former run stands; None where the plug-ins have to read all files again."""
    if base is None or [f[:2] for f in files] != [f[:2] for f in base.files]:
        return None
    if list(_modules(project)) != list(base.modules):
        return None
    changed = {new[0]: was[2] for was, new in zip(base.files, files, strict=True) if was != new}
    before = _before(project, changed, old)
    tests = tests_named(base.tests)
    if before is None or tests is None:
        return None
    asked = Asked(set(base.calls), set(base.names), tests, set(base.opened))
    missed = frozenset(base.missed)
    for name, was in before.items():
        questions = Questions(asked, base.noted_of(name), missed)
        if not is_inert(was, project.modules[name], questions):
            return None
    told = loaded(base.declared, project)
    if told is None or told.schema.loaded != project.names.loaded.bound:
        return None
    return Again(base, told, before)


def _before(
    project: Project, changed: Mapping[str, bytes], old: OldFacts
) -> dict[str, Module] | None:
    """The changed modules as they were; None where more than some of their definitions changed,
    or another file."""
    found = {}
    modules = {m.path: m for m in project.code}
    for path, key in changed.items():
        module = modules.get(path)
        was = None
        if module is not None:
            was = as_before(module, old(key), project.names.loaded.bound)
        if was is None:
            return None
        found[was.name] = was
    return found


def _modules(project: Project) -> Iterable[tuple[str, str, str]]:
    for module in (*project.code, *project.revisions):
        yield module.name, module.path, module.role


@dataclass(frozen=True, slots=True)
class Declaration:
    """What was declared and asked, as `Base` keeps it: made before anything is interpreted, as
    that asks too."""

    modules: tuple[tuple[str, str, str], ...]
    noted: dict[str, bytes]
    asked: Asked
    declared: bytes

    @classmethod
    def of(cls, project: Project, told: Told) -> Declaration | None:
        declared = dumped(told, project)
        if declared is None:
            return None
        asked = project.asked
        return cls(
            tuple(_modules(project)),
            {m.name: packed(sorted(m.bits)) for m in project.code},
            Asked(set(asked.calls), set(asked.names), set(asked.tests), set(asked.opened)),
            declared,
        )

    @classmethod
    def again(cls, base: Base) -> Declaration:
        asked = Asked(
            set(base.calls), set(base.names), tests_named(base.tests) or set(), set(base.opened)
        )
        return cls(base.modules, base.noted, asked, base.declared)


def base_of(
    declaration: Declaration, graph: bytes, state: State, files: Sequence[File],
    project: Project, done: Found, accessed: Accesses,
) -> Base:  # fmt: skip
    """A whole run, to be kept."""
    asked = declaration.asked
    missed = {r.target for r in done.reaches if project.names.definition_of(r.target) is None}
    return Base(
        graph, state.world, state.keys[-1][1], tuple(files), declaration.modules,
        declaration.noted, tuple(sorted(asked.calls)), tuple(sorted(asked.names)),
        tuple(named_tests(asked.tests)), tuple(sorted(asked.opened)), tuple(sorted(missed)),
        _handed(done, accessed), declaration.declared,
    )  # fmt: skip


def _handed(done: Found, accessed: Accesses) -> dict[str, bytes]:
    lines: dict[str, set[int]] = {}
    for through in done.through:
        module = through.touch.definition.partition(":")[0]
        lines.setdefault(module, set()).add(through.touch.line)
        # A module that only hands on is told too, by having an entry.
        lines.setdefault(through.caller_definition.partition(":")[0], set())
    told: dict[str, list[tuple[object, ...]]] = {}
    for a in accessed.through:
        row = (a.definition, a.table, a.mode, a.path, a.line, a.how, a.confidence, a.via)
        told.setdefault(a.definition.partition(":")[0], []).append(row)
    found: dict[str, bytes] = {}
    for name, of in lines.items():
        rows: tuple[Any, ...] = tuple(told.get(name, ()))
        found[name] = marshal.dumps((frozenset(of), rows))
    return found
