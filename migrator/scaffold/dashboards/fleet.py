"""The fleet: who is there, who calls whom, how well it goes."""

from __future__ import annotations

from migrator.scaffold.dashboards.board import Board, Link, Row, Variable
from migrator.scaffold.dashboards.panels import (
    GREEN,
    OPEN_SERVICE,
    ORANGE,
    RED,
    YELLOW,
    Column,
    Panel,
    Query,
    Steps,
    curves,
    graph,
    logs,
    number,
    table,
)  # fmt: skip
from migrator.scaffold.dashboards.promql import (
    ANSWERS,
    FAILED,
    REQUESTS,
    joined,
    quantile,
    rate,
    ratio,
)  # fmt: skip

ERRORS: Steps = ((None, GREEN), (0.001, YELLOW), (0.01, ORANGE), (0.05, RED))
SECONDS: Steps = ((None, GREEN), (0.5, YELLOW), (1.0, ORANGE), (2.5, RED))
COUNTS: Steps = ((None, GREEN), (1, RED))
_CHOSEN = 'service_name=~"$service"'
_GATEWAY = 'service_name="gateway"'


def fleet() -> Board:
    """The overview, where one begins."""
    return Board(
        uid="fleet",
        title="Fleet overview",
        description="Every service at a glance: the map, rate, errors and duration, what is wrong.",
        folder="Overview",
        rows=[
            Row("Now", _now()),
            Row("Service map", [_map()]),
            Row("Services", [_services(), *_over_time()]),
            Row("What fires and what went wrong", [_alerts(), _errors()], collapsed=True),
        ],
        variables=[
            Variable("service", "service_name", f"{REQUESTS}_count{{{ANSWERS}}}", "Service")
        ],
        links=[
            Link("Service levels", "slo"),
            Link("Messaging", "messaging"),
            Link("Migration", "migration"),
        ],
        annotations=[alerts_annotation("")],
    )


def alerts_annotation(selector: str) -> dict[str, object]:
    """Marks on every curve while a page fires."""
    matchers = joined('alertstate="firing"', 'severity="page"', selector)
    return {
        "name": "Pages",
        "enable": True,
        "iconColor": RED,
        "datasource": {"type": "prometheus", "uid": "prometheus"},
        "expr": f"ALERTS{{{matchers}}}",
        "step": "60s",
        "titleFormat": "{{alertname}}",
        "textFormat": "{{service_name}}",
        "tagKeys": "service_name,severity",
    }


def _now() -> list[Panel]:
    figures = [
        number(
            "Processes up",
            "Share of the processes that answer Prometheus.",
            'avg(up{job="services"})', "percentunit", ((None, RED), (0.9, ORANGE), (1, GREEN)),
        ),
        number(
            "Requests",
            "Requests a second at the gateway: what people ask.",
            rate(f"{REQUESTS}_count", _GATEWAY), "reqps", calm=True,
        ),
        number(
            "Errors",
            "Share of the gateway's answers that are errors of the server (5xx).",
            ratio(f"{REQUESTS}_count", joined(_GATEWAY, FAILED), _GATEWAY), "percentunit", ERRORS,
        ),
        number(
            "95 % within",
            "Of 100 answers of the gateway, 95 take no longer.",
            quantile(0.95, REQUESTS, _GATEWAY), "s", SECONDS,
        ),
        number(
            "Budgets burning",
            "Service levels that use up their error budget faster than 30 days allow.",
            "count(slo:current_burn_rate:ratio > 1) or vector(0)", "none",
            ((None, GREEN), (1, ORANGE), (3, RED)),
        ),
        number(
            "Messages waiting",
            "Messages in all outboxes that the broker has not taken yet.",
            "sum(max by (service_name) (chassis_outbox_pending))", "none",
            ((None, GREEN), (100, YELLOW), (1000, RED)),
        ),
        number(
            "Dead letters",
            "Messages that were given up and wait for a person, sent or received.",
            "sum(max by (service_name) (chassis_outbox_dead))"
            " + sum(max by (service_name) (chassis_inbox_dead))", "none", COUNTS,
        ),
        number(
            "Pages firing",
            "Alerts of severity page that fire now.",
            'count(ALERTS{alertstate="firing",severity="page"}) or vector(0)', "none", COUNTS,
        ),
    ]  # fmt: skip
    return [figure.sized(3, 4) for figure in figures]


