"""Graphs for tests of reports: the sample's, and made ones of any size."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from migrator.analyze.assemble import stats
from migrator.analyze.pipeline import analyze
from migrator.model.graph import (
    Access,
    Column,
    Definition,
    Dependency,
    ForeignKey,
    Graph,
    Module,
    Table,
    Transaction,
    Unresolved,
)
from migrator.model.plan import Assignment, Plan
from migrator.plan.propose import propose
from migrator.plan.resolve import assign

SAMPLE = Path(__file__).parents[2] / "sample_monolith"


@cache
def sample() -> Graph:
    """The Graph of the sample monolith."""
    return analyze(SAMPLE)


@cache
def sample_plan() -> tuple[Plan, Assignment]:
    """What `migrator plan` proposes for the sample."""
    plan = propose(sample())
    return plan, assign(plan, sample())


def big(modules: int = 4000, tables: int = 1000, packages: int = 30) -> Graph:
    """A monolith that was never written: eight ties a module, most inside its package."""

    def module(number: int) -> str:
        return f"shop.area{number % packages}.part{number // packages % 5}.module{number}"

    def pick(number: int, step: int, count: int) -> int:
        near = (number + packages * (step + 1)) % count
        return near if step % 4 else (number * 31 + step * 17) % count

    definitions = [
        Definition(f"{module(n)}:work{n}", "function", f"shop/m{n}.py", 10, 40)
        for n in range(modules)
    ]
    accesses = [
        Access(d.id, f"table{pick(n, step, tables)}", mode, d.path, 12 + step, "orm", "certain")
        for n, d in enumerate(definitions)
        for step, mode in enumerate(("read", "insert", "update", "read"))
    ]
    calls = [
        Dependency(d.id, definitions[pick(n, step, modules)].id, "calls", 1 + step, 20)
        for n, d in enumerate(definitions)
        for step in range(4)
    ]
    columns = (Column("id", "Integer()", False, True), Column("name", "String(80)"))
    graph = Graph(
        root="/srv/shop",
        modules=tuple(Module(module(n), f"shop/m{n}.py", 50 + n % 700) for n in range(modules)),
        definitions=tuple(definitions),
        tables=tuple(
            Table(f"table{n}", None, columns, "shop/models.py", n + 1, "orm") for n in range(tables)
        ),
        foreign_keys=tuple(
            ForeignKey(f"table{n}", f"table{n // 2}", ("x_id",), ("id",), "shop/models.py", n)
            for n in range(1, tables)
        ),
        accesses=tuple(accesses),
        dependencies=tuple(calls),
        transactions=tuple(
            Transaction(d.id, f"POST /{n}", (f"table{n % tables}", f"table{n * 7 % tables}"), ())
            for n, d in enumerate(definitions[:800])
        ),
        unresolved=tuple(
            Unresolved(f"shop/m{n}.py", n, "execute(sql)", "computed") for n in range(900)
        ),
    )
    return Graph(**{f: getattr(graph, f) for f in graph.__slots__} | {"stats": stats(graph)})
