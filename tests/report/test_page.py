"""The page without a browser: what is in it, and how much it weighs."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.graphs import big, sample, sample_plan

from migrator.model.graph import Graph, Module
from migrator.report.diagram import diagram, mermaid
from migrator.report.html.layout import CELL, layout
from migrator.report.html.page import page


def data(text: str) -> dict[str, Any]:
    """The data that the page carries."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found
    read: dict[str, Any] = json.loads(found[1])
    return read


def test_the_page_holds_the_whole_graph_and_the_plan() -> None:
    graph = sample()
    held = data(page(graph, *sample_plan()))
    assert [m[0] for m in held["modules"]] == [m.name for m in graph.modules]
    assert [t[0] for t in held["tables"]] == [t.id for t in graph.tables]
    assert len(held["accesses"]) == len(graph.accesses)
    assert len(held["keys"]) == len(graph.foreign_keys)
    assert len(held["unresolved"]) == len(graph.unresolved)
    assert len(held["cuts"]) == len(sample_plan()[0].cuts)
    assert {g[0] for g in held["groups"]} >= {s.name for s in sample_plan()[0].services}


def test_the_same_graph_gives_the_same_bytes() -> None:
    assert page(sample()) == page(sample())


def test_the_page_asks_the_network_for_nothing() -> None:
    text = page(sample(), *sample_plan())
    assert "default-src 'none'" in text
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", text)
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|WebSocket|sendBeacon", text)


def test_text_of_the_monolith_cannot_end_the_script() -> None:
    evil = "</script><script>alert(1)</script><!--"
    graph = Graph(root=f"/x/{evil}", modules=(Module(f"m{evil}", f"{evil}.py", 3),))
    text = page(replace(graph, stats={}))
    assert "<script>alert" not in text
    assert data(text)["modules"][0][0] == f"m{evil}"


def test_five_thousand_nodes_weigh_less_than_three_megabytes() -> None:
    assert len(page(big()).encode()) < 3_000_000


def test_what_no_service_owns_is_shown_as_such() -> None:
    """A plan older than the code, as after the analyzer has learnt to see more."""
    plan, assignment = sample_plan()
    owners = {d: o for d, o in assignment.owner_of.items() if not d.endswith(":notify")}
    old = replace(assignment, owner_of=owners, table_owner={})
    held = data(page(sample(), plan, old))
    assert "(unassigned)" in [g[0] for g in held["groups"]]
    assert "(unassigned)" in mermaid(diagram(sample(), old))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_two_nodes_meet_and_each_is_in_the_disc_of_its_group(data: st.DataObject) -> None:
    groups = data.draw(st.integers(1, 9))
    group_of = data.draw(st.lists(st.integers(0, groups - 1), min_size=1, max_size=60))
    node = st.integers(0, len(group_of) - 1)
    ties = data.draw(st.dictionaries(st.tuples(node, node), st.floats(0.1, 50), max_size=80))
    found = layout(group_of, groups, ties)
    places = found.nodes
    for i, a in enumerate(places):
        disc = found.discs[group_of[i]]
        assert math.dist(a, (disc.x, disc.y)) <= disc.r
        assert all(math.dist(a, b) > CELL * 0.98 for b in places[i + 1 :])
    for i, one in enumerate(found.discs):
        for other in found.discs[i + 1 :]:
            assert math.dist((one.x, one.y), (other.x, other.y)) > one.r + other.r
