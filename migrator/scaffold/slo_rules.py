"""SLOs -> Prometheus rules and their unit tests, in the shape of the SRE workbook and of Sloth.

For each SLO the error ratio is recorded over eight windows, besides objective, budget and burn
rate. Two alerts for all SLOs, in ``rules/slo_alerts.yml``, compare pairs of windows with the
budget: a page when 2 % of 30 days' budget go in an hour or 5 % in six, a ticket when 10 % go in a
day or 10 % in three (chapter 5 of the workbook, "Alerting on SLOs").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from migrator.model.slo import DEFAULT_SLOS, Slo

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
PERIOD_DAYS = 30
_COUNT = "http_server_request_duration_seconds_count"
_BUCKET = "http_server_request_duration_seconds_bucket"

Rule = dict[str, Any]


def slo_rules(slos: Mapping[str, Sequence[Slo]]) -> dict[str, Any]:
    """The rule file that records the SLOs of each service; empty stands for the defaults."""
    groups = [
        {"name": f"slo-{service}-{slo.name}", "rules": _records(service, slo)}
        for service, given in slos.items()
        for slo in given or DEFAULT_SLOS
    ]
    return {"groups": groups}


def slo_tests(slos: Mapping[str, Sequence[Slo]]) -> dict[str, Any]:
    """promtool's tests: each SLO pages when all requests fail, and is silent within its budget."""
    return {
        "rule_files": ["../rules/slo.yml", "../rules/slo_alerts.yml"],
        "evaluation_interval": "1m",
        "tests": [
            test
            for service, given in slos.items()
            for slo in given or DEFAULT_SLOS
            for test in (_fires(service, slo), _silent(service, slo))
        ],
    }


def _records(service: str, slo: Slo) -> list[Rule]:
    labels = _labels(service, slo)
    selector = _selector(service, slo)
    budget = round((100 - slo.objective) / 100, 9)

    def record(name: str, expression: str) -> Rule:
        return {"record": name, "expr": expression, "labels": labels}

    five = f'slo:sli_error:ratio_rate5m{{slo_id="{labels["slo_id"]}"}}'
    ratios = [record(f"slo:sli_error:ratio_rate{w}", _ratio(slo, selector, w)) for w in WINDOWS]
    period = f"sum_over_time({five}[{PERIOD_DAYS}d]) / count_over_time({five}[{PERIOD_DAYS}d])"
    own = f'{{slo_id="{labels["slo_id"]}"}}'
    return [
        *ratios,
        record(f"slo:sli_error:ratio_rate{PERIOD_DAYS}d", period),
        record("slo:objective:ratio", f"vector({round(1 - budget, 9)})"),
        record("slo:error_budget:ratio", f"vector({budget})"),
        record("slo:time_period:days", f"vector({PERIOD_DAYS})"),
        record("slo:current_burn_rate:ratio", f"{five} / {budget}"),
        record(
            "slo:period_burn_rate:ratio", f"slo:sli_error:ratio_rate{PERIOD_DAYS}d{own} / {budget}"
        ),
        record("slo:period_error_budget_remaining:ratio", f"1 - slo:period_burn_rate:ratio{own}"),
    ]


def _ratio(slo: Slo, selector: str, window: str) -> str:
    # Without traffic nothing is recorded: a ratio of nothing would spoil the longer averages.
    total = f"(sum(rate({_COUNT}{{{selector}}}[{window}])) > 0)"
    if slo.within is not None:
        quick = f"sum(rate({_BUCKET}{{{selector},{_boundary(slo.within)}}}[{window}]))"
        return f"1 - {quick} / {total}"
    failed = f'{_COUNT}{{{selector},http_response_status_code=~"5.."}}'
    return f"(sum(rate({failed}[{window}])) or vector(0)) / {total}"


def _boundary(seconds: float) -> str:
    # Prometheus writes a whole boundary as 1.0 when it scrapes and as 1 when it comes by OTLP.
    if seconds.is_integer():
        return f'le=~"{seconds:g}|{seconds:.1f}"'
    return f'le="{seconds:g}"'


