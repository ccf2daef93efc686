"""What a name or glob that a person wrote means in the code, and what may have been meant."""

from __future__ import annotations

import difflib
import re
from functools import cached_property

from migrator.model.graph import Graph
from migrator.plan.resolve import WILD, matches

_SHOWN = 3
_LIKE = 0.75


class Names:
    """All that a pin, a rule or a pattern of the plan can mean."""

    def __init__(self, graph: Graph) -> None:
        self.tables = {t.id for t in graph.tables}
        self.definitions = {d.id for d in graph.definitions}
        self.modules = {d.module for d in graph.definitions}

    @cached_property
    def folders(self) -> set[str]:
        return {m[:i] for m in self.modules for i, c in enumerate(m) if c == "."}

    def has(self, pattern: str) -> bool:
        """Whether `pattern` means any table or definition."""
        if pattern in self.tables or pattern in self.definitions:
            return True
        if not WILD & set(pattern):
            return "." in pattern and pattern in self.modules
        whole = pattern.removesuffix(".*")
        if whole != pattern and whole in self.modules | self.folders:
            return True
        every = (*self.tables, *self.definitions)
        return any(matches(name, pattern) for name in every)

    def meant(self, pattern: str) -> str:
        """What to write instead of a `pattern` that means nothing, in words."""
        close = self.near(pattern)
        if close:
            return f"did you mean {' or '.join(close)}?"
        return "name a table, a definition (package.module:Name) or a glob (package.module.*)"

    def near(self, pattern: str) -> tuple[str, ...]:
        """Names like `pattern`, the likest first."""
        wanted = pattern.removesuffix(".*")
        if wanted in self.folders | self.modules:
            return (f"{wanted}.*",)
        globs = {f"{m}.*" for m in self.modules | self.folders}
        names = sorted(self.tables | self.definitions | globs)
        close = difflib.get_close_matches(pattern, names, n=_SHOWN, cutoff=_LIKE)
        alike = [name for name in names if _last(name) == _last(wanted)]
        return tuple(dict.fromkeys((*close, *alike)))[:_SHOWN]


def _last(name: str) -> str:
    return re.split(r"[.:]", name.removesuffix(".*"))[-1].lower()
