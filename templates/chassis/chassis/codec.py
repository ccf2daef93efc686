"""JSON for what crosses a service boundary: arguments, results and exceptions of Python calls.

Values that JSON knows travel as they are; every other value is an object with one tag that
begins with ``$``. Names of classes are resolved at the receiver only below the roots that it
trusts (its own package and its shared library), so a message cannot import arbitrary code.
"""

from __future__ import annotations

import base64
import builtins
import dataclasses
import datetime as dt
import importlib
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import inspect
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.orm import InstanceState, Mapper, Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key


class CodecError(TypeError):
    """A value that cannot cross a service boundary, or a message that names what is not here."""


def encode(value: object) -> Any:
    """The JSON value of `value`; raises `CodecError` where there is none."""
    if value is None or value is True or value is False:
        return value
    kind = type(value)
    if kind in (str, int):
        return value
    if kind is float:
        assert isinstance(value, float)
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, Enum):
        return {"$enum": _name(type(value)), "value": encode(value.value)}
    if isinstance(value, Mapping):
        return _encode_mapping(value)
    if isinstance(value, list):
        return [encode(item) for item in value]
    for accepted, tag, write in _SCALARS:
        if isinstance(value, accepted):
            return {tag: write(value)}
    if isinstance(value, str | int | float):
        return _encode_subclass(value)
    if isinstance(value, BaseException):
        return encode_error(value)
    if (state := _entity_state(value)) is not None:
        return _encode_entity(value, state)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"$dataclass": _name(type(value)), "fields": fields}
    raise CodecError(
        f"a {_name(type(value))} cannot cross a service boundary: pass plain values instead"
    )


def decode(data: Any, *, package: str = "", session: Session | None = None) -> Any:
    """The value of `data`: classes come from `package` and its shared library only.

    Entities are read through `session`, else (or when the row is not here) built detached from
    the values that travelled.
    """
    return _Decoder(package, session).decode(data)


def encode_error(error: BaseException) -> dict[str, Any]:
    """The JSON value of an exception: its class, arguments and the attributes that can travel."""
    return {
        "$error": _name(type(error)),
        "args": [_lenient(argument) for argument in error.args],
        "attributes": {
            name: encoded
            for name, item in vars(error).items()
            if not name.startswith("__") and (encoded := _or_skip(item)) is not _SKIP
        },
    }


def is_domain_error(name: str, package: str) -> bool:
    """Whether the exception class `name` (``module:Class``) may be raised again at the caller."""
    root = name.partition(":")[0].split(".")[0]
    return root in _roots(package) or root == "builtins" or name.startswith(_WEB_ERRORS)


def resolve(name: str, package: str) -> Any:
    """The object that ``module:qualified.name`` names, below the trusted roots of `package`."""
    module_name, _, path = name.partition(":")
    if module_name.split(".")[0] not in _roots(package):
        raise CodecError(f"{name} is outside of {package!r}: it is not resolved")
    try:
        found: Any = importlib.import_module(module_name)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise CodecError(f"{name} does not exist in this service") from error
    return found


_SKIP = object()
_WEB_ERRORS = "werkzeug.exceptions:"


def _roots(package: str) -> frozenset[str]:
    return frozenset({package, f"{package}_shared"} if package else ())


def _name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _encode_set(value: set[Any] | frozenset[Any]) -> dict[str, Any]:
    items = [encode(item) for item in value]
    return {"frozen": isinstance(value, frozenset), "items": sorted(items, key=repr)}


# A datetime is a date, so the order matters.
_SCALARS: tuple[tuple[Any, str, Callable[[Any], Any]], ...] = (
    (dt.datetime, "$datetime", lambda v: [v.isoformat(), v.fold]),
    (dt.date, "$date", lambda v: v.isoformat()),
    (dt.time, "$time", lambda v: [v.isoformat(), v.fold]),
    (dt.timedelta, "$timedelta", lambda v: [v.days, v.seconds, v.microseconds]),
    (Decimal, "$decimal", str),
    (UUID, "$uuid", str),
    (bytes | bytearray, "$bytes", lambda v: base64.b64encode(v).decode("ascii")),
    (set | frozenset, "$set", _encode_set),
    (tuple, "$tuple", lambda v: [encode(item) for item in v]),
)


def _encode_mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    if all(type(key) is str and not key.startswith("$") for key in value):
        return {key: encode(item) for key, item in value.items()}
    return {"$dict": [[encode(key), encode(item)] for key, item in value.items()]}


def _encode_subclass(value: str | int | float) -> Any:
    """Subclasses such as `markupsafe.Markup` or an `IntFlag`-less int travel as their base."""
    for base in (str, int, float):
        if isinstance(value, base):
            return encode(base(value))
    raise AssertionError("unreachable")


def _lenient(value: object) -> Any:
    encoded = _or_skip(value)
    return str(value) if encoded is _SKIP else encoded


def _or_skip(value: object) -> Any:
    try:
        return encode(value)
    except (CodecError, RecursionError):
        return _SKIP


def _entity_state(value: object) -> InstanceState[Any] | None:
    try:
        state = inspect(value)
    except NoInspectionAvailable:
        return None
    return state if isinstance(state, InstanceState) else None


