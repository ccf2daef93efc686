"""Find the files of a monolith; their names come later, when their imports are known."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from migrator.model.errors import MigratorError

_LEFT_OUT = {
    "tests", "test", "testing", "node_modules", "site-packages", "__pycache__", "project_template",
    "app_template",
}  # fmt: skip
_OFTEN_MADE = {"venv", "env", "build", "dist"}
_LEFT_OUT_FILES = {"conftest.py", "setup.py", "noxfile.py"}
_ROWS = (".json", ".yaml", ".yml", ".xml")
_GENERATED = ("_pb2.py", "_pb2_grpc.py", "_pb2.pyi")


class SourceFile(NamedTuple):
    """`place` is where it is, `path` the same relative to the analysed root with forward slashes,
    `role` ``code``, ``sql`` or ``rows`` (what is a migration is told later, by what is in it)."""

    place: str
    path: str
    role: str

    @property
    def file(self) -> Path:
        return Path(self.place)


def discover(root: Path, exclude: Sequence[str] = ()) -> list[SourceFile]:
    """Every Python and SQL file, and every fixture, below `root`, sorted by path; `root` may be one
    Python file.

    `exclude` are glob patterns of relative paths. Raises MigratorError where `root` is missing,
    no Python, or holds none.
    """
    if not root.exists():
        raise MigratorError("no such file or folder", where=str(root))
    if root.is_file():
        if root.suffix != ".py":
            raise MigratorError("not a Python file or a folder", where=str(root))
        return [SourceFile(str(root), root.name, "code")]
    found = [
        SourceFile(place, path, _role(path))
        for place, path in _files(str(root))
        if not any(fnmatch(path, p) or fnmatch(path, f"{p.rstrip('/')}/*") for p in exclude)
    ]
    if not any(f.role == "code" for f in found):
        raise MigratorError("no Python file in this folder", where=str(root))
    return sorted(found, key=attrgetter("path"))


def _role(path: str) -> str:
    if path.endswith(".sql"):
        return "sql"
    return "code" if path.endswith(".py") else "rows"


def _files(root: str) -> Iterator[tuple[str, str]]:
    """Place and relative path of each file. A folder that links lead to twice is read once."""
    seen: set[tuple[int, int]] = set()
    waiting = [(root, "")]
    while waiting:
        folder, prefix = waiting.pop()
        try:
            told = os.stat(folder)
            names, files = _entries(folder)
        except OSError:  # it vanished
            continue
        if (prefix and _is_apart(folder, names, files)) or (told.st_dev, told.st_ino) in seen:
            continue
        seen.add((told.st_dev, told.st_ino))
        for name in sorted(files):
            if _is_source(prefix, name):
                yield os.path.join(folder, name), prefix + name
        wanted = (n for n in sorted(names, reverse=True) if _wanted(folder, n))
        waiting += [(os.path.join(folder, name), f"{prefix}{name}/") for name in wanted]


def _entries(folder: str) -> tuple[list[str], list[str]]:
    """The names of the folders in a folder, and of all else."""
    names: list[str] = []
    files: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            (names if _is_folder(entry) else files).append(entry.name)
    return names, files


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_source(prefix: str, name: str) -> bool:
    if name.endswith((".py", ".sql")):
        return not _left_out(name)
    return name.endswith(_ROWS) and "/fixtures/" in f"/{prefix}"


def _wanted(folder: str, name: str) -> bool:
    if name in _LEFT_OUT or name.startswith("."):
        return False
    return name not in _OFTEN_MADE or os.path.exists(os.path.join(folder, name, "__init__.py"))


def _is_apart(folder: str, names: list[str], files: list[str]) -> bool:
    """A virtual environment; or what was scaffolded from this very tree, which is no part of the
    monolith."""
    return "pyvenv.cfg" in files or (
        ".migrator" in names and os.path.exists(os.path.join(folder, ".migrator/lock.json"))
    )


_MOST_NAMESPACES = 2


def _left_out(name: str) -> bool:
    return name in _LEFT_OUT_FILES or name.endswith(_GENERATED)


def package_prefix(base: Path) -> str:
    """Where `base` is itself a package, the dotted name it has from outside."""
    parts: list[str] = []
    folder = base.resolve()
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)


def prefixes_of(root: Path) -> tuple[str, ...]:
    """The dotted names that the analysed root, a folder or a file, may have from outside: each
    folder above the topmost package may be a namespace package, which nothing in it tells."""
    base = (root.parent if root.is_file() else root).resolve()
    prefix = package_prefix(base)
    if not prefix:
        return ()
    found = [prefix]
    for folder in base.parents[prefix.count(".") :][:_MOST_NAMESPACES]:
        if not folder.name.isidentifier():
            break
        found.append(f"{folder.name}.{found[-1]}")
    return tuple(found)
