"""A Graph told by what is another in it than in one that is kept whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from migrator.model.graph_chunks import AFTER, CHUNKED, Chunk, chunk, exchanged
from migrator.model.graph_lazy import LazyGraph, records


@dataclass(frozen=True, slots=True)
class Whole:
    """A Graph in parts, the chunks of its records known."""

    key: bytes
    parts: Mapping[str, bytes]
    tables: Mapping[str, Sequence[Chunk]]

    def graph(self) -> LazyGraph:
        return LazyGraph.of(self.parts)

    def records(self, name: str, key: str) -> tuple[Any, ...]:
        """The records of one chunk."""
        return records(name, chunk(self.parts[name], self.tables[name], key))

    def beside(self, name: str, key: str) -> str | None:
        """The chunk before one, or else the one after it."""
        keys = [one.key for one in self.tables[name]]
        if key not in keys:
            keys = sorted([*keys, key], key=lambda k: k + AFTER[name])
        at = keys.index(key)
        return keys[at - 1] if at else keys[1] if len(keys) > 1 else None

    def is_before(self, name: str, one: str, other: str) -> bool:
        """Whether the records of one chunk stand before those of another."""
        return one + AFTER[name] < other + AFTER[name]


class Change(NamedTuple):
    """`base` names the whole Graph, `exchanges` are records by field and key, `stats` is the whole
    part; both in msgpack."""

    base: bytes
    exchanges: dict[str, dict[str, bytes]]
    stats: bytes

    def graph(self, whole: Whole) -> LazyGraph:
        return LazyGraph.of(_Exchanged(whole, self))

    def records(self, whole: Whole, name: str, key: str) -> tuple[Any, ...]:
        """The records of one chunk, exchanged or not."""
        new = self.exchanges.get(name, {}).get(key)
        return records(name, new) if new is not None else whole.records(name, key)


def change_of(whole: Whole, new: Mapping[str, Mapping[str, Sequence[Any]]]) -> Change:
    """`new` are records by field and key. Raises UnicodeEncodeError where a string holds half a
    surrogate pair."""
    encode = msgspec.msgpack.encode
    stats: dict[str, int] = dict(records("stats", whole.parts["stats"]))
    for name, by_key in new.items():
        for key, now in by_key.items():
            was = whole.records(name, key)
            if name in stats:
                stats[name] += len(now) - len(was)
            if name == "modules":
                stats["lines"] += sum(m.lines for m in now) - sum(m.lines for m in was)
    exchanges = {
        name: {key: encode(list(now)) for key, now in by_key.items()}
        for name, by_key in new.items()
    }  # fmt: skip
    return Change(whole.key, exchanges, encode(stats))


class _Exchanged(Mapping[str, bytes]):
    """The parts of a changed Graph, put together where they are asked for."""

    def __init__(self, whole: Whole, change: Change) -> None:
        self._whole = whole
        self._change = change

    def __getitem__(self, name: str) -> bytes:
        if name == "stats":
            return self._change.stats
        part = self._whole.parts[name]
        new = self._change.exchanges.get(name)
        if not new or name not in CHUNKED:
            return part
        return exchanged(name, part, self._whole.tables[name], new)

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole.parts)

    def __len__(self) -> int:
        return len(self._whole.parts)
