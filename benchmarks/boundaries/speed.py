"""What a plan takes against loading its graph, and how both grow: processor time, one run.

    python benchmarks/boundaries/speed.py .migrator/graph.json --copies 1 10
    python benchmarks/boundaries/speed.py .migrator/graph.json --copies 1 10 --wide

A bigger graph holds the same code several times over, each copy in modules of its own beside the
first in the same packages, over the same tables: the same contexts, each bigger, and one in ten of
a copy's calls goes to the next copy. With ``--wide`` each copy has tables and packages of its
own, and one call leads from each to the next: more contexts, none bigger.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from migrator.model.graph import Dependency, Graph
from migrator.model.graph_file import dump_graph, read_graph
from migrator.plan.propose import propose

_T = TypeVar("_T")
_AWAY = 10
_CODE = (
    "modules", "definitions", "accesses", "dependencies", "imports", "entry_points", "transactions",
)  # fmt: skip


def copied(graph: Graph, number: int) -> Graph:
    """The graph with ``cN.`` before every module and ``cN_`` before every table."""
    return _renamed(graph, f"c{number}_", lambda name: f"c{number}.{name}")


def _renamed(graph: Graph, data: str, code: Callable[[str], str]) -> Graph:
    return replace(
        graph,
        modules=tuple(replace(m, name=code(m.name)) for m in graph.modules),
        definitions=tuple(replace(d, id=code(d.id), raises=()) for d in graph.definitions),
        tables=tuple(
            replace(t, name=data + t.name, definition=code(t.definition) if t.definition else None)
            for t in graph.tables
        ),
        foreign_keys=tuple(
            replace(k, source=_table(k.source, data), target=_table(k.target, data))
            for k in graph.foreign_keys
        ),
        relationships=(),
        accesses=tuple(
            replace(a, definition=code(a.definition), table=_table(a.table, data))
            for a in graph.accesses
        ),
        dependencies=tuple(
            replace(e, source=code(e.source), target=code(e.target)) for e in graph.dependencies
        ),
        imports=tuple(
            replace(i, source=code(i.source), target=code(i.target)) for i in graph.imports
        ),
        entry_points=tuple(replace(p, definition=code(p.definition)) for p in graph.entry_points),
        transactions=tuple(
            replace(
                t,
                definition=code(t.definition),
                tables=tuple(_table(x, data) for x in t.tables),
                definitions=tuple(code(x) for x in t.definitions),
            )
            for t in graph.transactions
        ),
        unresolved=(),
    )


def _table(name: str, prefix: str) -> str:
    schema, mark, table = name.rpartition(".")
    return f"{schema}{mark}{prefix}{table}"


def deeper(graph: Graph, copies: int) -> Graph:
    """The same contexts, each `copies` times as big."""

    def named(number: int) -> Callable[[str], str]:
        def name(old: str) -> str:
            module, mark, rest = old.partition(":")
            return f"{module}.c{number}{mark}{rest}"

        return name

    parts = [_renamed(graph, "", named(number)) for number in range(copies)]
    for index, part in enumerate(parts):
        onward = named((index + 1) % copies)
        edges = tuple(
            replace(e, target=onward(old.target)) if n % _AWAY == 0 and e.kind == "calls" else e
            for n, (e, old) in enumerate(zip(part.dependencies, graph.dependencies, strict=True))
        )
        parts[index] = replace(part, dependencies=edges)
    return _whole(parts, _CODE, ())


def wider(graph: Graph, copies: int) -> Graph:
    """`copies` times as many contexts."""
    parts = [copied(graph, number) for number in range(copies)]
    bridges = tuple(
        Dependency(one.definitions[0].id, other.definitions[0].id, "calls", 1, 1)
        for one, other in pairwise(parts)
    )
    return _whole(parts, (*_CODE, "tables", "foreign_keys"), bridges)


def _whole(parts: list[Graph], names: tuple[str, ...], bridges: tuple[Dependency, ...]) -> Graph:
    whole = {name: tuple(x for part in parts for x in getattr(part, name)) for name in names}
    whole["dependencies"] += bridges
    return replace(parts[0], **whole)


def timed(work: Callable[[], _T]) -> tuple[float, _T]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("graph", type=Path)
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--wide", action="store_true")
    given = parser.parse_args()
    graph = read_graph(given.graph)
    print("definitions   load s   plan s   plan/load   services     cuts")
    for copies in given.copies:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "graph.json"
            path.write_text(dump_graph((wider if given.wide else deeper)(graph, copies)), "utf-8")
            load, found = timed(lambda path=path: read_graph(path))
        took, plan = timed(lambda found=found: propose(found))
        print(
            f"{len(found.definitions):11} {load:8.2f} {took:8.2f} {took / load:11.1f}"
            f" {len(plan.services):10} {len(plan.cuts):8}",
            flush=True,
        )


if __name__ == "__main__":
    main()
