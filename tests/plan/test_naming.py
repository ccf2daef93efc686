"""Names that a person would give a service."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrator.model.graph import Definition, EntryPoint, Graph, Table
from migrator.plan.naming import named, purpose
from migrator.plan.ties import TABLE


def graph(*definitions: str, tables: tuple[str, ...] = (), routes: tuple[str, ...] = ()) -> Graph:
    return Graph(
        root=".",
        definitions=tuple(Definition(d, "function", "x.py", 1, 2) for d in definitions),
        tables=tuple(Table(t, None, (), "x.py", 1, "orm") for t in tables),
        entry_points=tuple(
            EntryPoint("route", path, "GET", path, definitions[0]) for path in routes
        ),
    )


def name(found: Graph) -> str:
    part = {d.id for d in found.definitions} | {TABLE + t.id for t in found.tables}
    nodes = sorted(part)
    [only] = named([part], found, {}, dict.fromkeys(nodes, 0))
    return only


@pytest.mark.parametrize("word", ["import", "exit", "flask", "resolvers", "layout", "json", "daos"])
def test_words_of_the_language_its_tools_and_layers_are_passed_over(word: str) -> None:
    assert name(graph(f"shop.{word}.pages:show", tables=("orders",))) == "orders"
    assert (
        name(graph("shop.views.pages:show", tables=("orders",), routes=(f"/{word}",))) == "orders"
    )


def test_a_word_of_the_library_that_is_a_table_is_a_subject() -> None:
    assert name(graph("shop.calendar.pages:show", tables=("calendars", "holidays"))) in (
        "calendar",
        "calendars",
    )


def test_a_poor_word_is_better_than_none() -> None:
    found = graph("shop.flask.x:a", "shop.orders.y:b", "shop.stock.z:c")
    parts = [{"shop.orders.y:b"}, {"shop.stock.z:c"}, {"shop.flask.x:a"}]
    homes = {node: number for number, part in enumerate(parts) for node in part}
    assert named(parts, found, {}, homes) == ["orders", "stock", "flask"]


def test_where_no_folder_is_named_the_definitions_say_what_it_is() -> None:
    assert name(graph("shop.api.a:send_invoice", "shop.api.b:InvoiceReport")) == "invoice"


def test_the_application_itself_is_no_name_for_a_part() -> None:
    found = graph("shop.a:place_order", "shop.a:cancel_order", "shop.b:other")
    parts = [{"shop.a:place_order", "shop.a:cancel_order"}, {"shop.b:other"}]
    homes = {node: number for number, part in enumerate(parts) for node in part}
    assert named(parts, found, {}, homes)[0] == "order"


def test_two_services_are_not_called_by_one_word() -> None:
    found = graph("shop.user.a:x", "shop.users.b:y", "shop.c:z", tables=("accounts",))
    parts = [{"shop.user.a:x"}, {"shop.users.b:y", TABLE + "accounts"}]
    homes = {node: number for number, part in enumerate(parts) for node in part}
    assert named(parts, found, {}, homes) == ["user", "accounts"]


def test_a_class_at_the_edge_does_not_say_what_the_service_is_for() -> None:
    found = graph("shop.models:Notice", "shop.models:NoticePreference", tables=("notices", "prefs"))
    main, edge = (replace(d, kind="class", doc=f"{d.name} it is.") for d in found.definitions)
    tables = tuple(
        replace(t, definition=d.id) for t, d in zip(found.tables, (main, edge), strict=True)
    )
    found = replace(found, tables=tables)
    assert purpose("notices", ["notices", "prefs"], [main, edge], found).startswith("Notice it is.")
    silent = [replace(main, doc=None), edge]
    assert purpose("notices", ["notices", "prefs"], silent, found).startswith("Keeps")


def test_of_two_parts_about_one_thing_the_one_that_is_most_about_it_has_the_name() -> None:
    inner = [f"shop.charts.schemas:s{n}" for n in range(4)]
    outer = [f"shop.agent.charts.tools:t{n}" for n in range(9)]
    found = graph(*inner, *outer, tables=("favstar",))
    parts = [set(outer), {*inner, f"{TABLE}favstar"}]
    homes = {node: number for number, part in enumerate(parts) for node in part}
    assert named(parts, found, {}, homes)[1] != "favstar"


def test_a_layer_is_a_name_where_it_is_the_subject() -> None:
    connect = [f"tool.databases.engines:e{n}" for n in range(9)]
    show = [f"tool.charts.pages:p{n}" for n in range(10)]
    found = graph(*connect, *show, tables=("tunnels", "charts"))
    parts = [{*connect, f"{TABLE}tunnels"}, {*show, f"{TABLE}charts"}]
    homes = {node: number for number, part in enumerate(parts) for node in part}
    assert named(parts, found, {}, homes) == ["databases", "charts"]


def test_no_service_is_called_after_a_table_of_another() -> None:
    makers = [f"shop.fill:make_slices_{n}" for n in "abcd"]
    found = graph("shop.charts.views:show", *makers, tables=("slices",))
    parts = [{"shop.charts.views:show", TABLE + "slices"}, set(makers)]
    home = {node: index for index, part in enumerate(parts) for node in part}
    kept, other = named(parts, found, {}, home)
    assert other != "slices"
    assert kept in ("charts", "slices")
