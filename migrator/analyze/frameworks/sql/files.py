"""``.sql`` files: which one a string of the code names, and what running it does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from migrator.analyze.infer.values import HOLE


class UnnamedFile(ValueError):
    """Which file is meant is not known."""


def file_named(files: Mapping[str, str], module: str, name: str) -> str | None:
    """The path among `files` that the string `name` means in the module at path `module`: as
    written from there, or the only one (or the nearest) that ends so. None where there is none.

    Raises UnnamedFile where the name is computed, a pattern, or fits several files alike.
    """
    wanted = PurePosixPath(name.replace("\\", "/"))
    if HOLE in wanted.name or any(c in wanted.name for c in "*?[{%"):
        if not files:
            return None
        raise UnnamedFile("which .sql file it is is computed")
    parts = [p for p in wanted.parts if p not in (".", "..", "/") and HOLE not in p]
    tail = "/".join(parts)
    found = [p for p in files if p == tail or p.endswith(f"/{tail}")]
    folder = module.rpartition("/")[0]
    near = [p for p in found if p == (f"{folder}/{tail}" if folder else tail)]
    if near or len(found) < 2:
        return next(iter(near or found), None)
    while folder:
        below = [p for p in found if p.startswith(f"{folder}/")]
        if len(below) == 1:
            return below[0]
        if below:
            break
        folder = folder.rpartition("/")[0]
    raise UnnamedFile(f"{len(found)} files are called so")
