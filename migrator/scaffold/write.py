"""From rendered files to a workspace on disk: merge, never clobber.

The lock remembers the hash of what was generated last, and `.migrator/base` its text, so that
an edit by hand is told from a change of the template and both can be merged three ways
(copier's manner). A file that a person deleted stays deleted.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from migrator.model.errors import MigratorError

LOCK = ".migrator/lock.json"
BASE = ".migrator/base"

Action = Literal["create", "update", "merge", "conflict", "keep", "delete", "unchanged", "absent"]
_WRITTEN: frozenset[Action] = frozenset({"create", "update", "merge", "conflict"})


@dataclass(frozen=True, slots=True)
class Change:
    """What a scaffold does to one file; `text` is what the file will hold, None for a deletion."""

    path: str
    action: Action
    text: str | None
    previous: str | None = None

    def diff(self) -> str:
        before = (self.previous or "").splitlines(keepends=True)
        after = (self.text or "").splitlines(keepends=True)
        return "".join(difflib.unified_diff(before, after, f"a/{self.path}", f"b/{self.path}"))


def changes_to(workspace: Path, files: Mapping[str, str], scope: tuple[str, ...]) -> list[Change]:
    """Compare `files` with what is on disk.

    `scope` lists the path prefixes that this run generates: only below them does a file that
    is generated no more get deleted. Raises MigratorError where a file of someone else's
    stands in the way.
    """
    locked = read_lock(workspace)
    if locked is None:
        _refuse_foreign_files(workspace)
        locked = {}
    changes = [
        _change(workspace, path, text, locked.get(path)) for path, text in sorted(files.items())
    ]
    gone = sorted(
        path for path in locked if path not in files and any(path.startswith(p) for p in scope)
    )
    changes += [_removal(workspace, path, locked[path]) for path in gone]
    return changes


def apply(workspace: Path, changes: list[Change], files: Mapping[str, str]) -> None:
    """Write the changes and the new lock; each file is replaced in one step."""
    locked = read_lock(workspace) or {}
    for change in changes:
        path = workspace / change.path
        if change.action in _WRITTEN and change.text is not None:
            _write(path, change.text)
        elif change.action == "delete":
            path.unlink(missing_ok=True)
        if change.path in files:
            locked[change.path] = _hash(files[change.path])
            _write(workspace / BASE / change.path, files[change.path])
        else:
            locked.pop(change.path, None)
            (workspace / BASE / change.path).unlink(missing_ok=True)
    lock = {"version": 1, "files": dict(sorted(locked.items()))}
    _write(workspace / LOCK, json.dumps(lock, indent=2) + "\n")


def _change(workspace: Path, path: str, text: str, locked: str | None) -> Change:
    current = _read(workspace / path)
    if current is None:
        return Change(path, "create", text) if locked is None else Change(path, "absent", None)
    if current == text:
        return Change(path, "unchanged", text, current)
    if locked is None:
        raise MigratorError(
            "a file that migrator did not write stands where it would write",
            where=str(workspace / path),
            hint="move it away, or choose another folder with --output; nothing was written",
        )
    if _hash(current) == locked:
        return Change(path, "update", text, current)
    if _hash(text) == locked:
        return Change(path, "keep", current, current)
    base = _read(workspace / BASE / path) or ""
    merged, clean = _merge(current, base, text)
    return Change(path, "merge" if clean else "conflict", merged, current)


def _removal(workspace: Path, path: str, locked: str) -> Change:
    current = _read(workspace / path)
    if current is None or _hash(current) == locked:
        return Change(path, "delete", None, current)
    return Change(path, "keep", current, current)


def _merge(current: str, base: str, new: str) -> tuple[str, bool]:
    """Three-way merge by git; conflicts stand inline between markers."""
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for name, text in (("yours", current), ("base", base), ("generated", new)):
            (Path(folder) / name).write_text(text, encoding="utf-8")
            names.append(name)
        try:
            result = subprocess.run(
                ["git", "merge-file", "-p", *names],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise MigratorError(
                "files edited by hand must be merged, and that needs git",
                hint="install git; nothing was written",
            ) from error
    return result.stdout, result.returncode == 0


def _refuse_foreign_files(workspace: Path) -> None:
    if not workspace.exists():
        return
    if not workspace.is_dir():
        raise MigratorError("the output is a file, not a folder", where=str(workspace))
    foreign = sorted(p.name for p in workspace.iterdir() if p.name != ".git")
    if foreign:
        raise MigratorError(
            f"the output folder holds files that migrator did not write ({', '.join(foreign[:3])})",
            where=str(workspace),
            hint="choose an empty folder with --output; nothing was written",
        )


def read_lock(workspace: Path) -> dict[str, str] | None:
    """The hash of each generated file by path; None where nothing was generated yet.

    Raises MigratorError where the lock is damaged.
    """
    text = _read(workspace / LOCK)
    if text is None:
        return None
    try:
        files = json.loads(text)["files"]
        return {str(path): str(digest) for path, digest in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MigratorError(
            "the lock file is damaged",
            where=str(workspace / LOCK),
            hint="restore it from version control",
        ) from error


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise MigratorError(f"cannot read: {error}", where=str(path)) from error


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(path.name + ".migrator-new")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
