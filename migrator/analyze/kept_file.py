"""One thing kept in one file: written at once or not at all, passed over where it is damaged."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

KEY_BYTES = 16


class KeptFile:
    """One thing in one file, named inside by a key of `KEY_BYTES` bytes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, key: bytes) -> bytes | None:
        """What is kept under exactly this key and whole."""
        try:
            with self.path.open("rb") as file:
                if file.read(KEY_BYTES) != key:
                    return None
                checksum = file.read(KEY_BYTES)
                content = file.read()
        except OSError:
            return None
        return content if _digest(key, content) == checksum else None

    def key(self) -> bytes | None:
        """The key of what is kept."""
        try:
            with self.path.open("rb") as file:
                return file.read(KEY_BYTES)
        except OSError:
            return None

    def put(self, key: bytes, content: bytes) -> None:
        """Keep this one instead of the last; a full or read-only disk keeps none."""
        temporary = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.path.parent, delete=False) as file:
                temporary = Path(file.name)
                file.write(key + _digest(key, content))
                file.write(content)
            temporary.replace(self.path)
        except OSError:
            if temporary is not None:
                with suppress(OSError):
                    temporary.unlink()


def _digest(key: bytes, content: bytes) -> bytes:
    return blake2b(content, digest_size=KEY_BYTES, key=key).digest()