def _map() -> Panel:
    calls = rate("traces_service_graph_request_total", by="client, server")
    failed = rate("traces_service_graph_request_failed_total", by="client, server")
    red = f'label_replace({calls} and ({failed} / {calls} > 0.01), "color", "{RED}", "", "")'
    rest = f'label_replace({calls}, "color", "{GREEN}", "", "")'
    edges = f"({red} or ignoring (color) {rest})"
    for name in ("source", "target"):
        label = "client" if name == "source" else "server"
        edges = f'label_replace({edges}, "{name}", "$1", "{label}", "(.+)")'
    return graph(
        "Who calls whom",
        "Services, databases and brokers as the traces show them, with requests a second. An edge "
        "is red where more than 1 % of its calls fail. Counted in the Collector before any trace "
        "is dropped.",
        f'label_join({edges}, "id", " ", "client", "server")',
    )


def _services() -> Panel:
    chosen = joined(_CHOSEN, ANSWERS)
    columns = [
        Column("Requests", rate(f"{REQUESTS}_count", chosen, "service_name"), "reqps"),
        Column(
            "Errors",
            ratio(f"{REQUESTS}_count", joined(chosen, FAILED), chosen, "service_name"),
            "percentunit", ERRORS,
        ),
        *(
            Column(f"{round(share * 100)} % within",
                   quantile(share, REQUESTS, chosen, "service_name"), "s", SECONDS)
            for share in (0.5, 0.95, 0.99)
        ),
        Column(
            "Busiest process",
            f"max by (service_name) (sum without (cpu_mode) "
            f"(rate(process_cpu_time_seconds_total{{{_CHOSEN}}}[$__rate_interval])))",
            "percentunit", ((None, GREEN), (0.7, YELLOW), (0.9, RED)),
        ),
        Column(
            "Budget left",
            f"min by (service_name) (slo:period_error_budget_remaining:ratio{{{_CHOSEN}}})",
            "percentunit", ((None, RED), (0, ORANGE), (0.25, YELLOW), (0.5, GREEN)),
        ),
        Column(
            "Messages waiting",
            f"max by (service_name) (chassis_outbox_pending{{{_CHOSEN}}})",
            "none", ((None, GREEN), (100, YELLOW), (1000, RED)),
        ),
    ]  # fmt: skip
    return table(
        "Rate, errors, duration",
        "One row a service; its name leads to its own dashboard. The least budget of its service "
        "levels, and the CPU of its busiest process (one Python process runs on one core).",
        {"service_name": "Service"},
        columns,
        links={"service_name": OPEN_SERVICE},
        sort="Requests",
    )


def _over_time() -> list[Panel]:
    chosen = joined(_CHOSEN, ANSWERS)
    by = "service_name"
    return [
        curves(
            "Requests by service",
            "Requests a second that each service answers; the gateway passes on what people ask.",
            [Query(rate(f"{REQUESTS}_count", chosen, by), "{{service_name}}")],
            "reqps",
        ),
        curves(
            "Errors by service",
            "Share of the answers that are errors of the server (5xx).",
            [
                Query(
                    ratio(f"{REQUESTS}_count", joined(chosen, FAILED), chosen, by),
                    "{{service_name}}",
                )
            ],
            "percentunit",
            steps=((None, GREEN), (0.01, RED)),
        ),
        curves(
            "95 % of answers within, by service",
            "The points are single requests: each leads to its trace.",
            [Query(quantile(0.95, REQUESTS, chosen, by), "{{service_name}}", exemplars=True)],
            "s",
        ),
    ]


def _alerts() -> Panel:
    found = table(
        "Alerts that fire",
        "Empty is good. What to do stands in the runbook docs/runbooks/<alert>.md.",
        {"alertname": "Alert", "service_name": "Service", "severity": "Severity"},
        [
            Column(
                "Firing",
                'count by (alertname, service_name, severity) '
                '(ALERTS{alertstate="firing",alertname!="Watchdog"})',
                "none",
            )
        ],
    )  # fmt: skip
    return found.sized(10, 12)


def _errors() -> Panel:
    return logs(
        "Errors in the logs",
        "Lines of severity error of the chosen services; a line's trace_id leads to its trace.",
        '{service_name=~"$service"} | severity_text=~"ERROR|CRITICAL|FATAL"',
    ).sized(14, 12)