def _selector(service: str, slo: Slo) -> str:
    parts = [f'service_name="{service}"', 'service_role=~"web|gateway"']
    if slo.methods:
        parts.append(f'http_request_method=~"{"|".join(slo.methods)}"')
    if slo.routes:
        parts.append(f'http_route=~"{"|".join(map(_pattern, slo.routes))}"')
    return ",".join(parts)


def _pattern(glob: str) -> str:
    """`glob` as an RE2 pattern inside a PromQL string."""
    wild = {"*": ".*", "?": "."}
    return "".join(wild.get(c) or (c if c.isalnum() or c in "/_-<>:" else f"[{c}]") for c in glob)


def _labels(service: str, slo: Slo) -> dict[str, str]:
    return {"service_name": service, "slo": slo.name, "slo_id": f"{service}-{slo.name}"}


def _fires(service: str, slo: Slo) -> dict[str, Any]:
    """Every request fails, or is slow, from the first minute on."""
    status = "500" if slo.within is None else "200"
    bad = [{"series": _series(service, slo, _COUNT, status), "values": "0+60x120"}]
    if slo.within is not None:
        bad.append({"series": _series(service, slo, _BUCKET, "200", slo.within), "values": "0x120"})
    alerts = [_alert(service, slo, severity, words) for severity, words in _BURNS.items()]
    return {
        "name": f"{service} {slo.name}: a page when nothing succeeds",
        "interval": "1m",
        "input_series": bad,
        "alert_rule_test": [
            {"eval_time": "10m", "alertname": "SLOErrorBudgetBurn", "exp_alerts": alerts}
        ],
    }


_BURNS = {
    "page": ("fast", "At this rate the budget of 30 days is gone within days."),
    "ticket": ("too fast", "At this rate the budget does not last 30 days."),
}


def _alert(service: str, slo: Slo, severity: str, words: tuple[str, str]) -> dict[str, Any]:
    speed, consequence = words
    return {
        "exp_labels": {**_labels(service, slo), "severity": severity},
        "exp_annotations": {
            "summary": f"{service} burns the error budget of {slo.name} {speed}",
            "description": f"100% of its requests miss the objective. {consequence}",
            "runbook_url": "docs/runbooks/SLOErrorBudgetBurn.md",
        },
    }


def _silent(service: str, slo: Slo) -> dict[str, Any]:
    """Half of what the budget allows fails, or is slow."""
    requests = 100_000
    bad = round(requests * (100 - slo.objective) / 100 / 2)
    series = [
        {"series": _series(service, slo, _COUNT, "200"), "values": f"0+{requests - bad}x120"},
        {"series": _series(service, slo, _COUNT, "500"), "values": f"0+{bad}x120"},
    ]
    if slo.within is not None:
        series = [
            {"series": _series(service, slo, _COUNT, "200"), "values": f"0+{requests}x120"},
            {
                "series": _series(service, slo, _BUCKET, "200", slo.within),
                "values": f"0+{requests - bad}x120",
            },
        ]
    checks: list[dict[str, Any]] = [
        {"eval_time": moment, "alertname": "SLOErrorBudgetBurn", "exp_alerts": []}
        for moment in ("10m", "2h")
    ]
    return {
        "name": f"{service} {slo.name}: silent within the budget",
        "interval": "1m",
        "input_series": series,
        "alert_rule_test": checks,
    }


def _series(service: str, slo: Slo, metric: str, status: str, le: float | None = None) -> str:
    labels = {
        "service_name": service,
        "service_role": "web",
        "http_request_method": slo.methods[0] if slo.methods else "GET",
        "http_response_status_code": status,
    }
    if slo.routes:
        labels["http_route"] = slo.routes[0].replace("*", "x").replace("?", "x")
    if le is not None:
        labels["le"] = f"{le:g}"
    return metric + "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"
