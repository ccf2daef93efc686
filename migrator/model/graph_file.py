"""`.migrator/graph.json`: the Graph on disk. Same Graph, same bytes."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec

from migrator.model.errors import MigratorError
from migrator.model.graph import Graph
from migrator.model.graph_root import SCHEMA_VERSION

RENAMED = {  # by class: field of the model to key of the file
    "Dependency": {"source": "from", "target": "to"},
    "ForeignKey": {"source": "from", "target": "to"},
    "Observation": {"source": "from", "target": "to"},
    "CoChange": {"source": "from", "target": "to"},
}
T = typing.TypeVar("T")
_HINT = "run `migrator analyze PATH` to write it anew"


def dump_graph(graph: Graph) -> str:
    """The Graph as JSON text, keys in the order of the design, one trailing newline."""
    return graph_bytes(graph).decode()


def graph_bytes(graph: Graph) -> bytes:
    """`dump_graph` in UTF-8: one record a line, quick to write and to diff."""
    names = [field.name for field in dataclasses.fields(Graph)]
    names.remove("schema_version")
    entries = [
        _encode(name) + b": " + _value(getattr(graph, name)) for name in ("schema_version", *names)
    ]
    return b"{\n" + b",\n".join(entries) + b"\n}\n"


_encode = msgspec.json.encode


def _value(value: Any) -> bytes:
    if type(value) is not tuple or not value:
        return _encode(value)
    return b"[\n" + record_lines(value) + b"\n]"


def record_lines(value: tuple[Any, ...]) -> bytes:
    """Records of one kind as they stand in the file, one a line."""
    if not value:
        return b""
    try:
        # A newline can only end a record: those inside of strings are escaped.
        lines = msgspec.json.Encoder().encode_lines(_renamed(value))[:-1]
        return lines.replace(b"\n", b",\n")
    except UnicodeEncodeError:  # half of a surrogate pair, as a string of Python may hold
        return b",\n".join([json.dumps(_plain(one)).encode() for one in value])


def _renamed(records: tuple[Any, ...]) -> Sequence[Any]:
    """The records as the file names their fields."""
    kind = type(records[0])
    if kind.__name__ not in RENAMED:
        return records
    names = [field.name for field in dataclasses.fields(kind)]
    get = attrgetter(*names)
    mirror = msgspec.defstruct(kind.__name__, names, rename=RENAMED[kind.__name__], gc=False)
    return [mirror(*get(record)) for record in records]


def read_graph(path: Path) -> Graph:
    """Raises MigratorError where the file is missing, no JSON, or no Graph of this version."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise MigratorError(
            "no graph", where=str(path), hint="run `migrator analyze PATH` first"
        ) from error
    except json.JSONDecodeError as error:
        raise MigratorError(
            f"broken JSON: {error.msg}", where=f"{path}:{error.lineno}", hint=_HINT
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise MigratorError(f"cannot be read: {error}", where=str(path), hint=_HINT) from error
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version != SCHEMA_VERSION:
        what = f"schema_version {SCHEMA_VERSION} expected, {version!r} found"
        raise MigratorError(what, where=str(path), hint=_HINT)
    try:
        return typing.cast(Graph, _built(Graph, data))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise MigratorError(f"not a graph: {error}", where=str(path), hint=_HINT) from error


def _plain(value: Any) -> Any:
    if type(value) is tuple:
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _reader(type(value))(value)
    return value


@cache
def _reader(kind: type) -> Callable[[Any], dict[str, Any]]:
    """What reads the fields of a record: plain ones at once, tuples one by one."""
    renamed = RENAMED.get(kind.__name__, {})
    fields = dataclasses.fields(kind)
    keys = [renamed.get(f.name, f.name) for f in fields]
    get = attrgetter(*[f.name for f in fields])
    deep = [k for k, f in zip(keys, fields, strict=True) if not _is_plain(_hints(kind)[f.name])]

    def read(record: Any) -> dict[str, Any]:
        found = dict(zip(keys, get(record), strict=True))
        for key in deep:
            found[key] = _plain(found[key])
        return found

    return read


def _is_plain(hint: Any) -> bool:
    inner = (hint, *typing.get_args(hint))
    return not any(
        typing.get_origin(k) is tuple or dataclasses.is_dataclass(k) or k is typing.Any
        for k in inner
    )


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _built(kind: Any, data: Any) -> Any:
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _record(kind, data)
    if origin is tuple:
        if not isinstance(data, list):
            raise ValueError(f"a list expected, {type(data).__name__} found")
        inner = typing.get_args(kind)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_built(inner[0], item) for item in data)
        return tuple(_built(k, item) for k, item in zip(inner, data, strict=True))
    if origin in (types.UnionType, typing.Union):
        options = [k for k in typing.get_args(kind) if k is not type(None)]
        return None if data is None else _built(options[0], data)
    if origin is typing.Literal and data not in typing.get_args(kind):
        raise ValueError(f"{data!r} is none of {', '.join(map(str, typing.get_args(kind)))}")
    if kind is float and isinstance(data, int | float):
        return float(data)
    if kind in (str, int, bool, float) and not isinstance(data, kind):
        raise ValueError(f"{kind.__name__} expected, {data!r} found")
    return data


def _record(kind: type, data: Any) -> Any:
    if not isinstance(data, dict):
        raise ValueError(f"{kind.__name__}: an object expected")
    renamed = RENAMED.get(kind.__name__, {})
    values = {}
    for name, hint in _hints(kind).items():
        key = renamed.get(name, name)
        if key in data:
            values[name] = _built(hint, data[key])
    return kind(**values)


def to_plain(value: Any) -> dict[str, Any]:
    """A frozen dataclass of Graph values as plain JSON data."""
    return typing.cast(dict[str, Any], _plain(value))


def from_plain(kind: type[T], data: Any) -> T:
    """The way back from `to_plain`; raises TypeError, KeyError, ValueError or AttributeError."""
    return typing.cast(T, _built(kind, data))
