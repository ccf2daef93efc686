"""A class crosses with all its methods: what that means for the tables that they write."""

from __future__ import annotations

from dataclasses import replace

from migrator.model.graph import Access, Definition, Dependency, Graph, Table
from migrator.model.plan import Assignment, Cut
from migrator.plan.costs import priced
from migrator.plan.decide import decided
from migrator.plan.reachability import Edges

STORE, SHOW, CLEAR = "shop.store:Store", "shop.pages:show", "shop.pages:clear"
GRAPH = Graph(
    "shop",
    definitions=(
        Definition(STORE, "class", "store.py", 1, 20),
        Definition(SHOW, "function", "pages.py", 1, 5),
        Definition(CLEAR, "function", "pages.py", 6, 9),
    ),
    tables=(Table("goods", None, (), "store.py", 1, "sql"),),
    accesses=(
        Access(STORE, "goods", "read", "store.py", 3, "sql", "certain"),
        Access(STORE, "goods", "delete", "store.py", 9, "sql", "certain"),
    ),
    dependencies=(Dependency(SHOW, STORE, "calls", 1, 2),),
)
HELD = Assignment(
    owner_of={STORE: "stock", SHOW: "pages", CLEAR: "pages"}, table_owner={"goods": "stock"}
)


def write_of_pages(graph: Graph) -> Cut:
    cuts = decided("pages", HELD, graph, Edges.of(graph)).cuts
    return next(c for c in cuts if (c.what, c.kind) == ("goods", "write"))


def test_a_write_that_only_a_copied_class_brings_is_no_work_by_hand() -> None:
    found = priced(write_of_pages(GRAPH))
    assert found.decision == "replicate"
    assert "Store" in found.reason and "refused" in found.reason
    assert found.cost.startswith("work: none while nothing here runs them")
    assert any("stock" in other for other in found.alternatives)


def test_a_write_of_its_own_code_is() -> None:
    own = Access(CLEAR, "goods", "delete", "pages.py", 7, "sql", "certain")
    found = write_of_pages(replace(GRAPH, accesses=(*GRAPH.accesses, own)))
    assert found.decision == "manual"


def test_a_function_that_writes_only_what_is_here_is_copied() -> None:
    sweep = Definition("shop.store:sweep", "function", "store.py", 30, 33)
    graph = replace(
        GRAPH,
        definitions=(*GRAPH.definitions, sweep),
        tables=(*GRAPH.tables, Table("visits", None, (), "pages.py", 1, "sql")),
        accesses=(Access(sweep.id, "visits", "delete", "store.py", 31, "sql", "certain"),),
        dependencies=(Dependency(SHOW, sweep.id, "calls", 1, 3, True),),
    )
    held = Assignment({**HELD.owner_of, sweep.id: "stock"}, {"goods": "stock", "visits": "pages"})
    (cut,) = (c for c in decided("pages", held, graph, Edges.of(graph)).cuts if c.kind == "code")
    assert (cut.decision, cut.reason) == ("replicate", "writes only what is owned here: copied")
