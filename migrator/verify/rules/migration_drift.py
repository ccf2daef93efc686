"""A service's migrations and its models disagree."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.model.finding import Finding
from migrator.model.graph import Table
from migrator.verify.rule import Rule
from migrator.verify.subject import CarvedService, Subject

# The chassis adds this column to replicas; models do not know it.
_REPLICA_VERSION = "replica_version"


def _check(subject: Subject) -> Iterator[Finding]:
    for service in subject.services:
        yield from _compare(service)


def _compare(service: CarvedService) -> Iterator[Finding]:
    manifest = service.manifest
    expected = {*manifest.owned, *dict(manifest.replicas)}
    models = {table.id: table for table in service.graph.tables if table.source in ("orm", "core")}
    migrated = {table.id: table for table in service.migrated}
    declared = set(models) - set(dict(manifest.remote_inserts))
    for name in sorted((expected | declared) - set(migrated)):
        yield _finding(service, name, f"no migration makes table {name}")
    for name in sorted(expected & set(migrated) & set(models)):
        yield from _columns(service, models[name], migrated[name])


def _columns(service: CarvedService, model: Table, migrated: Table) -> Iterator[Finding]:
    modelled = {column.name: column for column in model.columns}
    made = {c.name: c for c in migrated.columns if c.name != _REPLICA_VERSION}
    for name in sorted(set(modelled) - set(made)):
        yield _finding(service, f"{model.id}.{name}", f"no migration makes {model.id}.{name}")
    for name in sorted(set(made) - set(modelled)):
        text = f"migrations make {model.id}.{name}, which the model does not have"
        yield _finding(service, f"{model.id}.{name}", text)
    for name in sorted(set(made) & set(modelled)):
        if modelled[name].primary_key or modelled[name].nullable == made[name].nullable:
            continue
        says = "may be null" if modelled[name].nullable else "may not be null"
        text = f"{model.id}.{name} {says} in the model, and the migrations say otherwise"
        yield _finding(service, f"{model.id}.{name}", text)


def _finding(service: CarvedService, what: str, message: str) -> Finding:
    return Finding(
        RULE.name,
        RULE.severity,
        service.place("migrations/versions"),
        1,
        message,
        "add a revision: `alembic revision --autogenerate`",
        service.name,
        what,
    )


RULE = Rule(
    name="migration-drift",
    severity="error",
    why="A model that the database does not agree with fails at the first request after a deploy.",
    good='op.add_column("jobs", sa.Column("salary", sa.Integer()))  # beside the new attribute',
    bad="salary: Mapped[int | None]  # and no revision",
    check=_check,
)
