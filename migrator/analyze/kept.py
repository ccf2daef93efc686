"""The last Graph, kept whole: where nothing has changed, nothing is analysed.

One file, and a second one for what changed since it was written, each written at once or not at
all, named inside by everything that the Graph depends on: the bytes of all files, the settings, the
analyzer's own code and the plug-ins'. What is damaged, or is another's, is passed over.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from migrator.analyze.kept_file import KeptFile, Parts, joined
from migrator.model.graph import Graph
from migrator.model.graph_change import Change, Whole
from migrator.model.graph_chunks import Chunk
from migrator.model.graph_lazy import to_chunks

_CHUNKS = " chunks"


class KeptGraph:
    """``FOLDER/graph.bin``: that of the last run that was whole; and ``FOLDER/change.bin``: what
    of it is another in the last run that was not."""

    def __init__(self, folder: Path) -> None:
        self._file = KeptFile(folder / "graph.bin")
        self._change = KeptFile(folder / "change.bin")

    def get(self, key: bytes) -> Graph | None:
        """The Graph of exactly this key."""
        whole = self.whole(key)
        if whole is not None:
            return whole.graph()
        change = self.change(key)
        whole = self.whole(change.base) if change is not None else None
        return change.graph(whole) if change is not None and whole is not None else None

    def whole(self, key: bytes) -> Whole | None:
        """The Graph of a whole run, in parts."""
        content = self._file.get(key)
        if content is None:
            return None
        try:
            parts = Parts(content)
        except (ValueError, TypeError, EOFError):
            return None
        return Whole(key, parts, _Tables(parts))

    def last_change(self) -> tuple[bytes, Change] | None:
        """The change that is kept, with the name of its Graph."""
        key = self._change.key()
        change = self.change(key) if key is not None else None
        return (key, change) if key is not None and change is not None else None

    def change(self, key: bytes) -> Change | None:
        content = self._change.get(key)
        try:
            return Change(*marshal.loads(content)) if content is not None else None
        except (ValueError, TypeError, EOFError):
            return None

    def put(self, key: bytes, graph: Graph) -> None:
        """Keep this one instead of the last."""
        try:
            parts, tables = to_chunks(graph)
        except UnicodeEncodeError:
            return
        plain = {f"{name}{_CHUNKS}": [tuple(c) for c in of] for name, of in tables.items()}
        self._file.put(key, joined(parts | {name: marshal.dumps(of) for name, of in plain.items()}))

    def put_change(self, key: bytes, change: Change) -> None:
        """Keep what is another than in a whole run, beside that."""
        self._change.put(key, marshal.dumps(tuple(change)))


class _Tables(Mapping[str, Sequence[Chunk]]):
    """The chunks of each part that has any."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._read: dict[str, Sequence[Chunk]] = {}

    def __getitem__(self, name: str) -> Sequence[Chunk]:
        if name not in self._read:
            plain = marshal.loads(self._parts[f"{name}{_CHUNKS}"])
            self._read[name] = [Chunk(*one) for one in plain]
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return (n.removesuffix(_CHUNKS) for n in self._parts if n.endswith(_CHUNKS))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class WrittenGraph:
    """``FOLDER/written.bin``: which graph a file of JSON was last written from, so that a large
    one is not written again."""

    def __init__(self, folder: Path, output: Path) -> None:
        self._file = KeptFile(folder / "written.bin")
        self._output = output

    def holds(self, key: bytes) -> bool:
        """Whether the output is still what was written from the graph of this key."""
        noted = self._file.get(key)
        return noted is not None and noted == self._stamp()

    def note(self, key: bytes) -> None:
        """The output was written from the graph of this key just now."""
        stamp = self._stamp()
        if stamp is not None:
            self._file.put(key, stamp)

    def _stamp(self) -> bytes | None:
        try:
            told = self._output.stat()
        except OSError:
            return None
        times = (told.st_size, told.st_mtime_ns, told.st_ctime_ns, told.st_ino, told.st_dev)
        return repr((self._output.resolve().as_posix(), times)).encode()
