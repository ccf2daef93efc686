"""Find the files of a monolith; their names come later, when their imports are known."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from migrator.model.errors import MigratorError

_LEFT_OUT = {
    "tests", "test", "testing", "node_modules", "site-packages", "__pycache__", "project_template",
    "app_template",
}  # fmt: skip
_OFTEN_MADE = {"venv", "env", "build", "dist"}
_LEFT_OUT_FILES = {"conftest.py", "setup.py", "noxfile.py"}
_GENERATED = ("_pb2.py", "_pb2_grpc.py", "_pb2.pyi")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """`path` is relative to the analysed root with forward slashes, `role` ``code`` or ``sql``
    (what is a migration is told later, by what is in it)."""

    file: Path
    path: str
    role: str


def discover(root: Path, exclude: Sequence[str] = ()) -> list[SourceFile]:
    """Every Python and SQL file below `root`, itself a folder or one Python file, sorted by path.

    `exclude` are glob patterns of relative paths. Raises MigratorError where `root` is missing,
    no Python, or holds none.
    """
    if not root.exists():
        raise MigratorError("no such file or folder", where=str(root))
    if root.is_file():
        if root.suffix != ".py":
            raise MigratorError("not a Python file or a folder", where=str(root))
        return [SourceFile(root, root.name, "code")]
    found = [
        SourceFile(file, path, _role(path))
        for file, path in _files(root)
        if not any(fnmatch(path, p) or fnmatch(path, f"{p.rstrip('/')}/*") for p in exclude)
    ]
    if not any(f.role == "code" for f in found):
        raise MigratorError("no Python file in this folder", where=str(root))
    return sorted(found, key=lambda f: f.path)


def _role(path: str) -> str:
    return "sql" if path.endswith(".sql") else "code"


def _files(root: Path) -> Iterator[tuple[Path, str]]:
    seen: set[tuple[int, int]] = set()
    for folder, names, files in os.walk(root, followlinks=True):
        here = Path(folder)
        if here != root and _is_apart(here, names, files):
            names.clear()
            continue
        try:
            told = here.stat()
        except OSError:  # it vanished
            names.clear()
            continue
        if (told.st_dev, told.st_ino) in seen:
            names.clear()
            continue
        seen.add((told.st_dev, told.st_ino))
        names[:] = sorted(n for n in names if _wanted(here, n))
        relative = here.relative_to(root).as_posix()
        prefix = "" if relative == "." else f"{relative}/"
        for name in sorted(files):
            if name.endswith((".py", ".sql")) and not _left_out(name):
                yield here / name, prefix + name


def _wanted(folder: Path, name: str) -> bool:
    if name in _LEFT_OUT or name.startswith("."):
        return False
    return name not in _OFTEN_MADE or (folder / name / "__init__.py").exists()


def _is_apart(folder: Path, names: list[str], files: list[str]) -> bool:
    """A virtual environment; or what was scaffolded from this very tree, which is no part of the
    monolith."""
    return "pyvenv.cfg" in files or (
        ".migrator" in names and (folder / ".migrator/lock.json").exists()
    )


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


def prefix_of(root: Path) -> str:
    """The dotted name that the analysed root, a folder or a file, has from outside."""
    return package_prefix(root.parent if root.is_file() else root)
