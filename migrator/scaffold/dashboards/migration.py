"""How far the migration is: routes, tables and traffic that left the monolith."""

from __future__ import annotations

from migrator.scaffold.dashboards.board import Board, Link, Row
from migrator.scaffold.dashboards.panels import (
    BLUE,
    GREEN,
    OPEN_SERVICE,
    ORANGE,
    RED,
    YELLOW,
    Column,
    Panel,
    Query,
    Steps,
    bars,
    curves,
    number,
    table,
    words,
)  # fmt: skip
from migrator.scaffold.dashboards.promql import FAILED, REQUESTS, joined, quantile, rate, ratio

_MOVED: Steps = ((None, ORANGE), (0.25, YELLOW), (0.75, BLUE), (1, GREEN))
_TRAFFIC = "gateway_requests_total"
_KNOWN = 'upstream!="none"'
_GONE = 'upstream!~"none|monolith"'

_WORDS = """\
**Routes and tables** are those of `migration.yaml` and of what `migrator scaffold` has carved; \
the rules in `prometheus/rules/migration.yml` carry them. **Traffic** is what the gateway passes \
on. The same in a terminal: `migrator status`."""


def migration() -> Board:
    """The way from the monolith to the services."""
    return Board(
        uid="migration",
        title="Migration progress",
        description="Share of routes, tables and traffic that moved from the monolith.",
        folder="Overview",
        rows=[
            Row("Moved so far", _now()),
            Row("By service", [_table(), _bars("Routes moved", "routes"),
                               _bars("Tables moved", "tables")]),
            Row("Over time", _over_time()),
            Row("Monolith and services", _compared(), collapsed=True),
        ],
        links=[Link("Fleet", "fleet"), Link("Service levels", "slo")],
        time="now-7d",
        refresh="5m",
    )  # fmt: skip


def _share(what: str, by: str = "") -> str:
    group = f" by ({by})" if by else ""
    return f"sum{group} (migration:{what}:moved) / (sum{group} (migration:{what}:total) > 0)"


def _now() -> list[Panel]:
    figures = [
        number("Routes", "Share of the monolith's routes that a service answers.",
               _share("routes"), "percentunit", _MOVED),
        number("Tables", "Share of the tables that a carved service owns.",
               _share("tables"), "percentunit", _MOVED),
        number("Traffic", "Share of the requests that services answer, not the monolith.",
               ratio(_TRAFFIC, _GONE, _KNOWN), "percentunit", _MOVED),
        number("Services", "Share of the planned services that are carved.",
               'count(migration:services:carved == 1) / count(migration:services:carved)',
               "percentunit", _MOVED),
        number("Routes left", "Routes that the monolith still answers.",
               "sum(migration:routes:total) - sum(migration:routes:moved)", "none", calm=True),
        number("Manual cuts", "Dependencies across services that a person must still solve.",
               "sum(migration:cuts:manual)", "none", ((None, GREEN), (1, ORANGE))),
    ]  # fmt: skip
    note = words("What is counted", "Where the figures come from.", _WORDS, 24, 3)
    return [*figures, note]


def _table() -> Panel:
    def by(metric: str) -> str:
        return f"sum by (service_name) (migration:{metric})"

    requests = (
        f"label_replace({rate(_TRAFFIC, _GONE, 'upstream')}, "
        '"service_name", "$1", "upstream", "(.*)")'
    )
    columns = [
        Column("Routes", by("routes:total"), "none"),
        Column("Routes moved", _share("routes", "service_name"), "percentunit", _MOVED),
        Column("Tables", by("tables:total"), "none"),
        Column("Tables moved", _share("tables", "service_name"), "percentunit", _MOVED),
        Column("Manual cuts", by("cuts:manual"), "none", ((None, GREEN), (1, ORANGE))),
        Column("Requests", f"sum by (service_name) ({requests})", "reqps"),
    ]
    return table(
        "Each service of the plan",
        "Routes and tables of the plan, how many moved, and the requests that the service answers.",
        {"service_name": "Service"},
        columns,
        links={"service_name": OPEN_SERVICE},
        sort="Routes",
    )


def _bars(title: str, what: str) -> Panel:
    return bars(title, f"Share of the planned {what} of each service that moved.",
                Query(_share(what, "service_name"), "{{service_name}}"), "percentunit", _MOVED,
                most=1)  # fmt: skip


def _over_time() -> list[Panel]:
    return [
        curves("Moved", "Share of routes, tables and traffic over time.",
               [Query(_share("routes"), "routes"), Query(_share("tables"), "tables"),
                Query(ratio(_TRAFFIC, _GONE, _KNOWN), "traffic")],
               "percentunit", most=1).sized(12, 9),
        curves("Traffic by who answers", "Requests a second that the gateway passes on.",
               [Query(rate(_TRAFFIC, _KNOWN, "upstream"), "{{upstream}}")], "reqps",
               stacked=True, values=("monolith",)).sized(12, 9),
    ]  # fmt: skip


def _compared() -> list[Panel]:
    """Whether what moved is as good as what has not."""
    web = 'service_role="web"'
    old = 'service_role="monolith"'
    count = f"{REQUESTS}_count"
    note = "The monolith shows once it has the telemetry of `migrator scaffold --monolith`."
    return [
        curves("Errors", f"Share of the answers that are errors of the server. {note}",
               [Query(ratio(count, joined(web, FAILED), web), "services"),
                Query(ratio(count, joined(old, FAILED), old), "monolith")],
               "percentunit", steps=((None, GREEN), (0.01, RED))).sized(12),
        curves("95 % of answers within", f"Duration of requests. {note}",
               [Query(quantile(0.95, REQUESTS, web), "services"),
                Query(quantile(0.95, REQUESTS, old), "monolith")], "s").sized(12),
    ]  # fmt: skip
