"""A service lacks its outbox or inbox, or nobody serves what it asks for."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from migrator.model.finding import Finding
from migrator.verify.rule import Rule
from migrator.verify.subject import CarvedService, Subject


def _check(subject: Subject) -> Iterator[Finding]:
    for service in subject.services:
        if not any(_upgrades_chassis(tree) for tree in service.revisions.values()):
            yield _finding(
                service,
                "outbox",
                "no migration makes the outbox and inbox tables",
                "call `chassis.schema.upgrade(op)` in the first revision, or scaffold again",
            )
        yield from _unserved(subject, service)


def _upgrades_chassis(tree: ast.Module) -> bool:
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "chassis"
        for alias in node.names
        if alias.name == "schema"
    }
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "upgrade"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in imported
        for node in ast.walk(tree)
    )


def _unserved(subject: Subject, service: CarvedService) -> Iterator[Finding]:
    """Only owners that are in the workspace can be checked; the rest is the monolith's."""
    manifest = service.manifest
    for table, owner in manifest.replicas:
        other = subject.service(owner)
        if other and table not in other.manifest.published:
            yield _unmet(service, table, f"{owner} does not publish changes of {table}")
    for asked in manifest.calls:
        other = subject.service(asked.service)
        if other and asked.function not in other.manifest.serves_calls:
            yield _unmet(service, asked.function, f"{asked.service} does not serve that call")
    for asked in manifest.emits:
        other = subject.service(asked.service)
        if other and asked.function not in other.manifest.serves_events:
            yield _unmet(service, asked.function, f"{asked.service} does not handle that event")


def _unmet(service: CarvedService, what: str, why: str) -> Finding:
    return _finding(service, what, f"{service.name} needs {what}, but {why}", "scaffold both again")


def _finding(service: CarvedService, what: str, message: str, fix: str) -> Finding:
    place = service.place("service.toml")
    return Finding(RULE.name, RULE.severity, place, 1, message, fix, service.name, what)


RULE = Rule(
    name="messaging-missing",
    severity="error",
    why="Without the outbox in the same database a change and its message are two transactions.",
    good="schema.upgrade(op)  # in 0001_initial.py",
    bad='publish("job.closed")  # straight to the broker, after the commit',
    check=_check,
)
