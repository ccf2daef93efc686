"""Each figure by hand or by an independent oracle, and never alone."""

from __future__ import annotations

import math
from dataclasses import fields

import pytest

from migrator.model.graph import Access, Definition, Dependency, EntryPoint, Graph
from migrator.plan.figures import figures
from migrator.report.plan import _FIGURES

EDGES = (
    ("a", "b", 3), ("b", "c", 1), ("c", "a", 2), ("c", "d", 1), ("d", "e", 4), ("e", "f", 1),
    ("f", "a", 2), ("b", "e", 1),
)  # fmt: skip
HOME = {"a": "0", "b": "0", "c": "0", "d": "1", "e": "1", "f": "2"}
TOUCH = {"t1": "ab", "t2": "ade", "t3": "fc", "t4": "d"}


def graph() -> Graph:
    return Graph(
        root=".",
        definitions=tuple(Definition(name, "function", "m.py", 1, 2) for name in HOME),
        dependencies=tuple(Dependency(s, t, "calls", w, 1) for s, t, w in EDGES),
        accesses=tuple(
            Access(name, table, "insert" if table != "t2" else "read", "m.py", 1, "orm", "certain")
            for table, names in TOUCH.items()
            for name in names
        ),
        entry_points=tuple(EntryPoint("route", n, "GET", f"/{n}", n) for n in "df"),
    )


def test_coupling_cohesion_and_entropy_are_those_of_cargo() -> None:
    """Computed once with ``cargo.metrics.metrics.Metrics`` of minerva-cargo 1.1.0 on this graph
    (it rounds the last two to three digits); it is 518 MB with what it needs, so it is not
    installed here. Where it is importable, the next test asks it again."""
    found = figures("x", graph(), HOME, {})
    assert math.isclose(found.coupling, 0.33333333111111113, abs_tol=1e-6)
    assert round(found.cohesion, 3) == 0.492
    assert round(found.transaction_entropy, 3) == 0.332


def test_cargo_itself_says_the_same() -> None:
    metrics = pytest.importorskip("cargo.metrics.metrics", reason="minerva-cargo is not installed")
    import networkx as nx

    calls, touches = nx.MultiDiGraph(), nx.MultiDiGraph()
    for name, part in HOME.items():
        calls.add_node(name, partition=int(part))
    for source, target, weight in EDGES:
        calls.add_edge(source, target, weight=weight)
    for table, names in TOUCH.items():
        touches.add_edges_from((name, f"DATABASE_{table}") for name in names)
    oracle = metrics.Metrics(calls, touches)
    found = figures("x", graph(), HOME, {})
    assert math.isclose(found.coupling, oracle._static_coupling(), abs_tol=1e-6)
    assert round(found.cohesion, 3) == round(float(oracle._static_cohesion()), 3)
    assert round(found.transaction_entropy, 3) == round(float(oracle.transaction_entropy()), 3)


def test_figures_of_mono2micro_by_hand() -> None:
    found = figures("x", graph(), HOME, {})
    whole = sum(math.log(w) + 1 for _, _, w in EDGES)
    across = 1 + 1 + 1 + (math.log(2) + 1)
    assert math.isclose(found.icp, across / whole)
    assert math.isclose(found.ifn, 4 / 3)
    assert found.ned == 1.0
    # Part 0: 3 pairs of 3 things, 1: 1 of 2, 2: none; two pairs across 0 and 1, one each else.
    cohesion = (3 / 9 + 1 / 4 + 0) / 3
    coupling = (2 / (3 * 2) + 1 / (3 * 1) + 1 / (2 * 1)) / 3
    assert math.isclose(found.sm, cohesion - coupling)
    # Everything is reached from d and from f: two use cases in each part.
    assert math.isclose(found.bcp, math.log(2))


def test_writers_and_hops_by_hand() -> None:
    found = figures("x", graph(), HOME, {})
    # t1 is written by part 0, t4 by 1, t3 by two; t2 is only read.
    assert math.isclose(found.one_writer, 2 / 3)
    # a to f call each other in a ring: nothing is left between rings.
    assert found.sync_hops == 0


def test_hops_count_the_longest_way_down() -> None:
    names = ("web:route", "one:f", "two:g", "three:h", "two:pure")
    calls = (
        ("web:route", "one:f"),
        ("one:f", "two:g"),
        ("two:g", "three:h"),
        ("one:f", "two:pure"),
    )
    found = Graph(
        root=".",
        definitions=tuple(Definition(n, "function", "m.py", 1, 2) for n in names),
        dependencies=tuple(Dependency(s, t, "calls", 1, 1) for s, t in calls),
        accesses=(Access("three:h", "t", "insert", "m.py", 1, "orm", "certain"),),
        entry_points=(EntryPoint("route", "r", "GET", "/", "web:route"),),
    )
    home = {n: n.partition(":")[0] for n in names} | {"web:route": "one"}
    assert figures("x", found, home, {}).sync_hops == 2


def test_every_figure_is_shown() -> None:
    known = {f.name for f in fields(figures("x", graph(), HOME, {}))} - {"name"}
    assert {name for name, _, _ in _FIGURES} == known
