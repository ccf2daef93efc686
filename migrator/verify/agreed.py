"""The contracts as they were agreed on: what the last scaffold wrote, or a revision of git."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from migrator.model.contract import Contract
from migrator.model.errors import MigratorError

FOLDER = "contracts"
_BASE = ".migrator/base"


def agreed_contracts(workspace: Path, since: str | None) -> tuple[Contract, ...]:
    """The contracts at the revision `since`, else as the last scaffold wrote them.

    Raises MigratorError where a file is no JSON Schema, or git does not know the revision.
    """
    if since is not None:
        return _parsed(workspace, _at_revision(workspace, since))
    base = workspace / _BASE / FOLDER
    return _parsed(workspace, _on_disk(base if base.is_dir() else workspace / FOLDER))


def present_versions(workspace: Path) -> dict[str, int]:
    """The version that each contract now declares, by its path below the workspace."""
    found = _parsed(workspace, _on_disk(workspace / FOLDER))
    return {contract.path: contract.version for contract in found}


def _parsed(workspace: Path, texts: dict[str, str]) -> tuple[Contract, ...]:
    contracts = []
    for path, text in sorted(texts.items()):
        place = (workspace / FOLDER / path).as_posix()
        try:
            document: Any = json.loads(text)
        except ValueError as error:
            raise MigratorError(
                f"not a contract: {error}", where=place, hint="restore it from version control"
            ) from error
        # The AsyncAPI documents are made of the same schemas.
        if isinstance(document, dict) and "x-service" in document:
            contracts.append(Contract(place, text, document))
    return tuple(contracts)


def _on_disk(folder: Path) -> dict[str, str]:
    try:
        return {
            path.relative_to(folder).as_posix(): path.read_text("utf-8")
            for path in sorted(folder.glob("*/*.json"))
        }
    except (OSError, UnicodeDecodeError) as error:
        raise MigratorError(f"a contract cannot be read: {error}", where=str(folder)) from error


def _at_revision(workspace: Path, since: str) -> dict[str, str]:
    listed = _git(workspace, since, "ls-tree", "-r", "-z", "--name-only", since, f"{FOLDER}/")
    paths = [path for path in listed.split("\0") if path.endswith(".json") and path.count("/") == 2]
    return {
        path.removeprefix(f"{FOLDER}/"): _git(workspace, since, "show", f"{since}:./{path}")
        for path in paths
    }


def _git(workspace: Path, since: str, *arguments: str) -> str:
    try:
        result = subprocess.run(
            ["git", *arguments], cwd=workspace, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise MigratorError("--since needs git", hint="install git") from error
    if result.returncode:
        raise MigratorError(
            f"git cannot read revision {since!r}: {result.stderr.strip()}",
            where=str(workspace),
            hint="name a commit, branch or tag that is here; in CI fetch it first",
        )
    return result.stdout
