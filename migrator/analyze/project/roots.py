"""Which dotted name each file is imported by: the files themselves vote.

A file inside packages (folders with ``__init__.py``) is named from the topmost one; but a folder
without one may be a namespace package, a ``src`` layout, or a root of its own. For each unit (a
topmost package, or a file in no package) every possible name is weighed by how many imports in
the whole tree begin with it. A package may be a root itself, as a Django project's folder with an
``__init__.py`` beside ``manage.py`` often is: then what is in it is imported by its bare name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

_DEEPEST = 6


def name_files(
    paths: Sequence[str], imported: Iterable[str], *, prefixes: Sequence[str] = (),
    roots: Sequence[str] = (),
) -> dict[str, str]:  # fmt: skip
    """Dotted names by path (relative, forward slashes). `imported` are the absolute dotted names
    that the files import, `prefixes` the names that the package which holds the analysed folder
    itself may have, the shortest first, `roots` the source roots where they are configured."""
    packages = {p.rpartition("/")[0] for p in paths if p.rpartition("/")[2] == "__init__.py"}
    if roots and not prefixes:
        return _distinct({p: _dotted(p, _longest(p, roots)) for p in paths}, paths)
    votes = _votes(imported)
    if prefixes:
        prefix = max(prefixes, key=lambda name: votes.get(name, 0))  # the first of equals
        bare = _bare(paths, "", prefix, votes)
        named = {p: _dotted(p, "", "" if _child(p, "") in bare else prefix) for p in paths}
        return _distinct(named, paths)
    units = {p: _unit(p, packages) for p in paths}
    chosen: dict[str, str] = {}
    for unit in dict.fromkeys(u for u in units.values() if u in packages):
        inside = [p for p in paths if units[p] == unit]
        bare = _bare(inside, unit, unit.replace("/", "."), votes)
        for path in inside:
            child = _child(path, unit)
            if child in bare:
                units[path] = f"{unit}/{child}"
                chosen[units[path]] = unit
    for unit in dict.fromkeys(units.values()):
        if unit in chosen:
            continue
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


def _bare(paths: Sequence[str], package: str, dotted: str, votes: Mapping[str, int]) -> set[str]:
    """The modules and folders right in a package that are imported by their bare names.

    Another's package may have the same name (``celery``): what is imported of a folder must be in
    it, mostly. Where any is, those that nobody imports by the whole name follow.
    """
    inside: dict[str, set[str]] = {}
    for path in paths:
        rest = path[len(package) + 1 :] if package else path
        child, _, below = rest.removesuffix(".py").partition("/")
        inside.setdefault(child, set()).add(below.partition("/")[0])
    of_head: Counter[str] = Counter()
    for name, count in votes.items():
        if name.count(".") == 1:
            of_head[name.partition(".")[0]] += count
    names = {dotted, dotted.rpartition(".")[2]}
    whole = {c: sum(votes.get(f"{n}.{c}", 0) for n in names) for c in inside}
    found = set()
    for child, modules in inside.items():
        own = sum(votes.get(f"{child}.{m}", 0) for m in modules if m)
        if own > whole[child] and own > of_head[child] - own:
            found.add(child)
    if found:
        found |= {c for c in inside if not whole[c] and c != "__init__"}
    return found


def _child(path: str, package: str) -> str:
    """The module or folder right in a package that a path leads through."""
    rest = path[len(package) + 1 :] if package else path
    return rest.removesuffix(".py").partition("/")[0]


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
