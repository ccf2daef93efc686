"""The plan of the sample: owners, decisions with their reasons, re-plans, figures."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from migrator.analyze.pipeline import analyze
from migrator.model.graph import Definition, Dependency, Graph
from migrator.model.plan import GLUE, SHARED, Cut, Pin, Plan
from migrator.model.plan_file import dump_plan, read_plan
from migrator.plan.closure import cut_of, follow
from migrator.plan.costs import priced
from migrator.plan.figures import compared, structural_modularity
from migrator.plan.named import Names
from migrator.plan.propose import globs, propose
from migrator.plan.reachability import Edges
from migrator.plan.replan import replan
from migrator.plan.resolve import Patterns, assign, matches
from migrator.plan.roles import roles

SAMPLE = Path(__file__).parents[2] / "sample_monolith"


@cache
def graph() -> Graph:
    return analyze(SAMPLE)


@cache
def plan() -> Plan:
    return propose(graph())


def cut(source: str, what: str, kind: str) -> Cut:
    [found] = [c for c in plan().cuts if (c.source, c.what, c.kind) == (source, what, kind)]
    return found


def test_what_declares_a_table_is_neither_glue_nor_shared(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("""
from flask import Flask
from sqlalchemy import Column, ForeignKey, MetaData, Table

metadata = MetaData()
marks = Table("marks", metadata, Column("a"))
left = Table("left", metadata, Column("a"))

def create_app():
    app = Flask(__name__)
    app.tables = [marks]
    return app
""")
    small = analyze(tmp_path)
    found = roles(small, Edges.of(small))
    assert not {"app:marks", "app:left"} & (found.glue | found.pure | found.helpers)
    assert "app:create_app" in found.glue


def test_files_that_only_the_framework_reads_go_to_every_service(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    for name, text in {
        "__init__": "",
        "defaults": "DEBUG = False\nNAME = 'Corner'\nPAGE = 20\n",
        "limits": "MOST = 3\nLEAST = 1\n",
        "base": "class Plugin:\n    pass\n",
        "app": """
from flask import Flask
from shop.base import Plugin
from shop.limits import LEAST, MOST

class Mail(Plugin):
    pass

def create_app():
    app = Flask("shop")
    app.config.from_object("shop.defaults")
    return app

def between():
    return LEAST, MOST
