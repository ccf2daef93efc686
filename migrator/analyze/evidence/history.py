"""Which modules change together, from git's history.

A commit that changes n modules counts 1/(n-1) for each pair of them, so that every commit gives
each of its modules a total of one however large it is: Newman's weight for collaborations
(M. E. J. Newman, Scientific collaboration networks II, Physical Review E 64, 016132, 2001).
Commits over more than `MOST_FILES` modules (a rename of everything, a formatter) say nothing of
coupling and are left out, as are pairs seen together only once.
"""

from __future__ import annotations

import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from migrator.analyze.evidence import recounted
from migrator.model.errors import MigratorError
from migrator.model.graph import CoChange, Graph, Unresolved

MOST_COMMITS = 5_000
MOST_FILES = 40
MOST_PAIRS = 20_000
LEAST_COMMITS = 2


@dataclass(frozen=True, slots=True)
class Commit:
    """Paths changed, and renames as (old, new), relative to the analysed folder."""

    paths: tuple[str, ...]
    renames: tuple[tuple[str, str], ...] = ()


def with_history(graph: Graph, root: Path) -> Graph:
    """`graph` with the co-changes of its modules. Raises MigratorError where `root` is in no
    git repository or git is not there."""
    folder = root if root.is_dir() else root.parent
    commits = list(read_commits(folder))
    modules = {m.path: m.name for m in graph.modules}
    shallow = _git(folder, "rev-parse", "--is-shallow-repository").strip() == "true"
    unresolved = graph.unresolved
    if shallow:
        why = f"the clone is shallow: only {len(commits)} commits are known"
        unresolved = (*unresolved, Unresolved(".git", 0, "history", why))
    found = co_changes(commits, modules)
    return recounted(replace(graph, co_changes=found, unresolved=unresolved))


def co_changes(commits: Iterable[Commit], modules: dict[str, str]) -> tuple[CoChange, ...]:
    """Pairs of `modules` (name by path of today) over `commits`, the newest first. A rename is
    followed backwards: older commits know a file by its older name."""
    today = dict(modules)
    counts: dict[tuple[str, str], int] = defaultdict(int)
    weights: dict[tuple[str, str], float] = defaultdict(float)
    for commit in commits:
        changed = sorted({today[p] for p in commit.paths if p in today})
        for old, new in commit.renames:
            name = today.pop(new, None)
            if name is not None:
                today[old] = name
        if 2 <= len(changed) <= MOST_FILES:
            for pair in combinations(changed, 2):
                counts[pair] += 1
                weights[pair] += 1 / (len(changed) - 1)
    kept = [pair for pair, count in counts.items() if count >= LEAST_COMMITS]
    kept = sorted(kept, key=lambda pair: (-weights[pair], pair))[:MOST_PAIRS]
    return tuple(CoChange(a, b, counts[a, b], round(weights[a, b], 4)) for a, b in sorted(kept))


def read_commits(folder: Path, most: int = MOST_COMMITS) -> Iterator[Commit]:
    """The newest `most` commits below `folder` that are no merges."""
    text = _git(
        folder, "log", "--no-merges", f"--max-count={most}", "--relative", "-M", "--no-ext-diff",
        "--name-status", "--diff-filter=ACDMR", "-z", "--format=%x01", "--", ".",
    )  # fmt: skip
    for block in text.split("\x01")[1:]:
        fields = iter([f for f in block.replace("\n", "").split("\0") if f])
        paths: list[str] = []
        renames: list[tuple[str, str]] = []
        for status in fields:
            path = next(fields, "")
            if status[0] in "RC":
                new = next(fields, "")
                if status[0] == "R":
                    renames.append((path, new))
                path = new
            paths.append(path)
        yield Commit(tuple(paths), tuple(renames))


def _git(folder: Path, *arguments: str) -> str:
    """Asks git, and lets nothing that a repository configures run."""
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-C", str(folder)]
    try:
        done = subprocess.run(
            [*command, "--no-optional-locks", *arguments], capture_output=True, check=False
        )
    except FileNotFoundError as error:
        raise MigratorError("--history: git is not installed") from error
    if done.returncode:
        told = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["git failed"]
        raise MigratorError(f"--history: {told[0]}", where=str(folder))
    return done.stdout.decode("utf-8", "replace")
