"""The last Graph, kept whole: where nothing has changed, nothing is analysed.

One file, and a second one for what changed since it was written, each written at once or not at
all, named inside by everything that the Graph depends on: the bytes of all files, the settings, the
analyzer's own code and the plug-ins'. What is damaged, or is another's, is passed over.
"""

from __future__ import annotations

import marshal
import sys
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path

import migrator
from migrator.analyze.code_version import code_version
from migrator.analyze.discover import SourceFile
from migrator.analyze.kept_file import KEY_BYTES, KeptFile
from migrator.analyze.settings import Settings
from migrator.model.graph import Graph
from migrator.model.graph_change import Change, Whole
from migrator.model.graph_chunks import Chunk
from migrator.model.graph_lazy import to_chunks


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
            parts, tables = marshal.loads(content)
        except (ValueError, TypeError, EOFError):
            return None
        return Whole(key, parts, {name: [Chunk(*c) for c in of] for name, of in tables.items()})

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
        plain = {name: [tuple(c) for c in of] for name, of in tables.items()}
        self._file.put(key, marshal.dumps((parts, plain)))

    def put_change(self, key: bytes, change: Change) -> None:
        """Keep what is another than in a whole run, beside that."""
        self._change.put(key, marshal.dumps(tuple(change)))


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


def key_of_tree(
    root: Path,
    files: Iterable[tuple[SourceFile, bytes]],
    code: str,
) -> bytes:
    """Names everything that the Graph of this tree depends on; `files` come with their facts'
    keys, which name their bytes, `code` is that of `code_of`."""
    digest = blake2b(digest_size=KEY_BYTES)
    digest.update(f"{code}\0{root.as_posix()}\0".encode("utf-8", "surrogateescape"))
    for file, key in files:
        digest.update(f"{file.path}\0{file.role}\0".encode("utf-8", "surrogateescape"))
        digest.update(key)
    return digest.digest()


def code_of(settings: Settings, prefix: str, plugins: Sequence[tuple[str, str]]) -> str:
    """Names everything but the tree that an analysis depends on; `plugins` are module and name of
    each, those that are not built in imported."""
    return repr((_analyzer(), prefix, settings, _codes(plugins)))


def _analyzer() -> tuple[str, tuple[int, int]]:
    """A name of the analyzer's own code, and of the Python that runs it."""
    home = Path(migrator.__file__).parent
    return code_version(home / "analyze", home / "model"), sys.version_info[:2]


def _codes(plugins: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """The plug-ins with the code of each one's whole package."""
    found = []
    for module, name in plugins:
        package = module.partition(".")[0]
        own = package == "migrator"  # named by `_analyzer`
        places = () if own else _places(package, module)
        found.append((module, name, code_version(*places)))
    return found


def _places(package: str, module: str) -> tuple[Path, ...]:
    """Where the code of a top-level package is; of a namespace that several share, only the
    module's own folder in it."""
    known = sys.modules.get(package)
    if getattr(known, "__file__", None) is None and package != module:
        inner = ".".join(module.split(".")[:2])
        return _places(inner, inner)
    paths = [Path(p) for p in getattr(known, "__path__", ())]
    file = getattr(known, "__file__", None)
    return tuple(paths) or ((Path(file),) if file else ())
