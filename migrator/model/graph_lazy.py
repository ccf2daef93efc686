"""A Graph whose parts are read when they are asked for: `verify` needs a third of them."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from migrator.model.errors import MigratorError
from migrator.model.graph import Graph
from migrator.model.graph_chunks import CHUNKED, Chunk, chunked

_NAMES = tuple(field.name for field in dataclasses.fields(Graph))


def to_parts(graph: Graph) -> dict[str, bytes]:
    """Every field as bytes. Raises UnicodeEncodeError where a string holds half a surrogate
    pair."""
    return {name: msgspec.msgpack.encode(getattr(graph, name)) for name in _NAMES}


def to_chunks(graph: Graph) -> tuple[dict[str, bytes], dict[str, list[Chunk]]]:
    """As `to_parts`, with the chunks of those that have any."""
    parts: dict[str, bytes] = {}
    tables: dict[str, list[Chunk]] = {}
    for name in _NAMES:
        if name in CHUNKED:
            parts[name], tables[name] = chunked(name, getattr(graph, name))
        else:
            parts[name] = msgspec.msgpack.encode(getattr(graph, name))
    return parts, tables


class LazyGraph(Graph):
    """Equal to the Graph that `to_parts` was given. A part that is no part of a Graph raises
    MigratorError when it is asked for."""

    __slots__ = ("_parts",)
    _parts: Mapping[str, bytes]

    @classmethod
    def of(cls, parts: Mapping[str, bytes]) -> LazyGraph:
        graph = cls.__new__(cls)
        object.__setattr__(graph, "_parts", parts)
        return graph

    def __getattr__(self, name: str) -> Any:
        """Asked only for what is not set yet."""
        if name not in _NAMES:
            raise AttributeError(name)
        try:
            value = _decoder(name).decode(self._parts[name])
        except (msgspec.DecodeError, KeyError) as error:
            raise MigratorError(
                f"the kept graph is damaged: {name}: {error}", hint="delete .migrator/cache"
            ) from error
        object.__setattr__(self, name, value)
        return value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and all(
            getattr(self, name) == getattr(other, name) for name in _NAMES
        )

    __hash__ = None  # type: ignore[assignment]


def records(name: str, part: bytes) -> tuple[Any, ...]:
    """What one field holds, from bytes. Raises msgspec.DecodeError."""
    return _decoder(name).decode(part)  # type: ignore[no-any-return]


@cache
def _decoder(name: str) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(typing.get_type_hints(Graph)[name])
