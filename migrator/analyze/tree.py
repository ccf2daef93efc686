"""A tree to be analysed, and what names all that its Graph depends on.

Apart from what analyses and from the Graph: where nothing has changed, importing those would be
most of the work.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import migrator
from migrator.analyze.code_version import code_version
from migrator.analyze.discover import SourceFile, discover, prefixes_of
from migrator.analyze.facts.file_keys import FileKeys
from migrator.analyze.frameworks.registry import kinds
from migrator.analyze.kept_file import KEY_BYTES
from migrator.analyze.settings import Settings


@dataclass(frozen=True, slots=True)
class Tree:
    """`code` names what analyses, `keys` the bytes of the files by relative path, `name` all of
    it: equal names mean equal graphs."""

    files: Sequence[SourceFile]
    code: str
    keys: Mapping[str, bytes]
    name: bytes
    file_keys: FileKeys

    def is_settled(self) -> bool:
        """Whether all files could be read, and are what they were."""
        return len(self.keys) == len(self.files) and self.keys == self.file_keys.of(self.files)


def tree_below(root: Path, cache: Path, settings: Settings) -> Tree:
    """The tree as it is now. Raises MigratorError as `discover` and `kinds` do."""
    files = discover(root, settings.exclude)
    code = code_of(settings, prefixes_of(root), kinds(settings.frameworks))
    file_keys = FileKeys(cache)
    keys = file_keys.of(files)
    name = key_of_tree(root, [(f, keys.get(f.path, b"")) for f in files], code)
    return Tree(files, code, keys, name, file_keys)


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


def code_of(settings: Settings, prefixes: Sequence[str], plugins: Sequence[tuple[str, str]]) -> str:
    """Names everything but the tree that an analysis depends on; `plugins` are module and name of
    each, those that are not built in imported."""
    return repr((_analyzer(), tuple(prefixes), settings, _codes(plugins)))


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
