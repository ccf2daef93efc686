"""Read at the rim what revisions a workspace's services have."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from migrator.model.errors import MigratorError
from migrator.scaffold.revisions.history import History, identity_of
from migrator.scaffold.revisions.schema import load_schema
from migrator.scaffold.write import BASE, read_lock

SCHEMA_FILE = "migrations/schema.json"
VERSIONS = "migrations/versions"


def read_histories(workspace: Path, services: Iterable[str]) -> dict[str, History]:
    """The history of each service that has one. Raises MigratorError where a file is damaged."""
    locked = read_lock(workspace) or {}
    found = {name: _history(workspace, f"services/{name}", locked) for name in services}
    return {name: history for name, history in found.items() if history is not None}


def _history(workspace: Path, home: str, locked: Iterable[str]) -> History | None:
    schema = workspace / home / SCHEMA_FILE
    if not schema.is_file():
        return None
    versions = f"{home}/{VERSIONS}/"
    written = {
        path.removeprefix(versions): _as_written(workspace, path)
        for path in locked
        if path.startswith(versions) and path.endswith(".py")
    }
    followed = {}
    for path in sorted((workspace / versions).glob("*.py")):
        if identity := identity_of(_text(path)):
            followed[identity[0]] = identity[1]
    return History(load_schema(_text(schema), str(schema)), written, followed)


def _as_written(workspace: Path, path: str) -> str:
    base = workspace / BASE / path
    return _text(base if base.is_file() else workspace / path)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MigratorError(f"cannot read: {error}", where=str(path)) from error
