"""Commands of click, typer and Flask, tasks of Celery, RQ and APScheduler."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from migrator.analyze.facts.shape import CALL, Expr
from migrator.analyze.frameworks.protocol import Framework
from migrator.analyze.infer.annotations import text_of
from migrator.analyze.project.calls import Decorated, Found
from migrator.analyze.project.dynamic import literal_strings
from migrator.analyze.project.library import Libraries
from migrator.analyze.project.project import Project
from migrator.analyze.project.search import calls, decorated
from migrator.analyze.project.walk import keyword, method_of
from migrator.analyze.schema import Schema
from migrator.model.graph import Dependency, EntryPoint, EntryPointKind, Unresolved

_CLI = {"click", "typer", "flask", "quart", "rich_click", "asyncclick", "flask_script", "cloup"}
_STARTS: dict[str, tuple[set[str], EntryPointKind]] = {
    "command": (_CLI, "cli"),
    "task": (
        {"celery", "huey", "procrastinate", "flask_apscheduler", "airflow", "taskiq", "arq"},
        "task",
    ),
    "shared_task": ({"celery"}, "task"),
    "periodic_task": ({"celery", "huey"}, "task"),
    "scheduled_job": ({"apscheduler"}, "task"),
    "job": ({"rq", "django_rq", "flask_rq", "flask_rq2"}, "task"),
    "actor": ({"dramatiq"}, "task"),
    "db_task": ({"huey"}, "task"),
    "db_periodic_task": ({"huey"}, "task"),
    "background": ({"background_task"}, "task"),
}  # fmt: skip


class Commands(Framework):
    """What a person, a queue or a clock starts. A decorator counts by the library that it comes
    from, never by its name alone."""

    name: ClassVar[str] = "commands"
    packages: ClassVar[tuple[str, ...]] = ("celery", "click", "typer", "rq", "apscheduler")

    def entry_points(self, project: Project, schema: Schema) -> Iterable[EntryPoint | Dependency]:
        libraries = Libraries(project)
        for one in decorated(project):
            yield from self._decorated(one, libraries, schema)
        yield from self._queued(project, schema)

    def _decorated(
        self, one: Decorated, libraries: Libraries, schema: Schema
    ) -> Iterator[EntryPoint]:
        decorator = one.decorator
        called = type(decorator) is tuple and decorator[0] == CALL
        func = decorator[2] if called else decorator
        last = method_of((CALL, 0, func, (), ()))
        if last not in _STARTS or one.statement[0] != "def":
            return
        wanted, kind = _STARTS[last]
        origin = libraries.origin(one.module, func, one.inside)
        function = one.statement[3]
        if origin is None:
            if one.module.imports_any(wanted):
                what, why = f"@{text_of(func)}", "which library it comes from is not known"
                schema.unresolved.append(Unresolved(one.module.path, one.line, what, why))
            return
        if origin.partition(".")[0] not in wanted:
            return
        given = literal_strings(decorator[3][0]) if called and decorator[3] else None
        given = given if kind == "cli" else None
        given = given or (literal_strings(keyword(decorator, "name")) if called else None)
        label = given[0] if given else function.replace("_", "-") if kind == "cli" else function
        yield EntryPoint(kind, label, None, None, one.definition, one.line)

    def _queued(self, project: Project, schema: Schema) -> Iterator[EntryPoint]:
        """``queue.enqueue(f)`` of RQ, ``scheduler.add_job(f)`` of APScheduler."""
        used = {m for m, package in _QUEUES.items() if project.imports(package)}
        seen: set[str] = set()
        for found in calls(project, used) if used else ():
            # `enqueue_in(delay, f)`: the function is the first argument that is one.
            names = [a for a in (*found.call[3], keyword(found.call, "func")) if a is not None]
            definition = next((d for a in names if (d := _function(project, found, a))), None)
            if definition is None:
                what, why = f"{text_of(found.call[2])}(…)", "which function it runs is not known"
                schema.unresolved.append(Unresolved(found.module.path, found.call[1], what, why))
            elif definition not in seen:
                seen.add(definition)
                label = definition.rpartition(":")[2]
                yield EntryPoint("task", label, None, None, definition, found.call[1])


_QUEUES = {
    "enqueue": "rq", "enqueue_in": "rq", "enqueue_at": "rq", "enqueue_call": "rq",
    "add_job": "apscheduler",
}  # fmt: skip


def _function(project: Project, found: Found, expr: Expr) -> str | None:
    """The definition that an argument names: a function, or ``"package.module:function"``."""
    if type(expr) is str:
        target = project.names.resolve(found.module.name, expr, found.local)
    else:
        texts = literal_strings(expr)
        target = project.names.absolute(texts[0].replace(":", ".")) if texts else None
    definition = project.names.definition_of(target)
    fact = project.names.definition(definition) if definition else None
    return definition if fact is not None and fact.kind != "variable" else None
