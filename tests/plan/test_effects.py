"""What a definition does when it runs, told for all at once, is what following it alone finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from migrator.model.graph import (
    Access,
    AccessMode,
    Definition,
    Dependency,
    DependencyKind,
    Graph,
)
from migrator.plan.reachability import Edges

NAMES = [f"a:{letter}" for letter in "bcdefgh"]
_KINDS: list[DependencyKind] = ["calls", "signals", "references"]
_MODES: list[AccessMode] = ["read", "insert", "update"]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    pairs = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from(_KINDS))
    done = st.tuples(st.sampled_from(NAMES), st.sampled_from("xyz"), st.sampled_from(_MODES))
    raising = draw(st.sets(st.sampled_from(NAMES)))
    classes = draw(st.sets(st.sampled_from(NAMES), max_size=3))
    return Graph(
        "shop",
        definitions=tuple(
            Definition(
                n,
                "class" if n in classes else "function",
                "a.py",
                1,
                2,
                raises=(f"a:No{n[-1]}",) if n in raising else (),
            )
            for n in NAMES
        ),
        dependencies=tuple(
            Dependency(*pair, 1, 1) for pair in sorted(draw(st.sets(pairs, max_size=14)))
        ),
        accesses=tuple(
            Access(name, table, mode, "a.py", 1, "orm", "certain")
            for name, table, mode in sorted(draw(st.sets(done, max_size=8)))
        ),
    )


def run_by(edges: Edges, name: str, kinds: set[str]) -> set[str]:
    """`name` and what it runs: of a class that it calls no more than the class is known."""
    found, waiting = {name}, [name]
    while waiting:
        here = waiting.pop()
        if edges.definitions[here].kind == "class":
            continue
        for edge in edges.out.get(here, ()):
            if edge.kind in kinds and edge.target not in found:
                found.add(edge.target)
                waiting.append(edge.target)
    return found


@given(graphs())
def test_effects_are_those_of_all_that_surely_runs(graph: Graph) -> None:
    edges = Edges.of(graph)
    for name in NAMES:
        ran = run_by(edges, name, {"calls", "signals"})
        found = [a for n in ran for a in edges.accesses.get(n, ())]
        written = {a.table for a in found if a.writes}
        read = {a.table for a in found if not a.writes}
        assert [set(tables) for tables in edges.effects(name)] == [written, read]


@given(graphs())
def test_a_refusal_is_that_of_the_first_that_is_called(graph: Graph) -> None:
    edges = Edges.of(graph)
    for name in NAMES:
        ran = run_by(edges, name, {"calls"})
        raising = sorted(n for n in ran if edges.definitions[n].raises)
        assert edges.refusal(name) == (f"No{raising[0][-1]}" if raising else None)
