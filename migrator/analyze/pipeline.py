"""The way from a source tree to the Graph."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from migrator.analyze.discover import discover, prefix_of
from migrator.analyze.facts.file_keys import FileKeys
from migrator.analyze.frameworks.registry import kinds
from migrator.analyze.kept import KeptGraph, code_of, key_of_tree
from migrator.analyze.settings import Settings, settings_for
from migrator.model.graph import Graph

if TYPE_CHECKING:
    from migrator.model.graph_rewrite import Rewriting

Progress = Callable[[str], None]
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
    nothing is kept, or the tree changed meanwhile. `rewriting` tells how a file that holds a former
    graph comes to hold this one, where it differs from that in little."""

    graph: Graph
    key: bytes | None
    rewriting: Rewriting | None = None


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
        if cache is None:
            from migrator.analyze.run import Run

            run = Run(root, files, settings, tell, workers)
            return Analysis(run.whole(), None)
        code = code_of(settings, prefix_of(root), kinds(settings.frameworks))
        file_keys = FileKeys(cache)
        keys = file_keys.of(files)
        kept = KeptGraph(cache)
        name = key_of_tree(root, [(f, keys.get(f.file, b"")) for f in files], code)
        known = kept.get(name)
        if known is not None:
            return Analysis(known, name)
        # Half of what a command takes where nothing changed would be importing all this.
        from migrator.analyze.run import Held, Run

        held = Held.below(cache, kept, code, keys)
        run = Run(root, files, settings, tell, workers, held)
        change = run.changed()
        graph = run.whole() if change is None else None
        # A file that could not be read, or changed meanwhile, has no bytes to be named by.
        settled = keys == file_keys.of(files) and len(keys) == len(files)
        if change is not None:
            if settled:
                kept.put_change(name, change.change)
            return Analysis(change.graph, name if settled else None, change.rewriting)
        assert graph is not None
        if settled:
            kept.put(name, graph)
            run.keep(name)
        return Analysis(graph, name if settled else None)


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
