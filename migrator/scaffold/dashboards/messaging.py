"""Messages between services: what waits, what fails, how old the copies are."""

from __future__ import annotations

from migrator.scaffold.dashboards.board import Board, Link, Row, Variable
from migrator.scaffold.dashboards.fleet import COUNTS, alerts_annotation
from migrator.scaffold.dashboards.panels import (
    GREEN,
    OPEN_SERVICE,
    ORANGE,
    RED,
    RESULTS,
    YELLOW,
    Column,
    Panel,
    Query,
    Steps,
    curves,
    number,
    table,
)  # fmt: skip
from migrator.scaffold.dashboards.promql import quantile, rate

AGES: Steps = ((None, GREEN), (60, YELLOW), (300, RED))
WAITING: Steps = ((None, GREEN), (100, YELLOW), (1000, RED))
RETRIES: Steps = ((None, GREEN), (1, ORANGE))
LAG: Steps = ((None, GREEN), (10, YELLOW), (60, RED))
_CHOSEN = 'service_name=~"$service"'
_BY = "{{service_name}}"


def messaging() -> Board:
    """All outboxes and inboxes."""
    return Board(
        uid="messaging",
        title="Messaging",
        description="Outbox to inbox: throughput, what waits, what fails, how old the copies are.",
        folder="Overview",
        rows=[
            Row("Now", _now()),
            Row("Flow", _flow()),
            Row("Failures", _failures()),
            Row("Freshness", _freshness()),
            Row("By service", [_table()], collapsed=True),
            Row("Cleanup", _cleanup(), collapsed=True),
        ],
        variables=[Variable("service", "service_name", "chassis_outbox_pending", "Service")],
        links=[Link("Fleet", "fleet"), Link("Service levels", "slo")],
        annotations=[alerts_annotation(_CHOSEN)],
    )


def _worst(metric: str, by: str = "") -> str:
    return f"max by ({by}) ({metric}{{{_CHOSEN}}})" if by else f"max({metric}{{{_CHOSEN}}})"


def _total(metric: str) -> str:
    # Relays and inboxes, and each of several, tell of the same table.
    return f"sum({_worst(metric, 'service_name')})"


def _now() -> list[Panel]:
    figures = [
        number("Published", "Messages a second that the broker took.",
               rate("chassis_outbox_published_total", _CHOSEN), "mps", calm=True),
        number("Applied", "Messages a second whose effects were stored.",
               rate("chassis_inbox_processed_total", f'{_CHOSEN},result="applied"'), "mps",
               calm=True),
        number("Waiting", "Messages that the broker has not taken yet.",
               _total("chassis_outbox_pending"), "none", WAITING),
        number("Oldest", "How long the oldest of them has waited.",
               _worst("chassis_outbox_oldest_age_seconds"), "s", AGES),
        number("Lag, 95 %", "From commit at the sender to effect at the reader.",
               quantile(0.95, "chassis_inbox_lag_seconds", _CHOSEN), "s", LAG),
        number("Stalest replica", "The copy that is farthest behind its owner.",
               _worst("chassis_replica_staleness_seconds"), "s", AGES),
        number("To retry", "Messages whose handler failed and that are tried again.",
               _total("chassis_inbox_retrying"), "none", RETRIES),
        number("Dead letters", "Given up, at the sender or the reader: a person must look.",
               f"{_total('chassis_outbox_dead')} + {_total('chassis_inbox_dead')}", "none",
               COUNTS),
    ]  # fmt: skip
    return [figure.sized(3, 4) for figure in figures]


def _flow() -> list[Panel]:
    return [
        curves("Published by service", "Messages a second that the relays brought to the broker.",
               [Query(rate("chassis_outbox_published_total", _CHOSEN, "service_name"), _BY)],
               "mps"),
        curves("Processed by result",
               "Applied, dropped because a newer one was there (stale), known already (duplicate), "
               "failed and tried again, or given up (dead).",
               [Query(rate("chassis_inbox_processed_total", _CHOSEN, "result"), "{{result}}")],
               "mps", stacked=True, values=RESULTS),
        curves("Waiting by service", "Messages in each outbox; a rising line is a relay that "
               "stands still or cannot keep up.",
               [Query(_worst("chassis_outbox_pending", "service_name"), _BY)], "none"),
    ]  # fmt: skip


