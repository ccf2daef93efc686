"""The way from a source tree to the Graph."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from migrator.analyze.discover import discover
from migrator.analyze.settings import Settings, settings_for
from migrator.analyze.tree import Tree, tree_below

if TYPE_CHECKING:
    from migrator.model.graph import Graph
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
    tree: Tree | None = None,
    use: Callable[[Analysis], None] | None = None,
) -> Analysis:
    """As `analyze`, with the name of what came out; `tree` is what `tree_below` gave just now.
    `use` is called with it while it is still being kept."""
    tell = progress or _silent
    settings = settings if settings is not None else settings_for(root)
    with _no_collection(), _deep_recursion():
        tell("finding files")
        if cache is None:
            from migrator.analyze.run import Run

            files = discover(root, settings.exclude)
            run = Run(root, files, settings, tell, workers)
            return _used(Analysis(run.whole(), None), use)
        tree = tree or tree_below(root, cache, settings)
        from migrator.analyze.kept import KeptGraph

        kept = KeptGraph(cache)
        known = kept.get(tree.name)
        if known is not None:
            return _used(Analysis(known, tree.name), use)
        # Half of what a command takes where nothing changed would be importing all this.
        from migrator.analyze.run import Held, Run

        held = Held.below(cache, kept, tree.code, tree.keys)
        run = Run(root, tree.files, settings, tell, workers, held)
        change = run.changed()
        graph = run.whole() if change is None else None
        name = tree.name if tree.is_settled() else None
        if change is not None:
            if name is not None:
                kept.put_change(name, change.change)
            done = _used(Analysis(change.graph, name, change.rewriting), use)
        else:
            assert graph is not None
            keeping = run.keeping(name, graph) if name is not None else None
            done = _used(Analysis(graph, name), use)
            if keeping is not None:
                keeping.wait()
        run.settle()
        return done


def _used(done: Analysis, use: Callable[[Analysis], None] | None) -> Analysis:
    if use is not None:
        use(done)
    return done


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
