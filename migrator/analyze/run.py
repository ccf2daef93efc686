"""One analysis, its steps in order: from the start, or from what a former one left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

from migrator.analyze.again import Again, Declaration, again, base_of
from migrator.analyze.aside import Aside
from migrator.analyze.assemble import Assembled, assemble
from migrator.analyze.declaring import declare
from migrator.analyze.discover import SourceFile
from migrator.analyze.facts.extract import extract
from migrator.analyze.facts.read import Facts
from migrator.analyze.facts.store import Store
from migrator.analyze.frameworks.protocol import Framework
from migrator.analyze.frameworks.registry import frameworks
from migrator.analyze.frameworks.sql.plugin import dialect_of
from migrator.analyze.interpret import Found, found_in, interpret
from migrator.analyze.kept import KeptGraph
from migrator.analyze.kept_base import File, KeptBase
from migrator.analyze.kept_declared import Told
from migrator.analyze.loading import load, read_rows, read_scripts
from migrator.analyze.parcels import KeptParcels, Parcel, State, Taken, state_of
from migrator.analyze.patching import Patch, Records
from migrator.analyze.prefixes import unused, with_prefixes
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Schema
from migrator.analyze.settings import Settings
from migrator.model.graph import Dependency, EntryPoint, Graph
from migrator.model.graph_change import Change, Whole, change_of
from migrator.model.graph_rewrite import Rewriting

# Lines that are interpreted again in each run, of all lines and of a small tree.
_NEAR, _NEAR_LINES = 0.02, 2_000
# To write the facts of fewer takes less than a process.
_FEW_FILES = 200


@dataclass(frozen=True, slots=True)
class Held:
    """What is kept between runs, what names the code that made it, and the names of the files'
    bytes."""

    facts: Store
    parcels: KeptParcels
    base: KeptBase
    graphs: KeptGraph
    code: str
    keys: Mapping[str, bytes]

    @classmethod
    def below(
        cls, folder: Path, graphs: KeptGraph, code: str, keys: Mapping[str, bytes]
    ) -> Held:  # fmt: skip
        kept = Store(folder), KeptParcels(folder), KeptBase(folder, code)
        return cls(*kept, graphs, code, keys)


class Changed(NamedTuple):
    """A Graph that differs from a former one in little."""

    graph: Graph
    change: Change
    rewriting: Rewriting


class Run:
    """`changed` first, then `whole` where that gives nothing, then `keeping`; `settle` at last."""

    def __init__(
        self, root: Path, files: Sequence[SourceFile], settings: Settings,
        tell: Callable[[str], None], workers: int | None, held: Held | None = None,
    ) -> None:  # fmt: skip
        self._root, self._settings, self._tell = root, settings, tell
        self._workers, self._held = workers, held
        self._aside: Aside | None = None
        self._read: dict[str, Found] = {}
        self._scripts = [f for f in files if f.role == "sql"]
        self._rows = [f for f in files if f.role == "rows"]
        code = [f for f in files if f.role == "code"]
        known = held.keys if held else {}
        every = extract(
            [f.file for f in code], store=held.facts if held else None,
            keys={f.file: known[f.path] for f in code if f.path in known} or None, workers=workers,
            advance=lambda done, of: tell(f"reading {done} of {of} files"),
            keep=self._keep_facts if held else None,
        )  # fmt: skip
        self._project, self._unresolved = load(root, code, every, settings)
        self._files: list[File] = [(f.path, f.role, known.get(f.path, b"")) for f in files]
        self._taken = Taken()
        self._state: State | None = None
        self._declaration: Declaration | None = None
        self._done: tuple[Found, Assembled] | None = None
        self._told, self._again = self._begin()
        self._parcels = self._interpreted()

    def _keep_facts(self, fresh: list[Facts]) -> None:
        """While plug-ins read declarations."""
        assert self._held is not None
        store = self._held.facts
        alone = self._workers == 1 or len(fresh) < _FEW_FILES
        self._aside = Aside(lambda: store.put(fresh), alone=alone)

    def _begin(self) -> tuple[Told, Again | None]:
        """What plug-ins declare, anew or as they did."""
        self._tell("reading tables")
        held = self._held
        if held is not None:
            former = again(held.base.get(), self._project, self._files, held.facts.one)
            if former is not None:
                self._declaration = Declaration.again(former.base)
                self._state = former.state(self._project)
                return former.told, former
        read = self._project
        plugins: Sequence[Framework] = frameworks(self._settings.frameworks)
        self._project, schema, plugins, points = declare(read, plugins, self._schema)
        prefixes = dict(self._settings.prefixes)
        schema.unresolved += unused(points, prefixes, "migrator.toml")
        found = list(with_prefixes(points, prefixes))
        told = Told(schema, plugins, found)
        if held is not None:
            self._state = state_of(self._project, schema, plugins, held.code)
            if self._project is read:
                self._declaration = Declaration.of(read, told)
        return told, None

    def _schema(self, project: Project) -> Schema:
        schema = Schema(dialect=self._settings.dialect or dialect_of(project))
        schema.loaded = project.names.loaded.bound
        read_scripts(self._scripts, schema)
        if self._rows and project.imports("django"):
            read_rows(self._rows, schema)
        return schema

    def _interpreted(self) -> dict[str, Parcel]:
        self._tell("following calls")
        held, state = self._held, self._state
        if held is not None and state is not None:
            self._taken = held.parcels.get(state, self._project, held.facts.one)
        return interpret(
            self._project, self._told.schema, self._told.plugins,
            workers=self._workers, kept=self._taken.holding,
            read=self._read if self._again is None else None,
            advance=lambda done, of: self._tell(f"following calls: {done} of {of} modules"),
        )  # fmt: skip

    def _signals(self) -> list[Dependency]:
        return [s for s in self._told.found if isinstance(s, Dependency)]

    def changed(self) -> Changed | None:
        """The Graph by what is another in it than in a former one; None where that is too much."""
        if self._again is None or self._held is None:
            return None
        if self._is_far():
            return None
        whole = self._held.graphs.whole(self._again.base.graph)
        if whole is None or not self._is_of_base(self._again):
            return None
        try:
            records = self._records(self._again, whole)
            change = change_of(whole, records) if records is not None else None
        except (UnicodeEncodeError, msgspec.DecodeError):
            return None
        if change is None:
            return None
        former = {whole.key: Change(whole.key, {}, whole.parts["stats"])}
        last = self._held.graphs.last_change()
        if last is not None:
            former[last[0]] = last[1]
        return Changed(change.graph(whole), change, Rewriting(whole, change, former))

    def _is_far(self) -> bool:
        """Whether so much changed since the last whole run that the next begins better here."""
        lines = sum(self._project.modules[name].lines for name in self._taken.stale)
        return lines > max(_NEAR_LINES, _NEAR * sum(m.lines for m in self._project.code))

    def _is_of_base(self, former: Again) -> bool:
        """Whether the parcels that were kept are those of the same run."""
        keys = {path: key for path, _, key in former.base.files}
        modules = [(m.name, keys.get(m.path)) for m in self._project.code]
        return [tuple(one) for one in self._taken.keys] == [*modules, ("", former.base.below)]

    def _records(self, former: Again, whole: Whole) -> Records | None:
        schema = self._told.schema
        patch = Patch(self._project, schema, self._signals(), self._unresolved)
        found: Records = {}
        for name, was in self._taken.stale.items():
            module = self._project.modules[name]
            sound = patch.records(
                module, former.before.get(name, module), was, self._parcels[name],
                former.base.handed_to(name), whole.records("definitions", module.path), found,
            )  # fmt: skip
            if not sound:
                return None
        return found

    def whole(self) -> Graph:
        """The Graph, all of it put together."""
        self._tell("putting together")
        points = [p for p in self._told.found if isinstance(p, EntryPoint)]
        done = found_in(self._parcels, self._read)
        self._read.clear()
        assembled = assemble(
            self._root, self._project, self._told.schema, done, points, self._signals(),
            self._unresolved,
        )  # fmt: skip
        self._done = done, assembled
        return assembled.graph

    def settle(self) -> None:
        """Return when all that was read is kept."""
        if self._aside is not None:
            self._aside.wait()

    def keeping(self, name: bytes, graph: Graph) -> Aside:
        """Keep a whole run and its Graph, of this name, for later ones to begin from."""
        few = len(self._files) < _FEW_FILES
        return Aside(lambda: self._keep(name, graph), alone=self._workers == 1 or few)

    def _keep(self, name: bytes, graph: Graph) -> None:
        held = self._held
        assert held is not None
        held.graphs.put(name, graph)
        if self._state is None or self._done is None:
            return
        held.parcels.put(self._state, self._parcels)
        if self._declaration is not None:
            done, assembled = self._done
            held.base.put(
                base_of(
                    self._declaration, name, self._state, self._files, self._project, done,
                    assembled.told,
                )
            )  # fmt: skip
