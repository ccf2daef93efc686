"""Rules: what each alert must have, and promtool's own opinion and unit tests."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.monitoring import REPOSITORY, load, promtools, rendered

RULES = "observability/prometheus/rules"
TESTS = "observability/prometheus/rule_tests"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rendered(tmp_path_factory.mktemp("workspace"))


def alerts(workspace: Path) -> list[dict[str, Any]]:
    files = sorted((workspace / RULES).glob("*.yml"))
    rules = [rule for file in files for group in load(file)["groups"] for rule in group["rules"]]
    return [rule for rule in rules if "alert" in rule]


def test_alert_has_severity_words_and_a_runbook_that_exists(workspace: Path) -> None:
    found = alerts(workspace)
    assert len(found) > 20
    for alert in found:
        name = alert["alert"]
        assert alert["labels"]["severity"] in ("page", "ticket", "none"), name
        assert {"summary", "description", "runbook_url"} <= alert["annotations"].keys(), name
        page = alert["annotations"]["runbook_url"]
        assert page == f"docs/runbooks/{name}.md"
        text = (workspace / page).read_text("utf-8")
        assert text == (REPOSITORY / page).read_text("utf-8")
        assert all(f"\n## {part}\n" in text for part in ("Impact", "Look", "Act")), name


def test_every_runbook_has_its_alert(workspace: Path) -> None:
    pages = {page.stem for page in (workspace / "docs" / "runbooks").glob("*.md")}
    assert pages == {alert["alert"] for alert in alerts(workspace)}


def test_every_alert_is_unit_tested_for_firing_and_for_silence(workspace: Path) -> None:
    files = sorted((workspace / TESTS).glob("*.yml"))
    checks = [
        check for file in files for test in load(file)["tests"] for check in test["alert_rule_test"]
    ]
    fires = {check["alertname"] for check in checks if check["exp_alerts"]}
    silent = {check["alertname"] for check in checks if not check["exp_alerts"]}
    names = {alert["alert"] for alert in alerts(workspace)}
    assert fires == names
    # These two are silent for one service while they fire for another, in the same test.
    assert names - silent == {"Watchdog", "DatabaseErrors"}


@pytest.mark.parametrize("promtool", promtools())
def test_promtool_accepts_rules_and_passes_their_tests(workspace: Path, promtool: str) -> None:
    for arguments in (("check", "rules"), ("test", "rules")):
        folder = workspace / (RULES if arguments[0] == "check" else TESTS)
        files = [str(file) for file in sorted(folder.glob("*.yml"))]
        assert "../rules/" in Path(files[0]).read_text() or arguments[0] == "check"
        done = subprocess.run(
            [promtool, *arguments, *files], capture_output=True, text=True, cwd=folder, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_slo_of_a_route_group_selects_its_requests_alone() -> None:
    from migrator.model.slo import Slo
    from migrator.scaffold.slo_rules import slo_rules

    slo = Slo("search-fast", 95.0, within=1.0, methods=("GET",), routes=("/api/search*", "/x.y"))
    [group] = slo_rules({"search": (slo,)})["groups"]
    by_name = {rule["record"]: rule["expr"] for rule in group["rules"]}
    ratio = by_name["slo:sli_error:ratio_rate5m"]
    assert 'http_route=~"/api/search.*|/x[.]y"' in ratio
    assert 'http_request_method=~"GET"' in ratio
    assert 'le=~"1|1.0"' in ratio
    assert by_name["slo:error_budget:ratio"] == "vector(0.05)"
    assert by_name["slo:objective:ratio"] == "vector(0.95)"
    assert {re.sub(r".*rate", "", name) for name in by_name if "sli_error" in name} == {
        "5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d",
    }  # fmt: skip
