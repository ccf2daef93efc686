"""What becomes shared: what others use more than its own service does, with what it needs."""

from __future__ import annotations

from migrator.model.graph import Access, Definition, Dependency, Graph
from migrator.plan.reachability import Edges
from migrator.plan.roles import roles, unowned

HOMES = {"states": "jobs", "jobs": "jobs", "mails": "mails", "bills": "bills"}


def shared(*uses: tuple[str, str]) -> frozenset[str]:
    """With pure code in the file `states` of the service jobs; all other code works on tables."""
    names = sorted({name for pair in uses for name in pair})
    busy = [name for name in names if not name.startswith("states:")]
    graph = Graph(
        "shop",
        definitions=tuple(Definition(n, "function", "x.py", 1, 2) for n in names),
        dependencies=tuple(Dependency(a, b, "calls", 1, 1) for a, b in uses),
        accesses=tuple(
            Access(n, n.partition(":")[0], "read", "x.py", 1, "orm", "certain") for n in busy
        ),
    )
    edges = Edges.of(graph)
    home = {name: HOMES[name.partition(":")[0]] for name in names}
    return unowned(graph, edges, roles(graph, edges), home)[0]


def test_what_its_own_service_mostly_uses_stays_with_it() -> None:
    own = [(f"jobs:{n}", "states:State") for n in "abc"]
    assert shared(*own, ("mails:a", "states:State"), ("bills:a", "states:State")) == frozenset()


def test_what_nobody_uses_more_than_others_is_shared() -> None:
    spread = [(f"{home}:a", "states:slug") for home in ("jobs", "mails", "bills")]
    assert shared(*spread) == {"states:slug"}


def test_a_thing_for_others_draws_along_nothing_that_its_service_lives_on() -> None:
    own = [(f"jobs:{n}", "states:Inner") for n in "abcd"]
    facade = [
        ("mails:a", "states:find"),
        ("bills:a", "states:find"),
        ("states:find", "states:Inner"),
    ]
    assert shared(*own, *facade) == frozenset()
