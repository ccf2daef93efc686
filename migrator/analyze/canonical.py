"""One name for everything that plug-ins have told: equal names mean equal content."""

from __future__ import annotations

import marshal
import re
from collections.abc import Iterator
from hashlib import blake2b
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from migrator.analyze.facts.read import Facts
from migrator.analyze.infer.values import FunctionCode
from migrator.analyze.infer.world import World
from migrator.analyze.project.classes import Class, Classes
from migrator.analyze.project.modules import Module, Names
from migrator.analyze.project.project import Project

_Skipped = frozenset[tuple[type, str]]
# What is asked through these is noted where it is asked (`Names.seen`).
_NOTED = (Project, World, Names, Classes)
# Equal content, equal bytes: from version 3 on they tell also what is shared with what.
_BY_VALUE = 2


class NotCanonical(ValueError):
    """There is something whose content cannot be told."""


def canonical(things: tuple[Any, ...], skipped: _Skipped = frozenset()) -> bytes:
    """A digest of any values and objects, by their content. `skipped` are fields that do not
    count. Raises NotCanonical."""
    walk = _Walk(skipped)
    walk.value(things)
    return walk.digest.digest()


class _Walk:
    def __init__(self, skipped: _Skipped) -> None:
        self.digest = blake2b(digest_size=16)
        self.skipped = skipped
        # Objects keep their number as long as they live, so they are held.
        self.met: dict[int, tuple[int, Any]] = {}
        self.fields: dict[type, tuple[str, ...]] = {}

    def value(self, value: Any) -> None:
        kind = type(value)
        if kind is str or kind is int or value is None or kind is bool:
            self.tell(repr(value))
            return
        try:
            self.digest.update(marshal.dumps(value, _BY_VALUE))
            return
        except ValueError:
            pass
        if kind is tuple or kind is list:
            self.tell(f"{kind.__name__} {len(value)}")
            for one in value:
                self.value(one)
        elif kind is set or kind is frozenset:
            self.tell(f"set {len(value)}")
            for name in sorted(canonical((one,), self.skipped) for one in value):
                self.digest.update(name)
        elif isinstance(value, dict):
            self.tell(f"{kind.__qualname__} {len(value)}")
            for key, one in value.items():
                self.value(key)
                self.value(one)
        else:
            self.thing(kind, value)

    def thing(self, kind: type, value: Any) -> None:
        if isinstance(value, _NOTED):
            self.tell(kind.__name__)
        elif isinstance(value, Module):
            self.tell(f"module {value.name} {value.facts.key.hex()}")
        elif isinstance(value, Class):
            self.tell(f"class {value.id} {value.module.name}")
            self.value((value.statement, value.bases))
        elif isinstance(value, FunctionCode):
            self.tell(f"code {value.key}")
            self.value(value.statement)
        elif isinstance(value, Facts):
            self.tell(value.key.hex())
        elif isinstance(value, type):
            self.tell(f"{value.__module__}.{value.__qualname__}")
        elif isinstance(value, re.Pattern):
            self.tell(f"pattern {value.pattern!r} {value.flags}")
        elif isinstance(value, MethodType):
            self.tell(value.__func__.__qualname__)
            self.value(value.__self__)
        elif isinstance(value, FunctionType | BuiltinFunctionType):
            if getattr(value, "__closure__", None) or "<lambda>" in value.__qualname__:
                raise NotCanonical(value.__qualname__)
            self.tell(f"{value.__module__}.{value.__qualname__}")
        else:
            self.plain_object(kind, value)

    def plain_object(self, kind: type, value: Any) -> None:
        if id(value) in self.met:
            self.tell(f"met {self.met[id(value)][0]}")
            return
        self.met[id(value)] = len(self.met), value
        names = self.fields.get(kind)
        if names is None:
            names = self.fields[kind] = tuple(_fields(kind, self.skipped))
        held = getattr(value, "__dict__", None)
        if not names and held is None:
            raise NotCanonical(kind.__qualname__)
        self.tell(f"{kind.__module__}.{kind.__qualname__}")
        for name in names:
            self.value(getattr(value, name, None))
        for name, one in sorted((held or {}).items()):
            if (kind, name) not in self.skipped:
                self.tell(name)
                self.value(one)

    def tell(self, text: str) -> None:
        self.digest.update(f"{text}\0".encode("utf-8", "surrogatepass"))


def _fields(kind: type, skipped: _Skipped) -> Iterator[str]:
    for above in kind.__mro__:
        slots = above.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if (kind, name) not in skipped and name not in ("__dict__", "__weakref__"):
                yield name
