"""A service writes a table of which it holds only a replica."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.model.finding import Finding
from migrator.verify.rule import Rule
from migrator.verify.subject import Subject


def _check(subject: Subject) -> Iterator[Finding]:
    # What the plan calls manual is known to wait for a person: told, but no reason to fail.
    cuts = subject.monolith.plan.cuts if subject.monolith else ()
    by_hand = {(cut.source, cut.what) for cut in cuts if cut.decision == "manual"}
    for service in subject.services:
        replicas = dict(service.manifest.replicas)
        inserts = dict(service.manifest.remote_inserts)
        copies = {t.definition for t in service.graph.tables if t.id in {*replicas, *inserts}}
        called = {
            edge.target
            for edge in service.graph.dependencies
            if edge.kind == "calls" and edge.source not in copies
        }
        for access in service.graph.accesses:
            owner = replicas.get(access.table) or inserts.get(access.table)
            allowed = access.mode == "insert" and access.table in inserts
            if owner is None or not access.writes or allowed:
                continue
            decided = (service.manifest.name, access.table) in by_hand
            # A copy has the methods of its class, also those that nothing here calls.
            own = access.definition in copies - called
            remark = (
                " (manual in the plan)" if decided else " (a method of the copy)" if own else ""
            )
            yield Finding(
                RULE.name,
                "warning" if decided or own else RULE.severity,
                service.place(access.path),
                access.line,
                f"{access.definition} does {access.mode} on {access.table}, "
                f"a replica owned by {owner}; the chassis refuses it when it runs{remark}",
                f"ask {owner} to do it: a call, or an event through the outbox",
                access.definition,
                access.table,
            )


RULE = Rule(
    name="replica-write",
    severity="error",
    why="A replica is filled by the inbox: what is written to it is lost with the next event.",
    good='remote.emit("jobmarket.accounts.service:rename", user_id, name)',
    bad="user.name = name  # users is a replica here",
    check=_check,
)