def _failures() -> list[Panel]:
    seen = rate("chassis_inbox_processed_total", _CHOSEN, "service_name")
    again = rate(
        "chassis_inbox_processed_total", f'{_CHOSEN},result=~"duplicate|stale"', "service_name"
    )
    return [
        curves("Refused by the broker", "Attempts a second that failed, by kind of error. None is "
               "normal.",
               [Query(f"{rate('chassis_outbox_failed_total', _CHOSEN, 'service_name, error_type')} "
                      "or vector(0)",
                      "{{service_name}} {{error_type}}")],
               "mps"),
        curves("To retry by service", "Messages whose handler failed and that are tried again.",
               [Query(_worst("chassis_inbox_retrying", "service_name"), _BY)], "none"),
        curves("Dead letters by service", "Given up, sent and received; they stay until a person "
               "replays or removes them.",
               [Query(_worst("chassis_outbox_dead", "service_name"), "{{service_name}} sent"),
                Query(_worst("chassis_inbox_dead", "service_name"), "{{service_name}} received")],
               "none", steps=COUNTS),
        curves("Duplicates and stale", "Share of the messages that came twice or too late and were "
               "dropped. Many mean that acknowledgements get lost.",
               [Query(f"({again} or {seen} * 0) / ({seen} > 0)", _BY)], "percentunit").sized(24, 7),
    ]  # fmt: skip


def _freshness() -> list[Panel]:
    return [
        curves("From commit to effect, 95 % within",
               "The whole way: outbox, relay, broker, inbox. The points lead to traces.",
               [Query(quantile(0.95, "chassis_inbox_lag_seconds", _CHOSEN, "service_name"), _BY,
                      exemplars=True)],
               "s", steps=LAG),
        curves("Oldest message by service", "How long the oldest in each outbox has waited. "
               "An alert fires above a minute, a page above five.",
               [Query(_worst("chassis_outbox_oldest_age_seconds", "service_name"), _BY)], "s",
               steps=AGES),
        curves("Staleness of replicas", "How far each copied table is behind its owner.",
               [Query(_worst("chassis_replica_staleness_seconds", "service_name, table"),
                      "{{service_name}} {{table}}")],
               "s", steps=AGES),
    ]  # fmt: skip


def _table() -> Panel:
    columns = [
        Column("Published", rate("chassis_outbox_published_total", _CHOSEN, "service_name"), "mps"),
        Column("Processed", rate("chassis_inbox_processed_total", _CHOSEN, "service_name"), "mps"),
        Column("Waiting", _worst("chassis_outbox_pending", "service_name"), "none", WAITING),
        Column("Oldest", _worst("chassis_outbox_oldest_age_seconds", "service_name"), "s", AGES),
        Column("To retry", _worst("chassis_inbox_retrying", "service_name"), "none", RETRIES),
        Column("Dead, sent", _worst("chassis_outbox_dead", "service_name"), "none", COUNTS),
        Column("Dead, received", _worst("chassis_inbox_dead", "service_name"), "none", COUNTS),
    ]
    return table(
        "Outbox and inbox of each service", "A service's name leads to its own dashboard.",
        {"service_name": "Service"}, columns, sort="Published",
        links={"service_name": OPEN_SERVICE},
    )  # fmt: skip


def _cleanup() -> list[Panel]:
    return [
        curves(f"{title}: cleanup behind", f"By how much the oldest processed row of the {title} "
               "has outlived its retention; a rising line means that the table grows.",
               [Query(_worst(f"chassis_{title}_cleanup_lag_seconds", "service_name"), _BY)], "s",
               steps=((None, GREEN), (86_400, RED))).sized(12)
        for title in ("outbox", "inbox")
    ]  # fmt: skip
