"""The bytes of source files, and what names them: imported where nothing has to be parsed too."""

from __future__ import annotations

import marshal
import stat
import sys
from hashlib import blake2b
from pathlib import Path

from migrator.analyze.code_version import code_version

# Whatever changes what comes out of the same bytes is in this package.
VERSION = f"{code_version(Path(__file__).parent)} {sys.version_info[:2]} {marshal.version}"
_LARGEST_BYTES = 30_000_000


def key_of(source: bytes) -> bytes:
    """Names these bytes, this analyzer and this Python: equal keys mean equal facts."""
    return blake2b(source, digest_size=16, key=VERSION.encode()).digest()


def read_file(path: Path, largest: int = _LARGEST_BYTES) -> bytes | str:
    """The bytes of a regular file, or why there are none."""
    try:
        # A named pipe called x.py would wait for ever.
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return "not a regular file"
        if status.st_size > largest:
            return f"{status.st_size} bytes: too large for source"
        return path.read_bytes()
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
