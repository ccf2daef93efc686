"""The records of a Graph in chunks of one module each, so that those of a module can be exchanged
without reading the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec


def _home(record: Any) -> str:
    return record.source.partition(":")[0]  # type: ignore[no-any-return]


# By field of the Graph: what a record's chunk is called after.
_KEYS: dict[str, Callable[[Any], str]] = {
    "modules": attrgetter("name"),
    "definitions": attrgetter("path"),
    "accesses": attrgetter("path"),
    "dependencies": _home,
    "imports": attrgetter("source"),
    "unresolved": attrgetter("path"),
}
CHUNKED = frozenset(_KEYS)
# What follows that name in what the records are sorted by first.
AFTER = {name: ":" if key is _home else "" for name, key in _KEYS.items()}


class Chunk(NamedTuple):
    """So many `records` of `key`, of `size` bytes together."""

    key: str
    records: int
    size: int


Table = Sequence[Chunk]


def chunked(name: str, records: Iterable[Any]) -> tuple[bytes, list[Chunk]]:
    """The records of a field as one array of msgpack, and its chunks in order."""
    key = _KEYS[name]
    table: list[Chunk] = []
    parts: list[bytes] = []
    for one, group in groupby(records, key):
        held = list(group)
        part = msgspec.msgpack.encode(held)[len(_head(len(held))) :]
        parts.append(part)
        table.append(Chunk(one, len(held), len(part)))
    return _head(sum(c.records for c in table)) + b"".join(parts), table


def chunk(part: bytes, table: Table, key: str) -> bytes:
    """The records of one key as an array of msgpack."""
    start = len(_head(sum(c.records for c in table)))
    for one in table:
        if one.key == key:
            return _head(one.records) + part[start : start + one.size]
        start += one.size
    return _head(0)


def exchanged(name: str, part: bytes, table: Table, new: Mapping[str, bytes]) -> bytes:
    """The array with the chunks of some keys exchanged for `new` arrays, empty ones where a chunk
    goes."""
    after = AFTER[name]
    start = kept = len(_head(sum(c.records for c in table)))
    parts: list[bytes] = []
    count = 0
    waiting = sorted(new, key=lambda key: key + after, reverse=True)

    def add() -> None:
        nonlocal count
        given = new[waiting.pop()]
        records, head = _counted(given)
        parts.append(given[head:])
        count += records

    for one in table:
        while waiting and waiting[-1] + after < one.key + after:
            parts.append(part[kept:start])
            kept = start
            add()
        if waiting and waiting[-1] == one.key:
            parts.append(part[kept:start])
            kept = start + one.size
            add()
        else:
            count += one.records
        start += one.size
    parts.append(part[kept:start])
    while waiting:
        add()
    return _head(count) + b"".join(parts)


def _head(count: int) -> bytes:
    """How msgpack begins an array."""
    if count < 1 << 4:
        return bytes([0x90 | count])
    if count < 1 << 16:
        return b"\xdc" + count.to_bytes(2, "big")
    return b"\xdd" + count.to_bytes(4, "big")


def _counted(array: bytes) -> tuple[int, int]:
    """How many items an array of msgpack has, and how long its head is."""
    size = {0xDC: 2, 0xDD: 4}.get(array[0], 0)
    return (int.from_bytes(array[1 : 1 + size], "big"), 1 + size) if size else (array[0] & 15, 1)
