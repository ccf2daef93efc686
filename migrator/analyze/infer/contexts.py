"""Which classes a method need not be told apart by.

A method that a class inherits does the same there as in the class that defines it, unless it
was seen to need something of its object (through any number of methods of ``self``) that the
classes between bind anew, or handed its object to other code.
So most of a base class's methods are interpreted once, not once for each subclass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.analyze.facts.shape import Expr
from migrator.analyze.infer.invoke import run
from migrator.analyze.infer.sink import SUPER
from migrator.analyze.infer.values import (
    FunctionCode,
    Instance,
)

if TYPE_CHECKING:
    from migrator.analyze.infer.world import World
    from migrator.analyze.project.classes import Class


class Contexts:
    """Memos over the classes of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._classes = world.project.classes
        self._differences: dict[tuple[str, str], frozenset[str] | None] = {}
        self._binds: dict[str, frozenset[str]] = {}

    def canonical(self, code: FunctionCode, own: Instance) -> Instance | None:
        """The highest class for whose objects the method does what it does for `own`; None where
        that is the class that defines it, and nothing is special."""
        if own.given:
            return own
        key = ("canonical", code.key, code.statement[1], own.cls)
        return self._world.memo.get(key, lambda: self._highest(code, own), own)

    def _highest(self, code: FunctionCode, own: Instance) -> Instance | None:
        if code.owner is None or own.cls == code.owner:
            return None
        class_ = self._classes.get(own.cls)
        above = [
            c.id
            for c in self._classes.ancestors(own.cls)
            if code.owner in c.mro and c.id != own.cls
        ]
        for candidate in reversed(above):
            if class_ is not None and self._alike(code, class_, candidate):
                return Instance(candidate) if candidate != code.owner else None
        return own

    def _alike(self, code: FunctionCode, class_: Class, above: str) -> bool:
        differences = self._between(class_, above)
        if differences is None:
            return False
        needs = self._needed(code, above)
        if needs is None or not needs.isdisjoint(differences):
            return False
        upper = self._classes.by_id[above].mro
        return SUPER not in needs or class_.mro[-len(upper) :] == upper

    def _between(self, class_: Class, above: str) -> frozenset[str] | None:
        """The names that classes below `above` bind; None where the two cannot be compared."""
        key = (class_.id, above)
        if key not in self._differences:
            self._differences[key] = self._bound_between(class_, above)
        return self._differences[key]

    def _bound_between(self, class_: Class, above: str) -> frozenset[str] | None:
        upper = self._classes.by_id[above]
        if any(self._world.framework_of(Instance(c)) is not None for c in (class_.id, above)):
            return None
        found: set[str] = set()
        for name in class_.mro:
            if name in upper.mro:
                continue
            own = self._classes.get(name)
            if own is None or any(args for _, args in own.bases):
                return None  # what another's class binds is not known; type arguments reach far
            found |= self._bindings(own)
        return frozenset(found)

    def _bindings(self, class_: Class) -> frozenset[str]:
        known = self._binds.get(class_.id)
        if known is None:
            assigned = self._world.assigned(class_)
            known = self._binds[class_.id] = frozenset(class_.members) | frozenset(assigned)
        return known

    def _needed(self, code: FunctionCode, cls: str) -> frozenset[str] | None:
        """The names of its object that the method was seen to need as an object of `cls`; None
        where that object was handed on."""
        sink = run(self._world, code, None if cls == code.owner else Instance(cls), {})[1]
        if sink.handed_on or not sink.whole:
            return None
        key = ("needs", code.key, code.statement[1], cls)
        return self._world.memo.get(key, lambda: self._closed(cls, sink.needs), None)

    def _closed(self, cls: str, needs: set[str]) -> frozenset[str] | None:
        """With the names that the values of its attributes need in turn."""
        names = set(needs)
        waiting = list(needs)
        while waiting:
            name = waiting.pop()
            if self._classes.find(cls, name) is not None:
                continue
            for class_ in self._classes.ancestors(cls):
                for code, expr, _ in self._world.assigned(class_).get(name, ()):
                    inner = _attributes(expr, code.statement[4][0][0])
                    if inner is None:
                        return None
                    inner.add(code.name)
                    waiting += inner - names
                    names |= inner
        return frozenset(names)


def _attributes(expr: Expr, own: str) -> set[str] | None:
    """The attributes of `own` that an expression names; None where it uses `own` otherwise."""
    found: set[str] = set()
    prefix = own + "."
    waiting = [expr]
    while waiting:
        one = waiting.pop()
        if type(one) is tuple:
            waiting += one
        elif type(one) is str:
            if one == own or one == "super":
                return None
            if one.startswith(prefix):
                found.add(one.split(".", 2)[1])
    return found
