"""What of URLs the code computes, and people say: ``[analyze.prefixes]`` of `migrator.toml`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from migrator.model.graph import Dependency, EntryPoint, Unresolved

_HOLE = re.compile(r"\$\{([^{}]*)\}")


def with_prefixes(
    found: Iterable[EntryPoint | Dependency], prefixes: Mapping[str, str]
) -> Iterator[EntryPoint | Dependency]:
    """Entry points with the holes in their URLs filled in, as far as `prefixes` says."""
    for one in found:
        if isinstance(one, EntryPoint) and one.path and "${" in one.path:
            yield replace(one, path=_filled(one.path, prefixes))
        else:
            yield one


def unused(
    found: Iterable[EntryPoint | Dependency], prefixes: Mapping[str, str], path: str
) -> list[Unresolved]:
    """The prefixes that no URL has, told at the settings' file."""
    holes = {
        hole
        for one in found
        if isinstance(one, EntryPoint) and one.path
        for hole in _HOLE.findall(one.path)
    }
    return [
        Unresolved(path, 1, f"prefix {key}", "no route has it")
        for key in prefixes
        if key not in holes
    ]


def _filled(path: str, prefixes: Mapping[str, str]) -> str:
    told = _HOLE.sub(lambda hole: prefixes.get(hole[1], hole[0]), path)
    if told == path:
        return path
    told = told.replace("//", "/")
    return told if told.startswith(("/", "${")) else f"/{told}"
