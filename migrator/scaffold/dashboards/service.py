"""One service: requests, database, messages, resources, logs and traces."""

from __future__ import annotations

import hashlib

from migrator.model.manifest import ServiceManifest
from migrator.scaffold.dashboards.board import Board, Link, Row, Variable
from migrator.scaffold.dashboards.fleet import ERRORS, SECONDS, alerts_annotation
from migrator.scaffold.dashboards.levels import BURN, LEFT
from migrator.scaffold.dashboards.messaging import AGES, LAG, RETRIES, WAITING
from migrator.scaffold.dashboards.panels import (
    GREEN,
    LOKI,
    RED,
    RESULTS,
    SEVERITIES,
    YELLOW,
    Column,
    Panel,
    Query,
    curves,
    logs,
    number,
    table,
    traces,
)  # fmt: skip
from migrator.scaffold.dashboards.promql import (
    ANSWERS,
    CALLS,
    FAILED,
    REQUESTS,
    STATEMENTS,
    joined,
    quantile,
    rate,
    ratio,
)  # fmt: skip

_QUANTILES = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
_INSTANCE = 'service_instance_id=~"$instance"'
_ROUTE = 'http_route=~"$route"'
_LONGEST_UID = 40


def uid(service: str) -> str:
    """The dashboard's identifier. Grafana takes 40 characters: a longer name is cut, and ends in a
    hash so that no two of them are one."""
    whole = f"service-{service}"
    if len(whole) <= _LONGEST_UID:
        return whole
    return f"{whole[: _LONGEST_UID - 9]}-{hashlib.sha256(service.encode()).hexdigest()[:8]}"


def of_gateway() -> Board:
    """The gateway: what people see."""
    own = 'service_name="gateway"'
    rows = [
        Row("Now", [panel.sized(4, 4) for panel in _answers(own)]),
        Row("Requests", _requests(own)),
        Row("Calls to services", _calls(own)),
        Row("Resources", _resources(own, serves=False)),
        *_last("gateway"),
    ]
    return _board("gateway", "The door of the workspace: every request of people.", rows)


def of_service(manifest: ServiceManifest, purpose: str) -> Board:
    """The dashboard of the service of `manifest`, with what it has and nothing else."""
    own = f'service_name="{manifest.name}"'
    sends = bool(manifest.published or manifest.emits or manifest.remote_inserts)
    reads = bool(manifest.replicas or manifest.serves_events)
    receives = reads or bool(manifest.serves_calls)
    now = [*_answers(own), *(_sent(own) if sends else ()), *(_received(own) if receives else ())]
    width = 24 // len(now) if len(now) <= 8 else 3
    rows = [Row("Now", [panel.sized(width, 4) for panel in now]), Row("Requests", _requests(own))]
    if manifest.calls:
        rows.append(Row("Calls to other services", _calls(own)))
    rows.append(Row("Database", _database(own)))
    if sends or receives:
        panels = [*(_outbox(own) if sends else ()), *(_inbox(own) if receives else ())]
        panels += _replicas(own) if manifest.replicas else ()
        rows.append(Row("Messages", panels))
    rows += [Row("Resources", _resources(own, serves=True)), *_last(manifest.name)]
    return _board(manifest.name, purpose or f"The service {manifest.name}.", rows)


def _board(name: str, description: str, rows: list[Row]) -> Board:
    own = f'service_name="{name}"'
    return Board(
        uid=uid(name),
        title=f"Service: {name}",
        description=description,
        folder="Services",
        rows=rows,
        variables=[
            # A request that no route fits has no such label.
            Variable("route", "http_route", f"{REQUESTS}_count{{{own}}}", "Route", ".*"),
            Variable(
                "instance", "service_instance_id", f"process_uptime_seconds{{{own}}}", "Process"
            ),
        ],
        links=[
            Link("Fleet", "fleet"), Link("Service levels", "slo"), Link("Messaging", "messaging"),
        ],
        annotations=[alerts_annotation(own)],
    )  # fmt: skip


def _answers(own: str) -> list[Panel]:
    count, chosen = f"{REQUESTS}_count", joined(own, ANSWERS, _ROUTE, _INSTANCE)
    return [
        number("Requests", "Requests a second on the chosen routes.", rate(count, chosen), "reqps",
               calm=True),
        number("Errors", "Share of the answers that are errors of the server (5xx).",
               ratio(count, joined(chosen, FAILED), chosen), "percentunit", ERRORS),
        number("95 % within", "Of 100 answers, 95 take no longer.",
               quantile(0.95, REQUESTS, chosen), "s", SECONDS),
        number("Budget left", "The least of its service levels, over 30 days.",
               f"min(slo:period_error_budget_remaining:ratio{{{own}}})", "percentunit", LEFT),
        number("Burn, 1 h", "How many times faster than 30 days allow its worst budget goes.",
               f"max(slo:sli_error:ratio_rate1h{{{own}}} / slo:error_budget:ratio{{{own}}})",
               "none", BURN),
        number("Busiest process", "CPU of its busiest process; one runs on one core.",
               f"max({_cpu(own)})", "percentunit",
               ((None, GREEN), (0.7, YELLOW), (0.9, RED))),
    ]  # fmt: skip


