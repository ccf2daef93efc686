"""What the plug-ins declared, kept with what they asked for it.

Pickled, but without the project: modules and classes are kept by name and taken from the project
at hand. Nothing is read but objects of plug-ins' and the analyzer's own classes, of sets and of the
like, and no function: a cache may come with a tree, and nothing of a tree is run.
"""

from __future__ import annotations

import importlib
import io
import pickle
import sys
from collections.abc import Iterable, Sequence
from types import FunctionType, MethodType
from typing import Any, NamedTuple

from migrator.analyze.frameworks.protocol import Framework
from migrator.analyze.project.asked import Test
from migrator.analyze.project.classes import Class, Classes
from migrator.analyze.project.modules import Module, Names
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Schema
from migrator.model.graph import Dependency, EntryPoint

_PLAIN = {("builtins", name) for name in ("set", "frozenset", "complex", "range", "Ellipsis")}
_PLAIN |= {("collections", name) for name in ("defaultdict", "OrderedDict", "deque", "Counter")}
# What only holds values: nothing here reads or writes a file.
_OURS = tuple(
    f"migrator.{name}"
    for name in ("analyze.frameworks.", "analyze.infer.", "analyze.project.", "analyze.schema",
                 "model.graph")
)  # fmt: skip
_PLUGINS = "migrator.analyze.frameworks."
_PROTOCOL = 5


class Told(NamedTuple):
    """What `declaring.declare` gave."""

    schema: Schema
    plugins: Sequence[Framework]
    found: list[EntryPoint | Dependency]


def dumped(told: Told, project: Project) -> bytes | None:
    """None where something cannot be kept: another's plug-in, or a function made while another
    ran."""
    if any(not type(p).__module__.startswith("migrator.") for p in told.plugins):
        return None
    buffer = io.BytesIO()
    try:
        _Pickler(buffer, project).dump(tuple(told))
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError):
        return None
    return buffer.getvalue()


def loaded(kept: bytes, project: Project) -> Told | None:
    """What was dumped, over the project at hand; None where it is no such thing."""
    try:
        return Told(*_Unpickler(io.BytesIO(kept), project).load())
    except (pickle.UnpicklingError, TypeError, AttributeError, ValueError, KeyError, EOFError,
            ImportError, IndexError, RecursionError):  # fmt: skip
        return None


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, project: Project) -> None:
        super().__init__(file, _PROTOCOL)
        self._classes = project.classes.by_id

    def persistent_id(self, thing: Any) -> Any:
        kind = type(thing)
        if kind is Module:
            return "module", thing.path
        # A plug-in also makes some of its own.
        if isinstance(thing, Class) and dict.get(self._classes, thing.id) is thing:
            return "class", thing.id
        if kind in (Project, Names, Classes):
            return kind.__name__, ""
        if kind is FunctionType:
            raise pickle.PicklingError(thing.__qualname__)
        return None

    def reducer_override(self, thing: Any) -> Any:
        if type(thing) is MethodType:
            return _Bound, (thing.__self__, thing.__name__)
        return NotImplemented


class _Bound:
    """A method of a plug-in's own object, by its name."""

    def __new__(cls, owner: Any, name: str) -> Any:
        kind = type(owner)
        method = None if name.startswith("__") else getattr(kind, name, None)
        if not kind.__module__.startswith(_PLUGINS) or not isinstance(method, FunctionType):
            raise pickle.UnpicklingError(f"{kind.__qualname__}.{name}")
        return MethodType(method, owner)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, project: Project) -> None:
        super().__init__(file)
        self._project = project
        self._modules = {m.path: m for m in (*project.code, *project.revisions)}
        self._wholes = {
            "Project": project, "Names": project.names, "Classes": project.classes,
        }  # fmt: skip

    def persistent_load(self, told: Any) -> Any:
        kind, name = told
        if kind == "module":
            return self._modules[name]
        if kind == "class":
            return dict.__getitem__(self._project.classes.by_id, name)
        return self._wholes[kind]

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == (__name__, _Bound.__name__):
            return _Bound
        if (module, name) in _PLAIN:
            return getattr(sys.modules[module], name)
        if module.startswith(_OURS) and "." not in name:
            found = vars(importlib.import_module(module)).get(name)
            # Not what a module of ours has merely imported.
            if isinstance(found, type) and found.__module__ == module:
                return found
        raise pickle.UnpicklingError(f"{module}.{name}")


def named_tests(tests: Iterable[Test]) -> list[str]:
    return sorted(f"{test.__module__}:{test.__qualname__}" for test in tests)


def tests_named(names: Iterable[str]) -> set[Test] | None:
    """The tests of plug-ins by name; None where one is no longer there."""
    found: set[Test] = set()
    for name in names:
        module, _, function = name.partition(":")
        if not module.startswith(_PLUGINS):
            return None
        test = vars(importlib.import_module(module)).get(function)
        if not isinstance(test, FunctionType):
            return None
        found.add(test)
    return found
