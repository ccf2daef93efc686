"""Where work begins in Django besides routes, and what runs in one transaction."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.analyze.facts.shape import CALL, Expr
from migrator.analyze.frameworks.django.signals import connections, own_signals
from migrator.analyze.project.project import Project
from migrator.analyze.project.search import calls, decorated
from migrator.analyze.project.walk import owner_of
from migrator.analyze.schema import Schema
from migrator.model.graph import Dependency, EntryPoint

_COMMANDS = ".management.commands."
_ATOMIC = ("django.db.transaction.atomic", "django.db.transaction.non_atomic_requests")


def commands(project: Project) -> Iterator[EntryPoint]:
    """Management commands, named after their file."""
    for module in project.code:
        if _COMMANDS not in f".{module.name}":
            continue
        class_ = project.classes.get(f"{module.name}:Command")
        if class_ is not None:
            name = module.name.rpartition(".")[2]
            yield EntryPoint("cli", name, None, None, class_.id, class_.line)


def signals(project: Project) -> Iterator[EntryPoint | Dependency]:
    """Who listens; for the monolith's own signals also who sends."""
    handlers: dict[str, set[str]] = {}
    for one in connections(project):
        handlers.setdefault(one.signal, set()).add(one.handler)
        yield EntryPoint("signal", one.name, None, None, one.handler, one.line)
    own = own_signals(project)
    counts: dict[tuple[str, str], list[int]] = {}
    for found in calls(project, ("send", "send_robust")) if own else ():
        owner = owner_of(found.call[2])
        if type(owner) is not str or found.definition.endswith(":"):
            continue
        signal = project.names.resolve(found.module.name, owner, found.local)
        for handler in handlers.get(signal or "", ()) if signal in own else ():
            if handler != found.definition:
                counts.setdefault((found.definition, handler), []).append(found.call[1])
    for (source, target), lines in counts.items():
        yield Dependency(source, target, "signals", len(lines), min(lines))


def marks(project: Project, schema: Schema) -> None:
    """Traits: what runs in a transaction of its own, what the admin shows."""
    for one in decorated(project):
        for name in _names(one.decorator):
            resolved = project.resolved(one.module.name, name)
            if resolved == _ATOMIC[0]:
                schema.trait(one.definition, "atomic")
            elif resolved == "django.contrib.admin.register":
                schema.trait(one.definition, "admin")
    for found in calls(project, ("atomic", "register")):
        func = found.call[2]
        if type(func) is not str or (found.definition.endswith(":") and "register" not in func):
            continue
        resolved = project.names.resolve(found.module.name, func, found.local) or ""
        if resolved == _ATOMIC[0]:
            schema.trait(found.definition, "atomic")
        elif resolved == "django.contrib.admin.site.register" and len(found.call[3]) > 1:
            admin = found.call[3][1]
            target = project.resolve(found.module.name, admin) if type(admin) is str else None
            definition = project.names.definition_of(target)
            if definition is not None:
                schema.trait(definition, "admin")


def _names(decorator: Expr) -> Iterator[str]:
    """The name of a decorator, and those handed to ``method_decorator``."""
    if type(decorator) is str:
        yield decorator
    elif type(decorator) is tuple and decorator[0] == CALL:
        yield from _names(decorator[2])
        for argument in decorator[3][:1]:
            yield from _names(argument)
