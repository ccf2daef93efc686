"""What is gathered while a definition, or a function of a class, is walked."""

from __future__ import annotations

import builtins
from typing import Any

from migrator.analyze.facts.shape import (
    Stmt,
)

BUILTINS = frozenset(dir(builtins)) | {"self", "cls"}


class Frame:
    """What is gathered inside one definition, or one function of a class."""

    __slots__ = (
        "attributes",
        "calls",
        "flags",
        "hidden",
        "local",
        "other",
        "refs",
        "shared",
        "sql",
    )

    def __init__(self) -> None:
        self.calls: dict[str, list[Any]] = {}
        self.refs: dict[str, int] = {}
        self.other: list[tuple[str, int, int]] = []
        self.hidden: set[str] = set()
        self.local: list[Stmt] = []
        self.attributes: set[str] = set()
        self.flags: set[str] = set()
        self.shared: set[str] = set()
        self.sql = False

    def refer_to(self, outer: Frame) -> None:
        """Add the names that the frame around uses, as references."""
        for name, line in outer.refs.items():
            self.refs.setdefault(name, line)
        for name, (_, line, _) in outer.calls.items():
            self.refs.setdefault(name, line)

    def absorb(self, inner: Frame) -> None:
        """Add what a function inside this frame uses, less what it binds itself."""
        imported = {alias or name for s in inner.local for name, alias in s[5]}
        hidden = inner.hidden - {n.partition(".")[0] for n in imported} - inner.shared
        for name, found in inner.calls.items():
            if name.partition(".")[0] not in hidden:
                known = self.calls.get(name)
                if known is None:
                    self.calls[name] = found
                else:
                    known[0] += found[0]
                    known[2] |= found[2]
        for name, line in inner.refs.items():
            if name.partition(".")[0] not in hidden:
                self.refs.setdefault(name, line)
        self.other += [u for u in inner.other if u[0].partition(".")[0] not in hidden]
        self.local += inner.local
        self.flags |= inner.flags
