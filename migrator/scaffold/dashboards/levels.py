"""Service levels: what was promised, what is left of the error budget, how fast it goes."""

from __future__ import annotations

from migrator.scaffold.dashboards.board import Board, Link, Row, Variable
from migrator.scaffold.dashboards.fleet import alerts_annotation
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
    bars,
    curves,
    number,
    table,
)  # fmt: skip

LEFT: Steps = ((None, RED), (0, ORANGE), (0.25, YELLOW), (0.5, GREEN))
# The rates at which the alerts of slo_alerts.yml fire.
BURN: Steps = ((None, GREEN), (1, YELLOW), (6, ORANGE), (14.4, RED))
_CHOSEN = 'service_name=~"$service",slo=~"$slo"'
_REMAINING = f"slo:period_error_budget_remaining:ratio{{{_CHOSEN}}}"
_NAME = "{{service_name}} {{slo}}"


def levels() -> Board:
    """Every SLO of migration.yaml."""
    return Board(
        uid="slo",
        title="Service levels and error budgets",
        description="The SLOs of migration.yaml over 30 days: budget left, and how fast it burns.",
        folder="Overview",
        rows=[
            Row("Now", _now()),
            Row("Objectives", [_table(), _bars(), _budget()]),
            Row("Burn rate", _burning()),
            Row("Error ratio", _errors(), collapsed=True),
        ],
        variables=[
            Variable("service", "service_name", "slo:objective:ratio", "Service"),
            Variable("slo", "slo", 'slo:objective:ratio{service_name=~"$service"}', "Objective"),
        ],
        links=[Link("Fleet", "fleet"), Link("Messaging", "messaging")],
        time="now-6h",
        refresh="1m",
        annotations=[alerts_annotation('service_name=~"$service"')],
    )


def _rate(window: str) -> str:
    return (
        f"slo:sli_error:ratio_rate{window}{{{_CHOSEN}}} / slo:error_budget:ratio{{{_CHOSEN}}}"
    )  # fmt: skip


def _now() -> list[Panel]:
    return [
        number("Objectives kept", "Share of the objectives with budget left.",
               f"count({_REMAINING} > 0) / count({_REMAINING})", "percentunit",
               ((None, RED), (0.9, ORANGE), (1, GREEN))),
        number("Least budget left", "The objective that is worst off, over 30 days.",
               f"min({_REMAINING})", "percentunit", LEFT),
        number("Fastest burn, 1 h", "1 uses up the budget in exactly 30 days, 14.4 in two.",
               f"max({_rate('1h')})", "none", BURN),
        number("Fastest burn, 6 h", "The same over six hours.", f"max({_rate('6h')})", "none",
               BURN),
        number("Burning", "Objectives that burn faster than 30 days allow.",
               f"count(slo:current_burn_rate:ratio{{{_CHOSEN}}} > 1) or vector(0)", "none",
               ((None, GREEN), (1, ORANGE), (3, RED))),
        number("Measured", "How many objectives there are.",
               f"count(slo:objective:ratio{{{_CHOSEN}}})", "none", calm=True),
    ]  # fmt: skip


def _table() -> Panel:
    def by(expression: str) -> str:
        return f"max by (service_name, slo) ({expression})"

    columns = [
        Column("Objective", by(f"slo:objective:ratio{{{_CHOSEN}}}"), "percentunit"),
        Column("Kept, 30 days", by(f"1 - slo:sli_error:ratio_rate30d{{{_CHOSEN}}}"), "percentunit"),
        Column("Budget left", by(_REMAINING), "percentunit", LEFT),
        *(Column(f"Burn, {long}", by(_rate(long)), "none", BURN) for long in ("1h", "6h", "3d")),
    ]  # fmt: skip
    return table(
        "Every objective",
        "Sorted by what is left of the budget. A service's name leads to its own dashboard.",
        {"service_name": "Service", "slo": "Objective of"},
        columns,
        links={"service_name": OPEN_SERVICE},
        sort="Burn, 1h",
    )


def _bars() -> Panel:
    return bars(
        "Least budget left, by objective",
        "What is left of the twelve worst error budgets over 30 days; an empty bar has none left.",
        Query(f"sort(bottomk(12, clamp_min({_REMAINING}, 0)))", _NAME),
        "percentunit",
        LEFT,
        most=1,
    )


def _budget() -> Panel:
    return curves(
        "Budget left, over time",
        "A steep fall is an incident. Below zero the promise of these 30 days is broken.",
        [Query(_REMAINING, _NAME)], "percentunit", steps=((None, RED), (0, GREEN)),
    ).sized(12, 9).floating()  # fmt: skip


def _burning() -> list[Panel]:
    pairs = (("1h", "5m", 14.4, "page"), ("6h", "30m", 6, "page"), ("1d", "2h", 3, "ticket"))
    return [
        curves(
            f"Over {long} (and {short})",
            f"How many times faster than 30 days allow. Both above {limit:g} fire a {severity}.",
            [Query(_rate(long), f"{_NAME} {long}"), Query(_rate(short), f"{_NAME} {short}")],
            "none", steps=((None, GREEN), (limit, RED)),
        )
        for long, short, limit, severity in pairs
    ]  # fmt: skip


def _errors() -> list[Panel]:
    return [
        curves(
            f"Missed, over {window}",
            "Share of the requests that failed or were too slow, by objective.",
            [Query(f"slo:sli_error:ratio_rate{window}{{{_CHOSEN}}}", _NAME)], "percentunit",
        )
        for window in ("5m", "1h", "3d")
    ]  # fmt: skip