""",
    }.items():
        (tmp_path / "shop" / f"{name}.py").write_text(text, "utf-8")
    small = analyze(tmp_path)
    found = roles(small, Edges.of(small))
    assert {f"shop.defaults:{name}" for name in ("DEBUG", "NAME", "PAGE")} <= found.glue

    held = replace(
        assign(propose(small), small), owner_of={"shop.app:Mail": GLUE, "shop.base:Plugin": "other"}
    )
    needs = follow("mine", held, small, Edges.of(small), lambda c: cut_of(c, "manual", ""))
    assert needs.treatments["shop.base:Plugin"].kind == "copied"


def test_every_table_and_definition_has_one_owner() -> None:
    assignment = assign(plan(), graph())
    assert set(assignment.owner_of) == {d.id for d in graph().definitions}
    assert set(assignment.table_owner) == {t.id for t in graph().tables}
    listed = Counter(t for s in plan().services for t in s.tables)
    assert set(listed.values()) == {1}


@pytest.mark.parametrize(
    ("table", "service"),
    [
        ("users", "accounts"),
        ("applications", "applications"),
        ("interviews", "applications"),
        ("jobs", "jobs"),
        ("quotas", "billing"),
        ("ledger_entries", "billing"),
        ("notifications", "notifications"),
        ("companies", "companies"),
    ],
)
def test_tables_go_where_a_person_would_put_them(table: str, service: str) -> None:
    assert assign(plan(), graph()).table_owner[table] == service


@pytest.mark.parametrize(
    ("definition", "owner"),
    [
        ("jobmarket.db:session", GLUE),
        ("jobmarket.app:create_app", GLUE),
        ("jobmarket.signals:job_published", GLUE),
        ("jobmarket.utils:get_or_404", GLUE),
        ("jobmarket.utils:slugify", SHARED),
        ("jobmarket.errors:NotFound", SHARED),
        ("jobmarket.security:login_required", "accounts"),
    ],
)
def test_glue_and_pure_code_are_told_apart(definition: str, owner: str) -> None:
    assert assign(plan(), graph()).owner_of[definition] == owner


@pytest.mark.parametrize(
    ("source", "what", "kind", "decision"),
    [
        ("applications", "jobmarket.billing.quota:consume_quota", "code", "call"),
        ("applications", "jobmarket.billing.ledger:record_entry", "code", "event"),
        ("applications", "jobmarket.notifications.service:notify", "code", "event"),
        ("applications", "jobmarket.security:login_required", "code", "replicate"),
        ("applications", "notifications", "write", "event"),
        ("applications", "users", "read", "replicate"),
        ("jobs", "jobmarket.search.handlers:alert_saved_searches", "signal", "event"),
        ("accounts", "applications", "write", "manual"),
        ("applications", "applications.job_id -> jobs", "foreign_key", "replicate"),
    ],
)
def test_decision(source: str, what: str, kind: str, decision: str) -> None:
    found = cut(source, what, kind)
    assert found.decision == decision
    assert found.reason
    assert found.places


def test_same_graph_same_plan_and_back(tmp_path: Path) -> None:
    assert propose(graph()) == plan()
    path = tmp_path / "migration.yaml"
    path.write_text(dump_plan(plan()), "utf-8")
    assert replan(read_plan(path), graph()) == plan()


def test_what_the_outermost_package_holds_itself_does_not_speak_for_all_below() -> None:
    names = [f"shop:{letter}" for letter in "abc"] + [f"shop.jobs:{letter}" for letter in "abc"]
    small = Graph("shop", definitions=tuple(Definition(n, "function", "a.py", 1, 2) for n in names))
    home = {name: "jobs" if ".jobs" in name else "pages" for name in names}
    found = dict(globs(small, home))
    assert found == {"shop.jobs.*": "jobs", **dict.fromkeys(names[:3], "pages")}


def test_wanted_number_of_services() -> None:
    assert len(propose(graph(), 5).services) == 5


def test_pin_moves_a_table_with_its_model() -> None:
    moved = propose(graph(), pins=(Pin("quotas", "accounts"),))
    assignment = assign(moved, graph())
    assert assignment.table_owner["quotas"] == "accounts"
    assert assignment.owner_of["jobmarket.billing.models:Quota"] == "accounts"


def test_replan_changes_nothing_where_nothing_changed() -> None:
    assert replan(plan(), graph()) == plan()


def test_a_pin_added_later_takes_the_table_from_its_former_service(tmp_path: Path) -> None:
    before = dump_plan(plan())
    pinned = replan(replace(plan(), pins=(Pin("quotas", "accounts"),)), graph())
    path = tmp_path / "migration.yaml"
    path.write_text(dump_plan(pinned, before), "utf-8")
    again = read_plan(path)
    assert [s.name for s in again.services if "quotas" in s.tables] == ["accounts"]
    assert replan(again, graph()) == pinned


def test_replan_keeps_comments_and_a_persons_decision(tmp_path: Path) -> None:
    known = cut("applications", "jobmarket.billing.ledger:record_entry", "code")
    edited = replace(known, decision="call", reason="accounting wants the answer")
    before = replace(plan(), cuts=tuple(edited if c == known else c for c in plan().cuts))
    text = dump_plan(before).replace("  billing:", "  # money\n  billing:", 1)
    path = tmp_path / "migration.yaml"
    path.write_text(text, "utf-8")
    after = replan(read_plan(path), graph())
    assert priced(edited) in after.cuts
    assert "# money" in dump_plan(after, text)


def test_replan_places_what_is_new_with_its_package() -> None:
    found = [d for d in graph().definitions if d.id == "jobmarket.billing.quota:consume_quota"]
    new = replace(found[0], id="jobmarket.billing.refunds:refund")
    edge = Dependency(new.id, "jobmarket.billing.ledger:record_entry", "calls", 1, 1)
    grown = replace(
        graph(),
        definitions=(*graph().definitions, new),
        dependencies=(*graph().dependencies, edge),
    )
    assert assign(replan(plan(), grown), grown).owner_of[new.id] == "billing"


def test_figures_stand_beside_baselines() -> None:
    found = {f.name: f for f in compared(graph(), assign(plan(), graph()))}
    assert set(found) == {"this plan", "as packaged", "Louvain on imports", "random, same sizes"}
    chance, mine = found["random, same sizes"], found["this plan"]
    assert mine.sm > chance.sm
    assert mine.icp < chance.icp
    assert mine.transaction_entropy < chance.transaction_entropy


def test_structural_modularity_by_hand() -> None:
    home = {"a": "1", "b": "1", "c": "2"}
    # One pair inside part 1 (1/4), none in 2 (0/1); one across: 1 / (2*1).
    expected = (1 / 4 + 0) / 2 - 1 / 2
    assert math.isclose(structural_modularity(home, {("a", "b"), ("b", "c")}), expected)


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("a.b.c:X", "a.b.*", True),
        ("a.b:X", "a.b.*", True),
        ("a.bc:X", "a.b.*", False),
        ("a.b:X", "a.b:X", True),
        ("a.b:XY", "a.b:X*", True),
        ("a.b:X", "a.b", True),
        ("a.b.c:X", "a.b", False),
        ("b", "b", True),
        ("b:X", "b", False),
    ],
)
def test_patterns(name: str, pattern: str, expected: bool) -> None:
    assert matches(name, pattern) is expected
    assert Patterns([(pattern, "x")]).best(name) == ("x" if expected else None)


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("jobmarket.accounts", "jobmarket.accounts.*"),
        ("quota", "quotas"),
        ("jobmarket.acounts.*", "jobmarket.accounts.*"),
    ],
)
def test_a_name_that_means_nothing_is_told_with_what_was_meant(pattern: str, meant: str) -> None:
    names = Names(graph())
    assert not names.has(pattern)
    assert meant in names.near(pattern)
    assert names.has(meant)
