"""A foreign key leads to a table that another service owns."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.model.finding import Finding
from migrator.verify.rule import Rule
from migrator.verify.subject import CarvedService, Monolith, Subject


def _check(subject: Subject) -> Iterator[Finding]:
    if subject.monolith:
        yield from _undecided(subject.monolith)
    for service in subject.services:
        yield from _kept(service)


def _undecided(monolith: Monolith) -> Iterator[Finding]:
    decided = {(cut.source, cut.target) for cut in monolith.plan.cuts if cut.kind == "foreign_key"}
    owner = monolith.assignment.table_owner
    for key in monolith.graph.foreign_keys:
        source, target = owner.get(key.source), owner.get(key.target)
        if not source or not target or source == target or (source, target) in decided:
            continue
        yield Finding(
            RULE.name,
            RULE.severity,
            monolith.place(key.path),
            key.line,
            f"{key.source}.{', '.join(key.columns)} ({source}) refers to {key.target} of {target}, "
            "and the plan has no decision for it",
            "run `migrator plan` and review the new cut",
            key.source,
            key.target,
        )


def _kept(service: CarvedService) -> Iterator[Finding]:
    owned = set(service.manifest.owned)
    for key in service.graph.foreign_keys:
        if key.source in owned and key.target in owned:
            continue
        yield Finding(
            RULE.name,
            RULE.severity,
            service.place(key.path),
            key.line,
            f"{key.source}.{', '.join(key.columns)} has a foreign key to {key.target}, "
            f"and the service {service.name} does not own both",
            "make it a plain column with a comment that says where it points",
            key.source,
            key.target,
        )


RULE = Rule(
    name="foreign-key-across",
    severity="error",
    why="The database of one service cannot check rows of another; a replica arrives later.",
    good="user_id: Mapped[int] = mapped_column()  # points to accounts.users.id",
    bad='user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))  # users is a replica',
    check=_check,
)
