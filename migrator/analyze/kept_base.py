"""A whole run, kept as what later ones begin from: what each file was, what plug-ins asked and
declared, and what of the graph is told by more than one module."""

from __future__ import annotations

import marshal
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from migrator.analyze.kept_file import KEY_BYTES, KeptFile

# Path, role, name of the bytes.
File = tuple[str, str, bytes]


class Handed(NamedTuple):
    """What other modules, or how it is called or inherited, tell of a module: the lines where
    callers tell what is called, and accesses as tuples."""

    lines: frozenset[int]
    accesses: tuple[tuple[object, ...], ...]


class Base(NamedTuple):
    """`graph` names the run's Graph, `world` and `below` are of its `State`. `modules` are name,
    path and role of each; `noted` the names of each that were looked up, marshalled, `handed` its
    `Handed`, where there is any. `calls`, `names`, `tests` and `opened` are those of `Asked`,
    `missed` of `Questions`; `declared` is what `kept_declared` made."""

    graph: bytes
    world: bytes
    below: bytes
    files: tuple[File, ...]
    modules: tuple[tuple[str, str, str], ...]
    noted: dict[str, bytes]
    calls: tuple[str, ...]
    names: tuple[str, ...]
    tests: tuple[str, ...]
    opened: tuple[str, ...]
    missed: tuple[str, ...]
    handed: dict[str, bytes]
    declared: bytes

    def noted_of(self, module: str) -> frozenset[str]:
        return frozenset(marshal.loads(self.noted[module]))

    def handed_to(self, module: str) -> Handed:
        kept = self.handed.get(module)
        return Handed(*marshal.loads(kept)) if kept is not None else Handed(frozenset(), ())


class KeptBase:
    """``FOLDER/base.bin``, of the last run that was whole; `code` as in `tree.code_of`."""

    def __init__(self, folder: Path, code: str) -> None:
        self._file = KeptFile(folder / "base.bin")
        self._key = blake2b(code.encode("utf-8", "surrogateescape"), digest_size=KEY_BYTES).digest()

    def get(self) -> Base | None:
        content = self._file.get(self._key)
        try:
            return Base(*marshal.loads(content)) if content is not None else None
        except (ValueError, TypeError, EOFError):
            return None

    def put(self, base: Base) -> None:
        self._file.put(self._key, marshal.dumps(tuple(base)))


def packed(names: Sequence[str]) -> bytes:
    return marshal.dumps(tuple(names))
