"""Facts of many files: kept ones from the store, the rest in parallel over the cores."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from migrator.analyze.facts.read import Facts, facts_of, trouble_of
from migrator.analyze.facts.source import read_file
from migrator.analyze.facts.store import Store

Advance = Callable[[int, int], None]
_CHUNK_BYTES = 300_000
_ALONE_BYTES = 250_000


def extract(
    paths: Sequence[Path],
    *,
    store: Store | None = None,
    keys: Mapping[Path, bytes] | None = None,
    workers: int | None = None,
    advance: Advance | None = None,
    keep: Callable[[list[Facts]], None] | None = None,
) -> list[Facts]:
    """The facts of each path, in order. `keys` are those of `FileKeys` where they are known
    already. `advance` is told (files done, files in all), `keep` what the store does not hold;
    by default that keeps it."""
    tell = advance or _silent
    keep = keep or (store.put if store is not None else None)
    found: dict[Path, Facts] = {}
    if store is not None and keys is not None and store.path.exists():
        kept = store.get(keys.values())
        found = {path: kept[key] for path, key in keys.items() if key in kept}
    missing = [path for path in paths if path not in found]
    tell(len(found), len(paths))
    fresh: list[Facts] = []
    for path, facts in _read_all(missing, workers or usable_cores()):
        found[path] = facts
        fresh.append(facts)
        tell(len(found), len(paths))
    if keep is not None and fresh:
        keep([f for f in fresh if f.key != _UNREAD])
    return [found[path] for path in paths]


_UNREAD = trouble_of("").key


def usable_cores() -> int:
    """The cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


def can_fork() -> bool:
    return "fork" in multiprocessing.get_all_start_methods()


def _read(path: Path) -> Facts:
    source = read_file(path)
    return trouble_of(source) if isinstance(source, str) else facts_of(source)


def _read_all(paths: Sequence[Path], workers: int) -> Iterator[tuple[Path, Facts]]:
    sizes = {path: _size(path) for path in paths}
    if workers < 2 or not can_fork() or sum(sizes.values()) < _ALONE_BYTES:
        yield from _in_chunk(paths)
        return
    done: set[Path] = set()
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        waiting = [pool.submit(_in_chunk, chunk) for chunk in _chunks(paths, sizes)]
        try:
            for future in as_completed(waiting):
                for path, facts in future.result():
                    done.add(path)
                    yield path, facts
        except BrokenProcessPool:
            # A file that kills its reader must not take the others along.
            pass
    for path in paths:
        if path not in done:
            yield path, _read_apart(path)


def _read_apart(path: Path) -> Facts:
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            return pool.submit(_read, path).result()
        except BrokenProcessPool:
            return trouble_of("its reader was killed: nested too deeply or too large")


def _in_chunk(paths: Sequence[Path]) -> list[tuple[Path, Facts]]:
    # Trees and facts have no cycles; the collector would only walk them over and over.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return [(path, _read(path)) for path in paths]
    finally:
        if collecting:
            gc.enable()


def _chunks(paths: Sequence[Path], sizes: dict[Path, int]) -> Iterator[list[Path]]:
    """Largest first, so that no core ends long after the others."""
    chunk: list[Path] = []
    held = 0
    for path in sorted(paths, key=lambda p: (-sizes[p], p)):
        chunk.append(path)
        held += sizes[path]
        if held >= _CHUNK_BYTES:
            yield chunk
            chunk, held = [], 0
    if chunk:
        yield chunk


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _silent(done: int, every: int) -> None:
    del done, every
