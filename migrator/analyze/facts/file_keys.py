"""Names of files' bytes, without reading what has not changed since they were read.

As git's index does it: a file whose size, times, inode and device are as they were holds what it
held. One that changed so shortly before it was read that a later change could have the same times
is read again the next time.
"""

from __future__ import annotations

import marshal
import os
import stat
import time
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from migrator.analyze.discover import SourceFile
from migrator.analyze.facts import source as sources
from migrator.analyze.facts.source import VERSION, key_of
from migrator.analyze.kept_file import KEY_BYTES, KeptFile

_Stamp = tuple[int, int, int, int, int]
# The coarsest clock of a file system in use.
_RACY_NANOSECONDS = 2_000_000_000


class FileKeys:
    """``FOLDER/files.bin``."""

    def __init__(self, folder: Path) -> None:
        self._file = KeptFile(folder / "files.bin")
        self._name = blake2b(VERSION.encode(), digest_size=KEY_BYTES).digest()
        self._known = self._read()

    def of(self, files: Iterable[SourceFile]) -> dict[str, bytes]:
        """The keys of the facts of those files that can be read, by relative path: they name
        their bytes."""
        found: dict[str, bytes] = {}
        known: dict[str, tuple[_Stamp, bytes]] = {}
        for file in files:
            stamp = _stamp(file.place)
            before = self._known.get(file.path)
            if before is not None and before[0] == stamp:
                found[file.path] = before[1]
                known[file.path] = before
                continue
            now = time.time_ns()
            source = sources.read_file(file.file)
            if isinstance(source, str):
                continue
            found[file.path] = key = key_of(source)
            settled = stamp is not None and max(stamp[1:3]) < now - _RACY_NANOSECONDS
            if stamp is not None and settled and _stamp(file.place) == stamp:
                known[file.path] = stamp, key
        if known != self._known:
            self._known = known
            self._file.put(self._name, marshal.dumps(known))
        return found

    def _read(self) -> dict[str, tuple[_Stamp, bytes]]:
        try:
            content = self._file.get(self._name)
            known = marshal.loads(content) if content is not None else {}
        except (ValueError, TypeError, EOFError):
            return {}
        return known if isinstance(known, dict) else {}


def _stamp(place: str) -> _Stamp | None:
    try:
        told = os.stat(place)
    except OSError:
        return None
    if not stat.S_ISREG(told.st_mode):
        return None
    return told.st_size, told.st_mtime_ns, told.st_ctime_ns, told.st_ino, told.st_dev
