"""The metrics that docs/telemetry.md promises, and made series of them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from support.monitoring import REPOSITORY

_COMMON = {"service_name", "service_role", "service_instance_id", "deployment_environment_name"}
_ROLES = ("web", "relay", "inbox", "gateway")
_GAUGES = re.compile(
    r".*_(?:pending|dead|retrying|age_seconds|lag_seconds|staleness_seconds|delay_seconds|count"
    r"|max|requests|usage_bytes|uptime_seconds)"
)
# What the labels may hold; all others hold one value.
_VALUES = {
    "http_request_method": ("GET", "POST"),
    "http_response_status_code": ("200", "302", "404", "500"),
    "result": ("applied", "stale", "duplicate", "failed", "dead"),
    "db_client_connection_state": ("used", "idle"),
    "cpu_mode": ("user", "system"),
    "upstream": ("orders", "search", "monolith", "none"),
    "error_type": ("", "Broken"),
    "le": ("0.25", "0.5", "1", "+Inf"),
}
# From the Collector, which the table does not list by role.
_COLLECTOR = {
    "traces_service_graph_request_total": {"client", "server"},
    "traces_service_graph_request_failed_total": {"client", "server"},
    "traces_span_metrics_duration_seconds_bucket": {"service_name", "span_name", "le"},
}


@dataclass(frozen=True)
class Metric:
    """A metric's name, labels, and the roles of the processes that emit it."""

    name: str
    labels: set[str]
    roles: tuple[str, ...]


def documented() -> list[Metric]:
    """The rows of the table of docs/telemetry.md, one for each name."""
    text = (REPOSITORY / "docs/telemetry.md").read_text("utf-8")
    found: list[Metric] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| `") or len(cells) != 3:
            continue
        labels = set(re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", cells[1])))
        roles = tuple(role for role in _ROLES if role in cells[2] or cells[2] == "all")
        for name in re.findall(r"`([\w{},]+)`", cells[0]):
            stem, brace, endings = name.partition("{")
            for ending in endings.rstrip("}").split(",") if brace else [""]:
                le = {"le"} if ending == "bucket" else set()
                found.append(Metric(stem + ending, labels | _COMMON | le, roles))
    return found


def series(services: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """A series of each metric, process and value of a label, as promtool's tests take them."""
    for metric in documented():
        for role in metric.roles:
            for service in ("gateway",) if role == "gateway" else services:
                yield from _rows(metric.name, metric.labels, service, role)
        if "monolith" not in metric.roles and metric.name.startswith("http_server"):
            yield from _rows(metric.name, metric.labels, "shop", "monolith")
    for name, labels in _COLLECTOR.items():
        yield from _rows(name, labels, services[0], "")
    for service in services:
        yield _row(
            "up", {"job": "services", "service_name": service, "service_role": "web"}, "1x60"
        )
    page = {"alertname": "X", "alertstate": "firing", "severity": "page"}
    for service in (*services, "gateway"):
        yield _row("ALERTS", {**page, "service_name": service}, "1x60")


def _rows(name: str, labels: set[str], service: str, role: str) -> Iterator[dict[str, str]]:
    fixed = {
        "service_name": service,
        "service_role": role,
        "service_instance_id": f"{service}-1",
        "http_route": "/api/search",
    }
    given = {label: fixed.get(label, "x") for label in labels}
    many = sorted(label for label in labels if label in _VALUES)
    for values in itertools.product(*(_VALUES[label] for label in many)):
        counts = not _GAUGES.fullmatch(name) or name.endswith("_seconds_count")
        row = {k: v for k, v in {**given, **dict(zip(many, values, strict=True))}.items() if v}
        yield _row(name, row, "0+60x60" if counts else "7x60")


def _row(name: str, labels: dict[str, str], values: str) -> dict[str, str]:
    pairs = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return {"series": f"{name}{{{pairs}}}", "values": values}
