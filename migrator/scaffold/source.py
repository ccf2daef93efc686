"""Read the monolith's side at the rim: its modules, templates, data files and requirements."""

from __future__ import annotations

import os
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

from migrator.analyze.facts.generated import is_generated
from migrator.model.errors import MigratorError
from migrator.model.graph import Graph
from migrator.scaffold.assets import Assets
from migrator.scaffold.workspace import Source

_PROVIDED = {"sqlalchemy", "alembic", "gunicorn", "pytest"}
_CODE = (".py", ".pyc", ".pyi", ".pyx", ".so", ".pyd")
_ASIDE = {"node_modules", "tests", "test", "docs", "__pycache__", "venv", "build", "dist"}
_LARGEST_ASSET = 512 * 1024  # bytes


def read_source(root: Path, graph: Graph) -> Source:
    """Raises MigratorError where a module that the Graph names cannot be read."""
    texts = {module.path: _text(root / module.path) for module in graph.modules}
    return Source(texts, tuple(_requirements(root)), _assets(root, graph))


def carved_services(workspace: Path) -> tuple[str, ...]:
    """The services that `workspace` holds already."""
    return tuple(sorted(p.parent.name for p in workspace.glob("services/*/service.toml")))


def _assets(root: Path, graph: Graph) -> Assets:
    texts: dict[str, str] = {}
    left: list[str] = []
    for path in _data_files(root, graph):
        name = path.relative_to(root).as_posix()
        try:
            if path.stat().st_size <= _LARGEST_ASSET:
                texts[name] = path.read_bytes().decode("utf-8")
                continue
        except (OSError, UnicodeDecodeError):
            pass
        left.append(name)
    return Assets(texts, tuple(left))


def _data_files(root: Path, graph: Graph) -> Iterator[Path]:
    """Below the packages that the graph knows, files that are no Python, and generated modules."""
    known = {module.path for module in graph.modules}
    packages = {
        str((root / module.path).parent) for module in graph.modules if "/" in module.path
    } | {str(root) for module in graph.modules if module.path == "__init__.py"}
    for folder, names, files in os.walk(root):
        names[:] = sorted(n for n in names if n not in _ASIDE and not n.startswith("."))
        if not any(folder == p or folder.startswith(p + os.sep) for p in packages):
            continue
        for name in sorted(files):
            path = Path(folder, name)
            if name.startswith(".") or path.relative_to(root).as_posix() in known:
                continue
            if not name.endswith(_CODE) or (name.endswith(".py") and _is_generated(path)):
                yield path


def _is_generated(path: Path) -> bool:
    try:
        return is_generated(path.read_bytes())
    except OSError:
        return False


def _text(path: Path) -> str:
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        raise MigratorError(
            f"cannot read a module that the graph names: {error}",
            where=str(path),
            hint="run `migrator analyze` again",
        ) from error


def _requirements(root: Path) -> list[str]:
    """From ``requirements.txt``, or else ``pyproject.toml``, beside the package where `root` is
    one; what the service pins itself is left out."""
    if (root / "__init__.py").is_file():
        root = root.resolve().parent
    listed = _from_requirements_file(root / "requirements.txt") or _from_pyproject(root)
    return [line for line in listed if _name(line) not in _PROVIDED]


def _from_requirements_file(path: Path) -> list[str]:
    if not path.is_file():
        return []
    lines = (line.partition(" #")[0].strip() for line in path.read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith(("#", "-"))]


def _from_pyproject(root: Path) -> list[str]:
    path = root / "pyproject.toml"
    if not path.is_file():
        return []
    try:
        project = tomllib.loads(path.read_text("utf-8")).get("project", {})
    except tomllib.TOMLDecodeError as error:
        raise MigratorError(f"broken TOML: {error}", where=str(path)) from error
    return [str(line) for line in project.get("dependencies", [])]


def _name(requirement: str) -> str:
    for index, character in enumerate(requirement):
        if not (character.isalnum() or character in "-_."):
            return requirement[:index].lower()
    return requirement.lower()
