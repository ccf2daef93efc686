"""Find decorators and calls over the whole project."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from migrator.analyze.facts.shape import CALL, CALLS, DO, SET, DefinitionFact, Expr
from migrator.analyze.project.calls import Decorated, Found
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.project.walk import calls_in, local_imports, method_of, nested


def decorated(project: Project) -> Iterable[Decorated]:
    """Every decorator of every function and class, nested ones with the definition around."""
    return project.calls.decorated


def calls(project: Project, methods: Collection[str]) -> Iterator[Found]:
    """Every call of one of these methods or functions, anywhere."""
    return project.calls(methods)


def named_calls(project: Project, names: Collection[str]) -> Iterator[Found]:
    """Every call of what these names end, also of plain functions, which `calls` knows only outside
    of functions."""
    project.asked.calls.update(names)
    for module in project.code:
        facts = module.facts
        for fact, uses in zip(facts.interface.definitions, facts.detail.uses, strict=True):
            if any(u.kind == CALLS and u.dotted.rpartition(".")[2] in names for u in uses):
                yield from _calls_of(project, module, fact, names)
        for statement in nested(facts.interface.body):
            for call in calls_in(statement) if statement[0] == DO else ():
                if method_of(call) in names:
                    yield Found(module, f"{module.name}:", call, {})


def _calls_of(
    project: Project, module: Module, fact: DefinitionFact, names: Collection[str]
) -> Iterator[Found]:
    codes = list(project.functions_of(module, fact))
    for block in [project.block(code) for code in codes] or [fact.statements]:
        local = local_imports(module, block)
        for call in calls_in(block):
            if method_of(call) in names:
                yield Found(module, f"{module.name}:{fact.name}", call, local)


def assigned_calls(project: Project) -> Iterator[tuple[str, Module, Expr, str]]:
    """Module-level ``name = call(…)``: definition id, module, call, what is called (resolved)."""
    for id_, module, statement in project.variables():
        value = statement[3]
        if statement[0] == SET and type(value) is tuple and value[0] == CALL:
            yield id_, module, value, project.resolved(module.name, value[2])
