"""Write `graph.json` anew from what stands there, where only some records are others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from migrator.model.graph_change import Change, Whole
from migrator.model.graph_file import record_lines
from migrator.model.graph_lazy import records


class Edit(NamedTuple):
    """Lines of a field's records, whole ones, and what stands there in their stead."""

    name: str
    old: bytes
    new: bytes


@dataclass(frozen=True, slots=True)
class Rewriting:
    """`change` is what the file is to hold, `former` what it may hold, by the Graph's name: the
    whole Graph itself, or another change of it."""

    whole: Whole
    change: Change
    former: Mapping[bytes, Change]

    def rewritten(self, key: bytes, data: bytes) -> bytes | None:
        """The file that holds the Graph of `key`; None where it has to be written whole."""
        was = self.former.get(key)
        if was is None or was.base != self.whole.key:
            return None
        edits = list(self._edits(was))
        sound = [edit for edit in edits if edit is not None]
        return rewritten(data, sound) if len(sound) == len(edits) else None

    def _edits(self, was: Change) -> Iterator[Edit | None]:
        for name in sorted(was.exchanges.keys() | self.change.exchanges.keys()):
            mine, others = self.change.exchanges.get(name, {}), was.exchanges.get(name, {})
            for key in sorted(mine.keys() | others.keys()):
                old = was.records(self.whole, name, key)
                new = self.change.records(self.whole, name, key)
                if old != new:
                    yield self._edit(name, key, old, new, mine.keys() | others.keys())
        if was.stats != self.change.stats:
            yield Edit("stats", _stats(was), _stats(self.change))

    def _edit(
        self, name: str, key: str, old: Sequence[Any], new: Sequence[Any], edited: Set[str]
    ) -> Edit | None:
        if old and new:
            return Edit(name, record_lines(tuple(old)), record_lines(tuple(new)))
        # Where a chunk comes or goes, the one beside it tells where.
        beside = self.whole.beside(name, key)
        if beside is None or beside in edited:
            return None
        there = record_lines(self.whole.records(name, beside))
        before, after = record_lines(tuple(old)), record_lines(tuple(new))
        if self.whole.is_before(name, beside, key):
            return Edit(name, _joined(there, before), _joined(there, after))
        return Edit(name, _joined(before, there), _joined(after, there))


def rewritten(data: bytes, edits: Iterable[Edit]) -> bytes | None:
    """None where something is not as it was said to be, or edits overlap."""
    found: list[tuple[int, Edit]] = []
    for edit in edits:
        begin = 0 if edit.name == "stats" else data.find(f'\n"{edit.name}": ['.encode())
        at = data.find(b"\n" + edit.old, max(begin, 0)) + 1
        end = at + len(edit.old)
        if begin < 0 or not at or data[end : end + 2].strip() not in (b",", b"]", b"}"):
            return None
        found.append((at, edit))
    parts: list[bytes] = []
    done = 0
    for at, edit in sorted(found, key=lambda one: one[0]):
        if at < done:
            return None
        parts += (data[done:at], edit.new)
        done = at + len(edit.old)
    parts.append(data[done:])
    return b"".join(parts)


def _stats(change: Change) -> bytes:
    return b'"stats": ' + msgspec.json.encode(records("stats", change.stats))


def _joined(first: bytes, second: bytes) -> bytes:
    return first + b",\n" + second if first and second else first or second
