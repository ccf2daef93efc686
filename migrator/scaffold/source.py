"""Read the monolith's side at the rim: the text of its modules and its requirements."""

from __future__ import annotations

import tokenize
import tomllib
from pathlib import Path

from migrator.model.errors import MigratorError
from migrator.model.graph import Graph
from migrator.scaffold.workspace import Source

_PROVIDED = {"sqlalchemy", "alembic", "gunicorn", "pytest"}


def read_source(root: Path, graph: Graph) -> Source:
    """Raises MigratorError where a module that the Graph names cannot be read."""
    texts = {module.path: _text(root / module.path) for module in graph.modules}
    return Source(texts, tuple(_requirements(root)))


def carved_services(workspace: Path) -> tuple[str, ...]:
    """The services that `workspace` holds already."""
    return tuple(sorted(p.parent.name for p in workspace.glob("services/*/service.toml")))


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
    """From ``requirements.txt``, or else ``pyproject.toml``; what the service pins itself is left
    out."""
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