def _sent(own: str) -> list[Panel]:
    return [
        number("Messages waiting", "Messages in its outbox that the broker has not taken yet.",
               f"max(chassis_outbox_pending{{{own}}})", "none", WAITING),
    ]  # fmt: skip


def _received(own: str) -> list[Panel]:
    return [
        number("Lag, 95 %", "From commit at the sender to effect here.",
               quantile(0.95, "chassis_inbox_lag_seconds", own), "s", LAG),
    ]  # fmt: skip


def _requests(own: str) -> list[Panel]:
    count, chosen = f"{REQUESTS}_count", joined(own, ANSWERS, _ROUTE, _INSTANCE)
    by = "http_request_method, http_route"
    classes = [
        Query(rate(count, joined(chosen, f'http_response_status_code=~"{digit}.."')), f"{digit}xx")
        for digit in "2345"
    ]
    latency = [
        Query(quantile(share, REQUESTS, chosen), name, exemplars=name == "p99")
        for share, name in _QUANTILES
    ]
    columns = [
        Column("Requests", rate(count, chosen, by), "reqps"),
        Column("Errors", ratio(count, joined(chosen, FAILED), chosen, by), "percentunit", ERRORS),
        *(
            Column(f"{round(share * 100)} % within", quantile(share, REQUESTS, chosen, by), "s",
                   SECONDS)
            for share, _ in _QUANTILES
        ),
    ]  # fmt: skip
    return [
        curves("Requests by status", "Requests a second by class of status.", classes, "reqps",
               stacked=True),
        curves("Errors", "Share of the answers that are errors of the server (5xx).",
               [Query(ratio(count, joined(chosen, FAILED), chosen), "5xx")], "percentunit",
               steps=((None, GREEN), (0.01, RED))),
        curves("Duration", "How long answers take; the points are single requests and lead to "
               "their traces.", latency, "s"),
        table("By route", "Every route that was asked for.",
              {"http_request_method": "Method", "http_route": "Route"}, columns, sort="Requests",
              ).sized(24, 9),
    ]  # fmt: skip


def _calls(own: str) -> list[Panel]:
    count, by = f"{CALLS}_count", "server_address"
    return [
        curves("Calls", "Requests a second to each address.",
               [Query(rate(count, own, by), "{{server_address}}")], "reqps"),
        curves("Failed calls", "Share answered with an error of the server (5xx).",
               [Query(ratio(count, joined(own, FAILED), own, by), "{{server_address}}")],
               "percentunit"),
        curves("95 % of calls within", "How long the others take to answer.",
               [Query(quantile(0.95, CALLS, own, by), "{{server_address}}", exemplars=True)], "s"),
    ]  # fmt: skip


def _database(own: str) -> list[Panel]:
    chosen = joined(own, _INSTANCE)
    count, by = f"{STATEMENTS}_count", "db_operation_name"
    failed = rate(count, joined(chosen, 'error_type!=""'), "error_type")
    pool = "sum by ({by}) (db_client_connection_{what}{{{selector}}})"
    used = pool.format(by="service_role, db_client_connection_state", what="count", selector=chosen)
    most = pool.format(by="service_role", what="max", selector=chosen)
    return [
        curves("Statements", "SQL statements a second by operation, all processes.",
               [Query(rate(count, chosen, by), "{{db_operation_name}}")], "ops"),
        curves("95 % of statements within", "By operation; the points lead to traces.",
               [Query(quantile(0.95, STATEMENTS, chosen, by), "{{db_operation_name}}",
                      exemplars=True)], "s"),
        curves("Failed statements", "A second, by SQLSTATE or error; class 23 is a violated "
               "constraint.",
               [Query(f"{failed} or vector(0)", "{{error_type}}")], "ops"),
        curves("Connections", "Of the pools of web, relay and inbox: in use and free, and the "
               "most there may be.",
               [Query(used, "{{service_role}} {{db_client_connection_state}}"),
                Query(most, "{{service_role}} maximum")], "none").sized(24, 7),
    ]  # fmt: skip


