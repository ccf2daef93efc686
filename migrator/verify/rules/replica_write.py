"""A service writes a table of which it holds only a replica."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.model.finding import Finding
from migrator.verify.methods import methods_of
from migrator.verify.rule import Rule
from migrator.verify.subject import Subject


def _check(subject: Subject) -> Iterator[Finding]:
    # What the plan calls manual is known to wait for a person: told, but no reason to fail.
    cuts = subject.monolith.plan.cuts if subject.monolith else ()
    by_hand = {(cut.source, cut.what) for cut in cuts if cut.decision == "manual"}
    for service in subject.services:
        replicas = dict(service.manifest.replicas)
        inserts = dict(service.manifest.remote_inserts)
        writes = [
            access
            for access in service.graph.accesses
            if access.writes
            and access.table in {*replicas, *inserts}
            and not (access.mode == "insert" and access.table in inserts)
        ]
        calls = [edge for edge in service.graph.dependencies if edge.kind == "calls"]
        methods = methods_of(service.sources, calls, {access.definition for access in writes})
        for access in writes:
            owner = replicas.get(access.table) or inserts[access.table]
            decided = (service.manifest.name, access.table) in by_hand
            # A class comes with all of its methods, also those that nothing here calls.
            idle = not methods.may_run(access.definition, access.line)
            remark = (
                " (manual in the plan)" if decided else " (nothing here calls it)" if idle else ""
            )
            yield Finding(
                RULE.name,
                "warning" if decided or idle else RULE.severity,
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
