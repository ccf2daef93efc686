"""The way from a source tree to the Graph."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from migrator.analyze.assemble import assemble
from migrator.analyze.declaring import declare
from migrator.analyze.discover import SourceFile, discover, package_prefix
from migrator.analyze.facts.extract import extract, read_file
from migrator.analyze.facts.file_keys import FileKeys
from migrator.analyze.facts.read import Facts
from migrator.analyze.facts.store import Store
from migrator.analyze.frameworks.protocol import Framework
from migrator.analyze.frameworks.registry import frameworks
from migrator.analyze.frameworks.sql.plugin import dialect_of
from migrator.analyze.interpret import found_in, interpret
from migrator.analyze.kept import KeptGraph, code_of, key_of_tree
from migrator.analyze.migrations import with_roles
from migrator.analyze.parcels import KeptParcels, state_of
from migrator.analyze.project.modules import Module, absolute_module
from migrator.analyze.project.project import Project
from migrator.analyze.project.roots import name_files
from migrator.analyze.schema import Schema
from migrator.analyze.settings import Settings, settings_for
from migrator.analyze.test_files import is_test
from migrator.model.graph import Dependency, EntryPoint, Graph, Unresolved

Progress = Callable[[str], None]
# A larger one is a dump of rows.
_LARGEST_SCRIPT = 2_000_000
_RECURSION = 6_000


def analyze(
    root: Path,
    *,
    progress: Progress | None = None,
    cache: Path | None = None,
    settings: Settings | None = None,
    workers: int | None = None,
) -> Graph:
    """The Graph of the Python below `root`.

    `cache` is the folder of the facts kept between runs, none by default. `settings` are those
    of the tree itself (see `settings_for`) unless given. Raises MigratorError where `root` cannot
    be analysed at all; a file that cannot be is listed in `unresolved` and the rest goes on.
    """
    return analysis(
        root, progress=progress, cache=cache, settings=settings, workers=workers
    ).graph  # fmt: skip


@dataclass(frozen=True, slots=True)
class Analysis:
    """`key` names everything that the graph depends on: equal keys mean equal graphs. None where
    nothing is kept, or the tree changed meanwhile."""

    graph: Graph
    key: bytes | None


def analysis(
    root: Path,
    *,
    progress: Progress | None = None,
    cache: Path | None = None,
    settings: Settings | None = None,
    workers: int | None = None,
) -> Analysis:
    """As `analyze`, with the name of what came out."""
    tell = progress or _silent
    settings = settings if settings is not None else settings_for(root)
    with _no_collection(), _deep_recursion():
        tell("finding files")
        files = discover(root, settings.exclude)
        plugins = frameworks(settings.frameworks)
        if cache is None:
            graph = _analyze(root, files, None, {}, settings, plugins, tell, workers)
            return Analysis(graph, None)
        code = code_of(settings, _prefix(root), plugins)
        file_keys = FileKeys(cache)
        keys = file_keys.of(files)
        kept = KeptGraph(cache)
        keyed = [(f, keys.get(f.file, b"")) for f in files]
        name = key_of_tree(root, keyed, code)
        known = kept.get(name)
        if known is not None:
            return Analysis(known, name)
        held = _Held(Store(cache), KeptParcels(cache), code)
        graph = _analyze(root, files, held, keys, settings, plugins, tell, workers)
        # A file that could not be read, or changed meanwhile, has no bytes to be named by.
        if keys != file_keys.of(files) or len(keys) != len(files):
            return Analysis(graph, None)
        kept.put(name, graph)
        return Analysis(graph, name)


@dataclass(frozen=True, slots=True)
class _Held:
    """What is kept between runs, and what names the code that made it."""

    facts: Store
    parcels: KeptParcels
    code: str


def _analyze(
    root: Path, files: Sequence[SourceFile], held: _Held | None, keys: Mapping[Path, bytes],
    settings: Settings, plugins: Sequence[Framework], tell: Progress, workers: int | None,
) -> Graph:  # fmt: skip
    scripts = [f for f in files if f.role == "sql"]
    files = [f for f in files if f.role != "sql"]
    every = extract(
        [f.file for f in files], store=held.facts if held else None, keys=keys or None,
        workers=workers,
        advance=lambda done, of: tell(f"reading {done} of {of} files"),
    )  # fmt: skip
    project, unresolved = load(root, files, every, settings)
    tell("reading tables")

    def begin(project: Project) -> Schema:
        schema = Schema(dialect=settings.dialect or dialect_of(project))
        schema.loaded = project.names.loaded.bound
        _read_scripts(scripts, schema)
        return schema

    project, schema, plugins, declared = declare(project, plugins, begin)
    points = [p for p in declared if isinstance(p, EntryPoint)]
    signals = [s for s in declared if isinstance(s, Dependency)]
    tell("following calls")
    state = state_of(project, schema, plugins, held.code) if held else None
    kept = held.parcels.get(state, project, held.facts.one) if held and state else {}
    parcels = interpret(
        project, schema, plugins, workers=workers, kept=kept,
        advance=lambda done, of: tell(f"following calls: {done} of {of} modules"),
    )  # fmt: skip
    if held and state and len(kept) < len(parcels):
        held.parcels.put(state, parcels)
    tell("putting together")
    done = found_in(parcels.values())
    return assemble(root, project, schema, done, points, signals, unresolved).graph


def _read_scripts(scripts: Iterable[SourceFile], schema: Schema) -> None:
    for script in scripts:
        source = read_file(script.file, _LARGEST_SCRIPT)
        if isinstance(source, str):
            schema.unresolved.append(Unresolved(script.path, 1, "file of SQL", source))
        else:
            schema.sql_files[script.path] = source.decode("utf-8-sig", "replace")


def _prefix(root: Path) -> str:
    return package_prefix(root.parent if root.is_file() else root)


def load(
    root: Path, files: Sequence[SourceFile], every: Sequence[Facts], settings: Settings
) -> tuple[Project, list[Unresolved]]:
    """All modules by name, and the files that could not be read."""
    unresolved = [
        Unresolved(file.path, facts.trouble[0], "module", facts.trouble[1])
        for file, facts in zip(files, every, strict=True)
        if facts.trouble is not None
    ]
    sound = [(f, x) for f, x in zip(files, every, strict=True) if x.trouble is None]
    readable = [(f, x) for f, x in with_roles(sound) if _is_read(f, x, settings)]
    names = name_files(
        [f.path for f, _ in readable], _imported(readable),
        prefix=_prefix(root), roots=settings.roots,
    )  # fmt: skip
    modules = [Module(names[f.path], f.path, x, f.role) for f, x in readable]
    return Project(modules), unresolved


def _is_read(file: SourceFile, facts: Facts, settings: Settings) -> bool:
    """Generated code is left out, but for revisions: they tell tables, whoever wrote them."""
    if is_test(file.path, facts.interface):
        return False
    return settings.generated or file.role != "code" or not facts.interface.generated


def _imported(files: Iterable[tuple[SourceFile, Facts]]) -> Iterator[str]:
    """The absolute names that the files import, for the vote on their own names."""
    for _, facts in files:
        for _, _, _, level, module, names in facts.interface.imports:
            if level == -1:
                yield from (name for name, _ in names)
            elif level == 0:
                for name, _ in names:
                    yield f"{absolute_module('', False, module, 0)}.{name}"


@contextmanager
def _no_collection() -> Iterator[None]:
    """Facts and graph have no cycles worth collecting, and are many."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """A chain of a few hundred calls is interpreted with several frames for each."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _silent(message: str) -> None:
    del message
