"""Every query of every dashboard gives something for the series that the documentation promises:
joins fit, shares divide, labels that panels group by are there. Prometheus' own engine evaluates.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from support.dashboards import dashboards, queries
from support.documented import series
from support.monitoring import promtools, rendered

SERVICES = ("orders", "search")
RULES = "observability/prometheus/rules"


def unanswered(promtool: str, workspace: Path, expressions: list[str]) -> str:
    """What promtool says to the expressions that give nothing; empty where all give something."""
    checks = [
        {
            "expr": f"count({expression}) > bool 0",
            "eval_time": "1h",
            "exp_samples": [{"labels": "{}", "value": 1}],
        }
        for expression in expressions
    ]
    document = {
        "rule_files": ["slo.yml", "migration.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {"interval": "1m", "input_series": list(series(SERVICES)), "promql_expr_test": checks}
        ],
    }
    path = workspace / RULES / "panels_test.yaml"
    with path.open("w") as stream:
        YAML().dump(document, stream)
    command = [promtool, "test", "rules", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rendered(tmp_path_factory.mktemp("workspace"), SERVICES)


@pytest.mark.parametrize("promtool", promtools())
def test_every_panel_shows_something(promtool: str, workspace: Path) -> None:
    asked = [q for path, board in dashboards(workspace).items() for q in queries(path, board)]
    promql = sorted({query.text for query in asked if query.kind == "prometheus"})
    assert len(promql) > 150
    assert unanswered(promtool, workspace, promql) == ""


@pytest.mark.parametrize("promtool", promtools())
def test_a_query_that_shows_nothing_is_found(promtool: str, workspace: Path) -> None:
    broken = "rate(gateway_requests_total[5m]) / rate(chassis_outbox_published_total[5m])"
    assert "gateway_requests_total" in unanswered(promtool, workspace, [broken])
