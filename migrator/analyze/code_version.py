"""Names of code by its content: what was made by other code is not taken for its own."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from pathlib import Path

import migrator

_SUFFIXES = {".py", ".so", ".pyd"}


@cache
def code_version(*places: Path) -> str:
    """Names the code of these folders (with all below them) and files, in this order.

    Only where no source is installed beside the bytecode does migrator's own version stand alone.
    """
    digest = blake2b(migrator.__version__.encode(), digest_size=16)
    for place in places:
        for name, path in _code(place):
            digest.update(f"{name}\0".encode("utf-8", "surrogateescape"))
            digest.update(blake2b(path.read_bytes(), digest_size=16).digest())
    return digest.hexdigest()


def _code(place: Path) -> Iterable[tuple[str, Path]]:
    if not place.is_dir():
        return [(place.name, place)] if place.is_file() else []
    found = [p for p in place.rglob("*") if p.suffix in _SUFFIXES and p.is_file()]
    return sorted((p.relative_to(place).as_posix(), p) for p in found)