def _encode_entity(value: object, state: InstanceState[Any]) -> dict[str, Any]:
    session = state.session
    # The receiver needs the key, and a pending row has none before the flush.
    if state.pending and session is not None and not session._flushing:
        session.flush()
    # An expired attribute of a detached instance can no longer be read: it stays behind.
    readable = [
        attribute.key
        for attribute in state.mapper.column_attrs
        if session is not None or attribute.key not in state.unloaded
    ]
    return {
        "$entity": str(getattr(state.mapper.local_table, "fullname", "")),
        "model": _name(type(value)),
        "key": [encode(part) for part in state.identity] if state.identity else None,
        "values": {key: encode(getattr(value, key)) for key in readable},
    }


class _Decoder:
    def __init__(self, package: str, session: Session | None) -> None:
        self.package = package
        self.session = session

    def decode(self, data: Any) -> Any:
        if isinstance(data, list):
            return [self.decode(item) for item in data]
        if not isinstance(data, dict):
            return data
        tag = next(iter(data), "")
        tagged = next((key for key in data if key.startswith("$")), None)
        if tagged is None:
            return {key: self.decode(item) for key, item in data.items()}
        if tagged in _READERS:
            return _READERS[tagged](data[tagged])
        method = getattr(self, f"_read_{tagged[1:]}", None)
        if method is None:
            raise CodecError(f"unknown tag {tag!r}")
        return method(data)

    def _read_tuple(self, data: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(self.decode(item) for item in data["$tuple"])

    def _read_set(self, data: dict[str, Any]) -> set[Any] | frozenset[Any]:
        items = (self.decode(item) for item in data["$set"]["items"])
        return frozenset(items) if data["$set"]["frozen"] else set(items)

    def _read_dict(self, data: dict[str, Any]) -> dict[Any, Any]:
        return {self.decode(key): self.decode(item) for key, item in data["$dict"]}

    def _read_enum(self, data: dict[str, Any]) -> Any:
        kind = self._class(data["$enum"], Enum)
        return kind(self.decode(data["value"]))

    def _read_dataclass(self, data: dict[str, Any]) -> Any:
        kind = self._class(data["$dataclass"], object)
        if not isinstance(kind, type) or not dataclasses.is_dataclass(kind):
            raise CodecError(f"{data['$dataclass']} is no dataclass here")
        # Not through __init__: its defaults and checks ran at the sender.
        value = object.__new__(kind)
        for name, item in data["fields"].items():
            object.__setattr__(value, name, self.decode(item))
        return value

    def _read_error(self, data: dict[str, Any]) -> Exception:
        name = data["$error"]
        kind = _error_class(name, self.package)
        if kind is None:
            raise CodecError(f"the exception {name} cannot be raised in this service")
        arguments = self.decode(data["args"])
        error: Exception = kind.__new__(kind, *arguments)
        error.args = tuple(arguments)
        vars(error).update(self.decode(data["attributes"]))
        return error

    def _read_entity(self, data: dict[str, Any]) -> Any:
        kind = self._class(data["model"], object)
        mapper = inspect(kind, raiseerr=False)
        if not isinstance(mapper, Mapper):
            raise CodecError(f"{data['model']} is no mapped class here")
        key = None if data["key"] is None else tuple(self.decode(data["key"]))
        if self.session is not None and key is not None:
            found = self.session.get(kind, key)
            if found is not None:
                return found
        return _detached(mapper, key, self.decode(data["values"]))

    def _class(self, name: str, base: type) -> Any:
        kind = resolve(name, self.package)
        if not (isinstance(kind, type) and issubclass(kind, base)):
            raise CodecError(f"{name} is no {base.__name__} here")
        return kind


def _error_class(name: str, package: str) -> type[Exception] | None:
    module_name, _, path = name.partition(":")
    found: Any
    if module_name == "builtins":
        found = getattr(builtins, path, None)
    elif name.startswith(_WEB_ERRORS):
        found = getattr(importlib.import_module(module_name), path, None)
    else:
        try:
            found = resolve(name, package)
        except CodecError:
            return None
    return found if isinstance(found, type) and issubclass(found, Exception) else None


def _detached(mapper: Mapper[Any], key: tuple[Any, ...] | None, values: dict[str, Any]) -> Any:
    instance = mapper.class_manager.new_instance()
    for name, value in values.items():
        if name in mapper.column_attrs:
            set_committed_value(instance, name, value)
    if key is not None:
        inspect(instance).key = identity_key(mapper.class_, key)
    return instance


def _moment(value: list[Any], read: Callable[[str], Any]) -> Any:
    return read(value[0]).replace(fold=value[1])


_READERS: dict[str, Callable[[Any], Any]] = {
    "$float": float,
    "$datetime": lambda v: _moment(v, dt.datetime.fromisoformat),
    "$date": dt.date.fromisoformat,
    "$time": lambda v: _moment(v, dt.time.fromisoformat),
    "$timedelta": lambda v: dt.timedelta(*v),
    "$decimal": Decimal,
    "$uuid": UUID,
    "$bytes": base64.b64decode,
}
