"""Commands of click, typer and Flask, tasks of Celery, RQ and APScheduler."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from migrator.analyze.facts.shape import CALL
from migrator.analyze.frameworks.protocol import Framework
from migrator.analyze.project.dynamic import literal_strings
from migrator.analyze.project.project import Project
from migrator.analyze.project.search import Decorated, calls, decorated, keyword
from migrator.analyze.schema import Schema
from migrator.model.graph import Dependency, EntryPoint, EntryPointKind

_TASKS = {
    "task", "shared_task", "periodic_task", "scheduled_job", "job", "actor", "db_task",
    "db_periodic_task", "background_task",
}  # fmt: skip


class Commands(Framework):
    """What a person, a queue or a clock starts."""

    name: ClassVar[str] = "commands"
    packages: ClassVar[tuple[str, ...]] = ("celery", "click", "typer", "rq", "apscheduler")

    def entry_points(self, project: Project, schema: Schema) -> Iterable[EntryPoint | Dependency]:
        for one in decorated(project):
            yield from self._decorated(one)
        yield from self._queued(project)

    def _decorated(self, one: Decorated) -> Iterator[EntryPoint]:
        decorator = one.decorator
        called = type(decorator) is tuple and decorator[0] == CALL
        func = decorator[2] if called else decorator
        if type(func) is not str:
            return
        last = func.rpartition(".")[2]
        function = one.statement[3]
        if last == "command":
            given = literal_strings(decorator[3][0]) if called and decorator[3] else None
            given = given or (literal_strings(keyword(decorator, "name")) if called else None)
            label = given[0] if given else function.replace("_", "-")
            yield EntryPoint("cli", label, None, None, one.definition, one.line)
        elif last in _TASKS and one.statement[0] == "def":
            given = literal_strings(keyword(decorator, "name")) if called else None
            yield EntryPoint(
                "task", given[0] if given else function, None, None, one.definition, one.line
            )

    def _queued(self, project: Project) -> Iterator[EntryPoint]:
        """``queue.enqueue(f)`` of RQ, ``scheduler.add_job(f)`` of APScheduler."""
        packages = {
            "enqueue": "rq",
            "enqueue_in": "rq",
            "enqueue_at": "rq",
            "add_job": "apscheduler",
        }
        used = {package for package in set(packages.values()) if project.imports(package)}
        methods = [m for m, package in packages.items() if package in used]
        seen: set[str] = set()
        for found in calls(project, methods) if methods else ():
            args = [a for a in found.call[3] if type(a) is str]
            for name in args[:1]:
                target = project.names.resolve(found.module.name, name, found.local)
                definition = project.names.definition_of(target)
                if definition is not None and definition not in seen:
                    seen.add(definition)
                    kind: EntryPointKind = "task"
                    label = definition.rpartition(":")[2]
                    yield EntryPoint(kind, label, None, None, definition, found.call[1])
