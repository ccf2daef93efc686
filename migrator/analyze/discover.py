"""Find the Python files of a monolith and parse them."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from migrator.model.errors import MigratorError
from migrator.model.graph import Unresolved

_LEFT_OUT = {
    "tests", "test", "migrations", "alembic", "versions", "node_modules", "site-packages",
    "venv", "env", "build", "dist", "__pycache__", "workspace",
}  # fmt: skip
_LEFT_OUT_FILES = {"conftest.py", "setup.py", "noxfile.py"}


@dataclass(frozen=True, slots=True)
class ParsedModule:
    """One parsed file; `is_package` tells ``__init__.py``."""

    name: str
    path: str
    tree: ast.Module
    lines: int
    is_package: bool


def discover(root: Path) -> tuple[list[ParsedModule], list[Unresolved]]:
    """Parse every module below `root`, itself a folder of packages, a package, or one file.

    Raises MigratorError where `root` is missing, no Python, or holds none.
    """
    if not root.exists():
        raise MigratorError("no such file or folder", where=str(root))
    if root.is_file() and root.suffix != ".py":
        raise MigratorError("not a Python file or a folder", where=str(root))
    base = root.parent if root.is_file() else root
    modules: list[ParsedModule] = []
    unresolved: list[Unresolved] = []
    found = [root] if root.is_file() else sorted(_files(root))
    prefix = _package_prefix(base)
    for path in found:
        relative = path.relative_to(base).as_posix()
        parsed = _parse(path, relative, prefix)
        (modules if isinstance(parsed, ParsedModule) else unresolved).append(parsed)  # type: ignore[arg-type]
    if not found:
        raise MigratorError("no Python file in this folder", where=str(root))
    return modules, unresolved


def _files(root: Path) -> Iterator[Path]:
    seen: set[str] = set()
    for folder, names, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            names.clear()
            continue
        seen.add(real)
        names[:] = sorted(n for n in names if n not in _LEFT_OUT and not n.startswith("."))
        names[:] = [n for n in names if not (Path(folder) / n / "pyvenv.cfg").exists()]
        for name in files:
            generated = name.endswith(("_pb2.py", "_pb2_grpc.py"))
            if name.endswith(".py") and name not in _LEFT_OUT_FILES and not generated:
                yield Path(folder) / name


def _package_prefix(base: Path) -> str:
    """Where `base` is itself a package, the dotted name it has from outside."""
    parts: list[str] = []
    folder = base.resolve()
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)


def _parse(path: Path, relative: str, prefix: str) -> ParsedModule | Unresolved:
    try:
        source = path.read_bytes()
        tree = ast.parse(source)
    except OSError as error:
        return Unresolved(relative, 1, "module", f"cannot be read: {error.strerror}")
    except SyntaxError as error:
        return Unresolved(relative, error.lineno or 1, "module", f"not valid Python: {error.msg}")
    except ValueError as error:
        return Unresolved(relative, 1, "module", f"not valid Python: {error}")
    except RecursionError:
        return Unresolved(relative, 1, "module", "nested too deeply to parse")
    name, is_package = _module_name(relative.removeprefix("src/"), prefix)
    return ParsedModule(name, relative, tree, source.count(b"\n") + 1, is_package)


def _module_name(relative: str, prefix: str) -> tuple[str, bool]:
    parts = relative.removesuffix(".py").split("/")
    is_package = parts[-1] == "__init__"
    if is_package:
        parts.pop()
    return ".".join([*([prefix] if prefix else []), *parts]), is_package
