"""Which dotted name each file is imported by: the files themselves vote.

A file inside packages (folders with ``__init__.py``) is named from the topmost one; but a folder
without one may be a namespace package, a ``src`` layout, or a root of its own. For each unit (a
topmost package, or a file in no package) every possible name is weighed by how many imports in
the whole tree begin with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

_DEEPEST = 6


def name_files(
    paths: Sequence[str], imported: Iterable[str], *, prefix: str = "", roots: Sequence[str] = ()
) -> dict[str, str]:
    """Dotted names by path (relative, forward slashes). `imported` are the absolute dotted names
    that the files import, `prefix` the package that holds the analysed folder itself, `roots`
    the source roots where they are configured."""
    packages = {p.rpartition("/")[0] for p in paths if p.rpartition("/")[2] == "__init__.py"}
    if prefix:
        return {p: _dotted(p, "", prefix) for p in paths}
    if roots:
        return _distinct({p: _dotted(p, _longest(p, roots)) for p in paths}, paths)
    votes = _votes(imported)
    units = {p: _unit(p, packages) for p in paths}
    chosen: dict[str, str] = {}
    for unit in dict.fromkeys(units.values()):
        root = _voted(unit, votes)
        if root is not None:
            chosen[unit] = root
    homes: dict[str, Counter[str]] = {}
    for unit, root in chosen.items():
        homes.setdefault(unit.rpartition("/")[0], Counter())[root] += 1
    names = {}
    for path in paths:
        unit = units[path]
        root = chosen.get(unit)
        if root is None:
            root = _silent(unit, unit != path, homes)
        names[path] = _dotted(path, root)
    return _distinct(names, paths)


def _votes(imported: Iterable[str]) -> Counter[str]:
    votes: Counter[str] = Counter()
    for dotted, count in Counter(imported).items():
        parts = dotted.split(".")
        for end in range(1, min(len(parts), _DEEPEST) + 1):
            votes[".".join(parts[:end])] += count
    return votes


def _unit(path: str, packages: set[str]) -> str:
    """The topmost package that holds the file, or the file itself."""
    folder = path.rpartition("/")[0]
    unit = path
    while folder in packages and folder:
        unit = folder
        folder = folder.rpartition("/")[0]
    return unit


def _voted(unit: str, votes: Mapping[str, int]) -> str | None:
    """The root under which the unit's name is imported most often; None where it never is."""
    parts = unit.removesuffix(".py").split("/")
    best: tuple[int, int] = (0, 0)
    root = None
    for start in range(len(parts)):
        count = votes.get(".".join(parts[start:]), 0)
        # A longer name says more: `utils` alone may well be another package's.
        if count and (min(count, 3) * (len(parts) - start), count) > best:
            best = (min(count, 3) * (len(parts) - start), count)
            root = "/".join(parts[:start])
    return root


def _silent(unit: str, is_package: bool, homes: Mapping[str, Counter[str]]) -> str:
    """The root of a unit that nobody imports: its neighbours', else what its place says."""
    folder = unit.rpartition("/")[0]
    if is_package and folder not in homes:
        return folder
    while True:
        if folder in homes:
            return homes[folder].most_common(1)[0][0]
        if not folder or folder.rpartition("/")[2] == "src":
            return folder
        folder = folder.rpartition("/")[0]


def _dotted(path: str, root: str, prefix: str = "") -> str:
    inner = path[len(root) + 1 :] if root else path
    parts = inner.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join([*([prefix] if prefix else []), *parts])


def _longest(path: str, roots: Sequence[str]) -> str:
    inside = [r.strip("/") for r in roots if r in ("", ".") or path.startswith(f"{r.strip('/')}/")]
    longest = max(inside, key=len, default="")
    return "" if longest == "." else longest


def _distinct(names: dict[str, str], paths: Sequence[str]) -> dict[str, str]:
    """Two files of one name (``manage.py`` of two projects): the later keeps its whole path."""
    taken: set[str] = set()
    found = {}
    for path in sorted(paths, key=lambda p: (p.count("/"), p)):
        name = names[path] or path.removesuffix("/__init__.py").replace("/", ".")
        if name in taken:
            name = _dotted(path, "")
        while name in taken:
            name += "_"
        taken.add(name)
        found[path] = name
    return found
