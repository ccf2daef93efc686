"""The carved sample: it runs, holds the monolith's own text, and nothing twice is different."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import libcst as cst
import pytest

from migrator.analyze.pipeline import analyze
from migrator.model.graph import Graph
from migrator.model.plan import Pin, Plan
from migrator.plan.closure import Needs, close
from migrator.plan.propose import propose
from migrator.plan.resolve import assign
from migrator.scaffold.carve import carve_services, carve_shared
from migrator.scaffold.carve.service import undefined_names
from migrator.scaffold.carve.stubs import defaults_of, lost_defaults
from migrator.scaffold.source import read_source
from migrator.scaffold.workspace import Workspace, build

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_monolith"
SERVICES = (
    "accounts", "applications", "billing", "companies", "jobs", "messaging", "notifications",
    "reporting", "search",
)  # fmt: skip

RUN = """
import importlib, pkgutil, warnings
import sqlalchemy as sa
warnings.simplefilter("error", sa.exc.SAWarning)
import jobmarket
for module in pkgutil.walk_packages(jobmarket.__path__, "jobmarket."):
    importlib.import_module(module.name)
sa.orm.configure_mappers()
from jobmarket.app import create_app
rules = create_app().url_map.iter_rules()
print(*sorted(f"{m} {r.rule}" for r in rules for m in r.methods - {"HEAD", "OPTIONS"}), sep="\\n")
"""


@cache
def graph() -> Graph:
    return analyze(SAMPLE)


@cache
def plan() -> Plan:
    return propose(graph())


@cache
def workspace() -> Workspace:
    source = read_source(SAMPLE, graph())
    return build(plan(), assign(plan(), graph()), graph(), source)


def needs(service: str) -> Needs:
    return close(service, plan(), assign(plan(), graph()), graph())


def text(path: str) -> str:
    return workspace().files[path]


def test_services_are_those_expected() -> None:
    assert tuple(s.name for s in plan().services) == SERVICES
    assert workspace().problems == ()


@pytest.mark.parametrize("service", SERVICES)
def test_service_runs_and_answers_its_own_routes(service: str, tmp_path: Path) -> None:
    for path, content in workspace().files.items():
        if path.startswith((f"services/{service}/", "libs/")):
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, "utf-8")
    libraries = [str(tmp_path / "libs" / name) for name in ("chassis", "shared")]
    result = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=tmp_path / "services" / service,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([".", *libraries])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    owned = assign(plan(), graph()).owner_of
    expected = {
        f"{p.method} {p.path}"
        for p in graph().entry_points
        if p.kind == "route" and owned[p.definition] == service
    }
    assert expected <= set(result.stdout.splitlines())
    others = {f"{p.method} {p.path}" for p in graph().entry_points if p.kind == "route"} - expected
    glue = {"GET /api/ping"}
    assert not (others - glue) & set(result.stdout.splitlines())


def test_gateway_sends_every_route_to_the_service_that_owns_it() -> None:
    sent = {(r["method"], r["path"]): r["service"] for r in json.loads(text("gateway/routes.json"))}
    owned = assign(plan(), graph()).owner_of
    expected = {
        (p.method, p.path): owned[p.definition]
        for p in graph().entry_points
        if p.kind == "route" and owned[p.definition] in SERVICES
    }
    assert sent == expected


def test_owned_code_is_the_monoliths_own_text() -> None:
    path = "jobmarket/applications/service.py"
    before = (SAMPLE / path).read_text("utf-8")
    after = text(f"services/applications/{path}")
    start = before.index("def apply_to_job")
    assert after[after.index("def apply_to_job") :] == before[start:]


def function(path: str, name: str) -> str:
    tree = ast.parse(text(path))
    [found] = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name]
    return ast.unparse(found)


def test_call_keeps_the_signature_and_asks_the_owner() -> None:
    found = function("services/applications/jobmarket/billing/quota.py", "consume_quota")
    assert "def consume_quota(user_id: int, kind: str, amount: int=1) -> int" in found
    assert "remote.call('jobmarket.billing.quota:consume_quota', user_id, kind, amount)" in found


def test_event_of_a_signal_stays_connected() -> None:
    found = function("services/applications/jobmarket/notifications/handlers.py", "tell_candidate")
    assert found.startswith("@application_stage_changed.connect")
    assert "remote.emit('jobmarket.notifications.handlers:tell_candidate'" in found


def test_keys_that_leave_become_plain_columns() -> None:
    models = text("services/applications/jobmarket/models.py")
    assert "# points to accounts.users.id" in models
    assert 'ForeignKey("users.id"' not in models
    assert 'ForeignKey("applications.id"' in models
    assert "# Replica: owned by accounts, filled by the inbox, read-only here." in models


def test_shared_code_is_in_one_place() -> None:
    library = "libs/shared/jobmarket_shared/utils.py"
    assert "def slugify" in text(library)
    assert "def slugify" not in text("services/jobs/jobmarket/utils.py")
    assert "slugify as slugify" in text("services/jobs/jobmarket/utils.py")


def test_carving_twice_is_the_same() -> None:
    source = read_source(SAMPLE, graph())
    again = build(plan(), assign(plan(), graph()), graph(), source)
    assert again.files == workspace().files


def test_crossing_without_a_decision_is_a_persons() -> None:
    bare = Plan(plan().services, plan().shared, plan().glue)
    found = close("applications", bare, assign(bare, graph()), graph())
    treatment = found.treatments["jobmarket.billing.quota:consume_quota"]
    assert treatment.kind == "manual"
    assert "no decision" in treatment.reason
    texts = read_source(SAMPLE, graph()).texts
    files = carve_services(texts, {"applications": found}, graph())["applications"].files
    assert "remote.ManualDecisionRequired" in files["jobmarket/billing/quota.py"]


def test_undefined_names_are_told() -> None:
    assert undefined_names("def f():\n    return gone\n", "a.py") == [
        "a.py:2: gone is not defined in this service"
    ]


def test_shared_library_needs_no_service() -> None:
    files = carve_shared(read_source(SAMPLE, graph()).texts, assign(plan(), graph()), graph())
    for path, content in files.items():
        assert undefined_names(content, path) == []
        assert "from jobmarket." not in content


@pytest.mark.parametrize("decision", ["call", "event"])
def test_a_stub_keeps_the_constants_of_its_defaults(decision: str) -> None:
    task = Pin("jobmarket.tasks:rebuild_reports_task", "billing")
    apart = propose(graph(), pins=(task, Pin("invoices", "billing")))
    what = "jobmarket.reporting.tasks:rebuild_reports"
    assert any(c.what == what and c.source == "billing" for c in apart.cuts)
    cuts = [replace(c, decision=decision) if c.what == what else c for c in apart.cuts]
    asked = replace(apart, cuts=tuple(cuts))
    made = build(asked, assign(asked, graph()), graph(), read_source(SAMPLE, graph()))
    text = made.files["services/billing/jobmarket/reporting/tasks.py"]
    assert "DAYS_TO_REBUILD = 7\n" in text
    assert "def rebuild_reports(days: int = DAYS_TO_REBUILD)" in text
    assert f"remote.{'call' if decision == 'call' else 'emit'}(" in text
    assert "timedelta" not in text


def test_a_default_that_cannot_come_along_is_told() -> None:
    tree = cst.parse_module("LIMIT = compute()\nPAGE = 20\nSIZES = (PAGE, 50)\n")
    function = cst.parse_statement("def ask(a=SIZES, *, b=LIMIT, c=far.AWAY): ...\n")
    assert isinstance(function, cst.FunctionDef)
    along = defaults_of(tree, [function])
    assert along == {"SIZES", "PAGE"}
    told = lost_defaults(function, along)
    assert [t.split(",")[0] for t in told] == [
        "ask: the default of b names LIMIT",
        "ask: the default of c names far",
    ]
