"""One thing kept in one file: written at once or not at all, passed over where it is damaged."""

from __future__ import annotations

import marshal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from zlib import crc32

KEY_BYTES = 16
_SUM_BYTES = 4


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
                checksum = file.read(_SUM_BYTES)
                content = file.read()
        except OSError:
            return None
        return content if _checksum(key, content) == checksum else None

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
                file.write(key + _checksum(key, content))
                file.write(content)
            temporary.replace(self.path)
        except OSError:
            if temporary is not None:
                with suppress(OSError):
                    temporary.unlink()


class Parts(Mapping[str, bytes]):
    """Several things in one, of which only those are copied that are asked for."""

    def __init__(self, content: bytes) -> None:
        """Raises ValueError, TypeError or EOFError where `content` is none of `joined`."""
        size = int.from_bytes(content[:8], "big")
        self._places: dict[str, tuple[int, int]] = marshal.loads(content[8 : 8 + size])
        self._content = content
        self._start = 8 + size
        self._read: dict[str, bytes] = {}

    def __getitem__(self, name: str) -> bytes:
        if name not in self._read:
            begin, end = self._places[name]
            self._read[name] = self._content[self._start + begin : self._start + end]
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def joined(parts: Mapping[str, bytes]) -> bytes:
    """As `Parts` reads it."""
    places: dict[str, tuple[int, int]] = {}
    end = 0
    for name, part in parts.items():
        places[name] = end, end + len(part)
        end += len(part)
    head = marshal.dumps(places)
    return b"".join((len(head).to_bytes(8, "big"), head, *parts.values()))


def _checksum(key: bytes, content: bytes) -> bytes:
    """What damages a file does not forge it, and this is read at each start."""
    return crc32(content, crc32(key)).to_bytes(_SUM_BYTES, "big")
