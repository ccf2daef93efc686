"""The plan names what the code no longer has, or leaves out what it has."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.model.finding import Finding
from migrator.plan.named import Names
from migrator.verify.rule import Rule
from migrator.verify.subject import Monolith, Subject


def _check(subject: Subject) -> Iterator[Finding]:
    if subject.monolith is None:
        return
    monolith = subject.monolith
    names = Names(monolith.graph)
    for what, where in _named(monolith):
        if not names.has(what):
            told = f"{where} names {what}, which the code no longer has"
            yield _finding(monolith, what, told)
    planned = set(monolith.assignment.table_owner)
    for table in monolith.graph.tables:
        if table.id not in planned:
            yield _finding(monolith, table.id, f"no service of the plan owns table {table.id}")


def _named(monolith: Monolith) -> Iterator[tuple[str, str]]:
    for service in monolith.plan.services:
        yield from ((name, service.name) for name in (*service.tables, *service.definitions))
    yield from ((name, "shared") for name in monolith.plan.shared)
    yield from ((name, "glue") for name in monolith.plan.glue)
    yield from ((pin.what, "pins") for pin in monolith.plan.pins)
    yield from ((cut.what, "cuts") for cut in monolith.plan.cuts if cut.kind != "foreign_key")


def _finding(monolith: Monolith, what: str, message: str) -> Finding:
    path = monolith.plan_path
    fix = f"edit {path}, or run `migrator plan`"
    lines = enumerate(monolith.plan_text.splitlines(), 1)
    line = next((number for number, text in lines if what in text), 1)
    return Finding(RULE.name, RULE.severity, path, line, message, fix, path, what)


RULE = Rule(
    name="plan-names",
    severity="error",
    why="A plan that names things of last month decides nothing about the code of today.",
    good="tables: [invoices]",
    bad="tables: [invoice_old]  # dropped in March",
    check=_check,
)
