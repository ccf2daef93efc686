"""Progress -> recording rules, so that Prometheus keeps its course and Grafana shows it.

The figures are constants of a workspace: they change when it is scaffolded and deployed again,
as the gateway's routes do.
"""

from __future__ import annotations

from typing import Any

from migrator.model.progress import Progress


def progress_rules(progress: Progress) -> dict[str, Any]:
    """The rule file that records routes, tables and services moved, by ``service_name``."""
    rules = [
        {
            "record": f"migration:{what}",
            "expr": f"vector({value})",
            "labels": {"service_name": service.name},
        }
        for service in progress.services
        for what, value in (
            ("routes:moved", service.routes.moved),
            ("routes:total", service.routes.total),
            ("tables:moved", service.tables.moved),
            ("tables:total", service.tables.total),
            ("services:carved", int(service.carved)),
            ("cuts:manual", service.manual_cuts),
        )
    ]
    return {"groups": [{"name": "migration", "rules": rules}]}