def _outbox(own: str) -> list[Panel]:
    return [
        curves("Outbox: published", "Messages a second that the broker took.",
               [Query(rate("chassis_outbox_published_total", own), "published"),
                Query(f"{rate('chassis_outbox_failed_total', own)} or vector(0)", "failed")],
               "mps"),
        curves("Outbox: waiting", "Messages that the broker has not taken, and those given up.",
               [Query(f"max(chassis_outbox_pending{{{own}}})", "waiting"),
                Query(f"max(chassis_outbox_dead{{{own}}})", "dead")], "none"),
        curves("Outbox: oldest", "How long the oldest message has waited; a page above 5 minutes.",
               [Query(f"max(chassis_outbox_oldest_age_seconds{{{own}}})", "oldest")], "s",
               steps=AGES),
    ]  # fmt: skip


def _inbox(own: str) -> list[Panel]:
    lag = [
        Query(quantile(share, "chassis_inbox_lag_seconds", own), name, exemplars=name == "p99")
        for share, name in _QUANTILES
    ]
    return [
        curves("Inbox: processed", "Messages a second by what became of them.",
               [Query(rate("chassis_inbox_processed_total", own, "result"), "{{result}}")], "mps",
               stacked=True, values=RESULTS),
        curves("Inbox: from commit to effect", "The whole way from the sender's commit; the points "
               "lead to traces.", lag, "s", steps=LAG),
        curves("Inbox: failing", "Messages that wait for another try, and those given up.",
               [Query(f"max(chassis_inbox_retrying{{{own}}})", "retrying"),
                Query(f"max(chassis_inbox_dead{{{own}}})", "dead")], "none", steps=RETRIES),
    ]  # fmt: skip


def _replicas(own: str) -> list[Panel]:
    return [
        curves("Staleness of its replicas", "How far each copied table is behind its owner.",
               [Query(f"max by (table) (chassis_replica_staleness_seconds{{{own}}})", "{{table}}")],
               "s", steps=AGES).sized(24, 7),
    ]  # fmt: skip


def _cpu(own: str) -> str:
    return (
        "sum without (cpu_mode) "
        f"(rate(process_cpu_time_seconds_total{{{own},{_INSTANCE}}}[$__rate_interval]))"
    )


def _short(expression: str) -> str:
    """A process' identifier is too long for a legend: its first characters, as ``process``."""
    return f'label_replace({expression}, "process", "$1", "service_instance_id", "(.{{0,8}}).*")'


def _resources(own: str, *, serves: bool) -> list[Panel]:
    """`serves` says that it counts the requests that it is answering, as the gateway does not."""
    chosen = joined(own, _INSTANCE)
    legend = "{{service_role}} {{process}}"
    first = [
        curves("CPU", "Of one core, by process; one Python process runs on one core.",
               [Query(_short(_cpu(own)), legend)], "percentunit",
               steps=((None, GREEN), (0.9, RED))),
        curves("Memory", "Resident memory by process.",
               [Query(_short(f"process_memory_usage_bytes{{{chosen}}}"), legend)], "bytes"),
        curves("Threads", "Python threads by process.",
               [Query(_short(f"process_thread_count{{{chosen}}}"), legend)], "none"),
    ]  # fmt: skip
    second = [
        curves("Uptime", "A fall to zero is a restart.",
               [Query(_short(f"process_uptime_seconds{{{chosen}}}"), legend)], "s"),
        curves("Event loop", "How late the event loop of relay, inbox and gateway runs what "
               "is due: what blocks it holds up everything else in the process.",
               [Query(_short(f"chassis_event_loop_delay_seconds{{{chosen}}}"), legend)], "s",
               steps=((None, GREEN), (0.25, RED))),
    ]  # fmt: skip
    if serves:
        answering = f"sum by (service_instance_id) (http_server_active_requests{{{chosen}}})"
        words = "Requests that are being answered; a rising line is a queue."
        second.append(
            curves("In progress", words, [Query(_short(answering), "{{process}}")], "none")
        )
    return [*first, *(panel.sized(24 // len(second), 7) for panel in second)]


def _last(name: str) -> list[Row]:
    volume = Query(
        f'sum by (severity_text) (count_over_time({{service_name="{name}"}} [$__auto]))',
        "{{severity_text}}", source=LOKI,
    )  # fmt: skip
    lines = curves(
        "Lines by severity",
        "How much is logged.",
        [volume],
        "none",
        stacked=True,
        values=SEVERITIES,
    )
    return [
        Row("Logs", [
            lines.asked_of(LOKI).sized(24, 5),
            logs("Warnings and errors", "Newest first; a line's trace_id leads to its trace.",
                 f'{{service_name="{name}"}} | severity_text=~"WARN.*|ERROR|CRITICAL|FATAL"'),
            logs("All lines", "Newest first; a line's trace_id leads to its trace.",
                 f'{{service_name="{name}"}}'),
        ], collapsed=True),
        Row("Traces", [
            traces("Newest traces", "A trace's identifier opens it.", name),
            traces("Newest traces with an error", "Every one is kept by the Collector.", name,
                   errors=True),
        ], collapsed=True),
    ]  # fmt: skip
