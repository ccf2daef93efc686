"""What of a file changed: the names whose content is another than before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from migrator.analyze.facts.read import Facts
from migrator.analyze.facts.shape import CLASS, DEF, IMPORT, Stmt
from migrator.analyze.project.modules import Module, read_interface
from migrator.analyze.project.walk import nested

# The facts of a key of a former run, where they are still there.
OldFacts = Callable[[bytes], Facts | None]


def as_before(module: Module, old: Facts | None, loaded: Mapping[str, str]) -> Module | None:
    """The module as it was with its `old` facts; None where these are gone, or more changed than
    some of its definitions. `loaded` are the variables of all modules that are imported by
    text."""
    if old is None or _frame(old) != _frame(module.facts):
        return None
    before = Module(module.name, module.path, old, module.role)
    read_interface(before)
    for name in [n for n in before.own if f"{module.name}:{n}" in loaded]:
        del before.own[name]
        before.bound[name] = loaded[f"{module.name}:{name}"]
    return before


def changed_names(before: Module, module: Module) -> frozenset[str]:
    """The top-level names that are there, or what they are, only now or only before."""
    was, now = _contents(before), _contents(module)
    return frozenset(n for n in was.keys() | now.keys() if was.get(n) != now.get(n))


def _contents(module: Module) -> dict[str, tuple[Any, ...]]:
    """All that is known of each name."""
    interface, detail = module.facts.interface, module.facts.detail
    found: dict[str, tuple[Any, ...]] = {}
    for index, fact in enumerate(interface.definitions):
        bodies = tuple([detail.bodies[place] for place in _places(fact.statements)])
        found[fact.name] = (fact, detail.uses[index], detail.local[index], bodies)
    for name in module.bound.keys() | found.keys():
        there = name in module.own, module.bound.get(name)
        found[name] = (*found.get(name, ()), *there)
    return found


def _frame(facts: Facts) -> tuple[Any, ...]:
    """All that is known of a file but its definitions; of its imports not the lines."""
    interface = facts.interface
    claimed = {id(s) for fact in interface.definitions for s in fact.statements}
    rest = tuple([_unplaced(s) for s in interface.body if id(s) not in claimed])
    used = {place for fact in interface.definitions for place in _places(fact.statements)}
    others = tuple([b for place, b in enumerate(facts.detail.bodies) if place not in used])
    imports = tuple([_unplaced(s) for s in interface.imports])
    plain = interface._replace(lines=0, body=rest, definitions=(), imports=imports)
    return plain, others


def _unplaced(statement: Stmt) -> Stmt:
    return (IMPORT, *statement[2:]) if statement[0] == IMPORT else statement


def _places(statements: tuple[Stmt, ...]) -> Iterator[int]:
    """Where the bodies of functions are, those of methods too."""
    for statement in statements:
        if statement[0] == DEF and type(statement[7]) is int:
            yield statement[7]
        elif statement[0] == CLASS:
            yield from _places(tuple(nested(statement[7])))
