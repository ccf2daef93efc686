"""Whether a change leaves what plug-ins declared as it is: then they need not read all files again.

It does where only functions changed of which no plug-in's question could tell (`project.asked`):
the inside of one that none opened, or a whole one, undecorated, by whose name none looked. Any
change of classes, variables, imports or decorators may matter.
"""

from __future__ import annotations

import marshal
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from migrator.analyze.changed import changed_names
from migrator.analyze.facts.shape import CLASS, DEF, Body, DefinitionFact, Stmt
from migrator.analyze.infer.values import FunctionCode
from migrator.analyze.project.asked import Asked
from migrator.analyze.project.modules import Module
from migrator.analyze.project.walk import nested


@dataclass(frozen=True, slots=True)
class Questions:
    """What was asked of a module: `noted` are its names that were looked up, `missed` the ids of
    functions that something reaches though there are none."""

    asked: Asked
    noted: Collection[str]
    missed: Collection[str]


def is_inert(before: Module, module: Module, questions: Questions) -> bool:
    """Whether all that changed from `before`, of the same frame, is of no account to plug-ins."""
    return all(_is_inert(before, module, name, questions) for name in changed_names(before, module))


def functions_of(module: Module, fact: DefinitionFact) -> Iterator[FunctionCode]:
    """The functions of a definition: itself, or the methods of a class and of those inside."""
    id_ = f"{module.name}:{fact.name}"
    for statement in fact.statements:
        if statement[0] == DEF:
            yield FunctionCode(id_, module.name, None, statement)
        elif statement[0] == CLASS:
            yield from _methods(module, id_, id_, statement)


def body_of(module: Module, code: FunctionCode) -> Body | None:
    place = code.statement[7]
    return module.facts.detail.bodies[place] if type(place) is int else None


def _methods(module: Module, definition: str, owner: str, class_: Stmt) -> Iterator[FunctionCode]:
    for statement in nested(class_[7]):
        if statement[0] == DEF:
            yield FunctionCode(definition, module.name, owner, statement)
        elif statement[0] == CLASS:
            yield from _methods(module, definition, f"{owner}.{statement[3]}", statement)


def _is_inert(before: Module, module: Module, name: str, questions: Questions) -> bool:
    was, now = before.own.get(name), module.own.get(name)
    if now is None or before.bound.get(name) != module.bound.get(name):
        return False
    if was is not None and was.statements == now.statements:
        inside = [
            code
            for code in functions_of(module, now)
            if body_of(before, code) != body_of(module, code)
        ]
        opened = any(code.key in questions.asked.opened for code in inside)
        return not opened and _unasked(before, was, inside, questions.asked) and (
            _unasked(module, now, inside, questions.asked)
        )  # fmt: skip
    if name in questions.noted or name in questions.asked.names:
        return False
    if was is None and f"{module.name}:{name}" in questions.missed:
        return False
    return (was is None or _plain(before, was, questions.asked)) and _plain(
        module, now, questions.asked
    )


def _plain(module: Module, fact: DefinitionFact, asked: Asked) -> bool:
    """Whether it is one undecorated function that no question can tell from another."""
    if fact.kind != "function" or len(fact.statements) != 1 or fact.statements[0][6]:
        return False
    return _unasked(module, fact, list(functions_of(module, fact)), asked)


def _unasked(module: Module, fact: DefinitionFact, codes: list[FunctionCode], asked: Asked) -> bool:
    """Whether these functions of a definition hold nothing that was asked for."""
    index = [d.name for d in module.facts.interface.definitions].index(fact.name)
    used = {use.dotted.rpartition(".")[2] for use in module.facts.detail.uses[index]}
    if not asked.calls.isdisjoint(used):
        return False
    for code in codes:
        body = body_of(module, code)
        if body is None or not asked.calls.isdisjoint(body.attributes):
            return False
        # What stands in functions inside of it may be decorated.
        if any(s[0] in (DEF, CLASS) for s in nested(marshal.loads(body.code))):
            return False
        if any(test(module, code) for test in asked.tests):
            return False
    return True
