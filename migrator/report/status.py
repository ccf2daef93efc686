"""Progress of a migration for a terminal, for scripts and for Prometheus."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rich.table import Table

from migrator.model.progress import Progress, ServiceProgress, Share

_BAR = 10


def as_table(progress: Progress, traffic: Mapping[str, float] | None) -> Table:
    """One line a service, a last one for all; `traffic` are requests by who answered."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("service")
    for title in ("routes", "tables", "manual cuts"):
        table.add_column(title, justify="right")
    if traffic is not None:
        table.add_column("traffic", justify="right")
    for service in progress.services:
        table.add_row(*_line(service.name, service, traffic, service.carved))
    if traffic and "monolith" in traffic:
        share = _percent(traffic["monolith"] / _all(traffic))
        table.add_row("(monolith)", "", "", "", share, style="dim")
    table.add_section()
    cells = ["all", _share(progress.routes), _share(progress.tables), str(progress.manual_cuts)]
    if traffic is not None:
        cells.append(f"{_percent(moved_traffic(traffic))} moved")
    table.add_row(*cells, style="bold")
    return table


def summary(progress: Progress, findings: Mapping[str, int] | None) -> str:
    """The lines below the table."""
    carved = progress.carved
    lines = [f"{carved.moved} of {carved.total} services carved"]
    if findings is not None:
        counted = ", ".join(
            f"{findings.get(level, 0)} {level}{'' if findings.get(level, 0) == 1 else 's'}"
            for level in ("error", "warning")
        )
        lines.append(f"verify: {counted}")
    return "\n".join(lines)


def as_json(
    progress: Progress,
    traffic: Mapping[str, float] | None,
    findings: Mapping[str, int] | None,
) -> str:
    """``{"version": 1, "services": [...], "total": {...}}``; shares are counts, never per cent."""
    services: list[dict[str, Any]] = [
        {
            "name": service.name,
            "carved": service.carved,
            **_counts(service.routes, service.tables, service.manual_cuts),
            **({} if traffic is None else {"requests": traffic.get(service.name, 0.0)}),
        }
        for service in progress.services
    ]
    total: dict[str, Any] = {
        "services": _counted(progress.carved),
        **_counts(progress.routes, progress.tables, progress.manual_cuts),
    }
    if traffic is not None:
        total["requests"] = {
            "moved": _all(traffic) - traffic.get("monolith", 0.0),
            "total": _all(traffic),
        }
    if findings is not None:
        total["findings"] = dict(findings)
    document = {"version": 1, "services": services, "total": total}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


_HELP = {
    "routes:moved": "Routes of the monolith that a service answers.",
    "routes:total": "Routes of the monolith.",
    "tables:moved": "Tables that a carved service owns.",
    "tables:total": "Tables of the monolith.",
    "services:carved": "Whether the service of the plan is carved.",
    "cuts:manual": "Dependencies across services that a person must solve.",
}


def as_prometheus(progress: Progress) -> str:
    """The text format, for a textfile collector: the names that the workspace's rules record."""
    lines: list[str] = []
    for what, words in _HELP.items():
        lines += [f"# HELP migration:{what} {words}", f"# TYPE migration:{what} gauge"]
        lines += [
            f'migration:{what}{{service_name="{service.name}"}} {_value(service, what)}'
            for service in progress.services
        ]
    return "\n".join(lines) + "\n"


def moved_traffic(traffic: Mapping[str, float]) -> float | None:
    """The share of requests that services answer, not the monolith; None without a request."""
    every = _all(traffic)
    return (every - traffic.get("monolith", 0.0)) / every if every else None


def _value(service: ServiceProgress, what: str) -> int:
    kind, _, part = what.partition(":")
    if kind == "services":
        return int(service.carved)
    if kind == "cuts":
        return service.manual_cuts
    share = service.routes if kind == "routes" else service.tables
    return share.moved if part == "moved" else share.total


def _line(
    name: str, service: ServiceProgress, traffic: Mapping[str, float] | None, carved: bool
) -> list[str]:
    cells = [name, _share(service.routes), _share(service.tables), str(service.manual_cuts or "–")]
    if traffic is not None:
        every = _all(traffic)
        cells.append(_percent(traffic.get(name, 0.0) / every if every else None))
    return [*cells] if carved else [f"[dim]{name}[/dim]", *cells[1:]]


def _share(share: Share) -> str:
    if share.ratio is None:
        return "–"
    full = int(share.ratio * _BAR)
    bar = "█" * full + "░" * (_BAR - full)
    return f"{share.moved} of {share.total} {bar} {_percent(share.ratio):>5}"


def _percent(ratio: float | None) -> str:
    # Never 100 % before all has moved.
    return "–" if ratio is None else f"{int(ratio * 100)} %"


def _counts(routes: Share, tables: Share, manual: int) -> dict[str, Any]:
    return {"routes": _counted(routes), "tables": _counted(tables), "manual_cuts": manual}


def _counted(share: Share) -> dict[str, int]:
    return {"moved": share.moved, "total": share.total}


def _all(traffic: Mapping[str, float]) -> float:
    return sum(traffic.values())
