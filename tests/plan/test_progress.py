"""How far a migration is, from plan, graph and what is carved."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from migrator.model.graph import Definition, EntryPoint, Graph, Table
from migrator.model.plan import Cut, Plan, Service
from migrator.model.progress import EVERYWHERE, UNASSIGNED, Progress, Share
from migrator.plan.progress import progress
from migrator.plan.resolve import assign
from migrator.report.status import as_json, as_prometheus, moved_traffic
from migrator.scaffold.progress_rules import progress_rules

PLAN = Plan(
    services=(
        Service("orders", "", ("orders", "lines"), ("shop.orders:*",)),
        Service("people", "", ("people",), ("shop.people:*",)),
    ),
    glue=("shop.app:*",),
    cuts=(Cut("people", "orders", "orders", "write", "manual", "erases"),),
)
ROUTES = {
    ("GET", "/orders"): "shop.orders:index",
    ("POST", "/orders"): "shop.orders:create",
    ("GET", "/people"): "shop.people:index",
    ("GET", "/ping"): "shop.app:create_app",
    ("GET", "/left"): "shop.odd:left",
}
GRAPH = Graph(
    root="shop",
    definitions=tuple(
        Definition(name, "function", "shop.py", 1, 2) for name in sorted(set(ROUTES.values()))
    ),
    tables=tuple(
        Table(name, None, (), "shop.py", 1, "orm") for name in ("lines", "odd", "orders", "people")
    ),
    entry_points=tuple(
        EntryPoint("route", definition, method, path, definition)
        for (method, path), definition in ROUTES.items()
    ),
)


def reached(routed: dict[tuple[str, str], str], *carved: str) -> Progress:
    tables = {"orders": ("orders", "lines"), "people": ("people",)}
    return progress(PLAN, assign(PLAN, GRAPH), GRAPH, routed, {n: tables[n] for n in carved})


ORDERS = {("GET", "/orders"): "orders", ("POST", "/orders"): "orders"}
PEOPLE = {("GET", "/people"): "people"}


def test_nothing_has_moved_before_the_first_scaffold() -> None:
    found = reached({})
    assert (found.routes, found.tables, found.carved) == (Share(0, 5), Share(0, 4), Share(0, 2))
    assert [s.name for s in found.services] == ["orders", "people", EVERYWHERE, UNASSIGNED]


def test_one_service_has_moved() -> None:
    found = reached(ORDERS, "orders")
    orders, people, everywhere, unassigned = found.services
    assert (orders.carved, orders.routes, orders.tables) == (True, Share(2, 2), Share(2, 2))
    assert (people.carved, people.routes, people.manual_cuts) == (False, Share(0, 1), 1)
    assert (everywhere.routes, unassigned.tables) == (Share(0, 1), Share(0, 1))
    assert found.tables.ratio == 0.5


def test_what_every_service_answers_has_moved_with_the_last() -> None:
    found = reached(ORDERS | PEOPLE, "orders", "people")
    assert found.routes == Share(4, 5)
    assert found.services[2].routes == Share(1, 1)


def test_a_route_that_the_gateway_sends_back_has_not_moved() -> None:
    found = reached({("GET", "/orders"): "orders"}, "orders")
    assert found.services[0].routes == Share(1, 2)


def test_rules_text_format_and_json_say_the_same() -> None:
    found = reached(ORDERS, "orders")
    [group] = progress_rules(found)["groups"]
    rules = {
        f'{r["record"]}{{service_name="{r["labels"]["service_name"]}"}}': r["expr"]
        for r in group["rules"]
    }
    lines = [line for line in as_prometheus(found).splitlines() if not line.startswith("#")]
    assert {
        name: f"vector({value})" for name, value in (li.rsplit(" ", 1) for li in lines)
    } == rules
    document = json.loads(as_json(found, {"orders": 30.0, "monolith": 10.0}, {"error": 1}))
    assert document["total"]["routes"] == {"moved": 2, "total": 5}
    assert document["total"]["requests"] == {"moved": 30.0, "total": 40.0}
    assert document["total"]["findings"] == {"error": 1}


@given(st.dictionaries(st.sampled_from(["orders", "people", "monolith"]), st.floats(0, 1e9)))
def test_a_share_of_traffic_is_a_share(traffic: dict[str, float]) -> None:
    share = moved_traffic(traffic)
    assert share is None if not sum(traffic.values()) else 0 <= (share or 0) <= 1
