"""A service touches a table that it neither owns nor has a replica of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrator.model.finding import Finding
from migrator.verify.rule import Rule
from migrator.verify.subject import CarvedService, Monolith, Subject

_IN_SQL = re.compile(r"table (\S+) in SQL text")


def _check(subject: Subject) -> Iterator[Finding]:
    if subject.monolith:
        yield from _undecided(subject.monolith)
    tables = {t.id for t in subject.monolith.graph.tables} if subject.monolith else set()
    for service in subject.services:
        yield from _foreign(service)
        yield from _unknown(service, tables)


def _undecided(monolith: Monolith) -> Iterator[Finding]:
    if not monolith.assignment.owner_of:
        return
    decided = {(cut.source, cut.what, cut.kind) for cut in monolith.plan.cuts}
    for access in monolith.graph.accesses:
        service = monolith.service_of(access.definition)
        owner = monolith.assignment.table_owner.get(access.table)
        kind = "write" if access.writes else "read"
        if not service or not owner or owner == service:
            continue
        if (service, access.table, kind) in decided:
            continue
        yield Finding(
            RULE.name,
            RULE.severity,
            monolith.place(access.path),
            access.line,
            f"{access.definition} ({service}) does {access.mode} on table {access.table} "
            f"of {owner}, and the plan has no decision for it",
            "run `migrator plan` and review the new cut, or ask the owner instead",
            access.definition,
            access.table,
        )


def _unknown(service: CarvedService, tables: set[str]) -> Iterator[Finding]:
    """SQL text that names a table of the monolith which nothing in the service declares."""
    for told in service.graph.unresolved:
        named = _IN_SQL.fullmatch(told.what)
        if named and (name := named[1]) in tables:
            yield Finding(
                RULE.name,
                RULE.severity,
                service.place(told.path),
                told.line,
                f"SQL text uses table {name}, which the service {service.name} neither owns nor "
                "has a replica of",
                "decide it in migration.yaml (replicate, call or event) and scaffold again",
                told.path,
                name,
            )


def _foreign(service: CarvedService) -> Iterator[Finding]:
    manifest = service.manifest
    known = {*manifest.owned, *dict(manifest.replicas), *dict(manifest.remote_inserts)}
    for access in service.graph.accesses:
        if access.table in known:
            continue
        yield Finding(
            RULE.name,
            RULE.severity,
            service.place(access.path),
            access.line,
            f"{access.definition} does {access.mode} on table {access.table}, which the service "
            f"{service.name} neither owns nor has a replica of",
            "decide it in migration.yaml (replicate, call or event) and scaffold again",
            access.definition,
            access.table,
        )


RULE = Rule(
    name="table-not-owned",
    severity="error",
    why="A table has one owner. Whoever else touches it shares a database.",
    good="select(User)  # users is a replica here, kept by events",
    bad='text("SELECT * FROM invoices")  # in the jobs service; billing owns invoices',
    check=_check,
)
