"""The sample's services under load, watched by Debian's Prometheus and Alertmanager."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from ruamel.yaml import YAML

from migrator.run.otlp import OtlpReceiver
from migrator.run.ports import free_port
from migrator.run.processes import HOST, Process
from support.monitoring import load
from support.programs import server, webhooks
from support.scaled import scaled
from support.services import Services, started

# One for all: each `httpx.get` reads the certificates of all authorities anew.
_client = httpx.Client(timeout=10, trust_env=False)


@dataclass
class Stack:
    """What runs, and how to ask and to break it."""

    services: Services
    receiver: OtlpReceiver
    prometheus: str
    alertmanager: str
    notified: list[dict[str, Any]] = field(default_factory=list)

    def query(self, expression: str) -> list[dict[str, Any]]:
        answer = _client.get(
            f"{self.prometheus}/api/v1/query", params={"query": expression}, timeout=10
        )
        return list(answer.json()["data"]["result"])

    def series(self, selector: str) -> list[dict[str, str]]:
        """The labels of every series of `selector`."""
        answer = _client.get(
            f"{self.prometheus}/api/v1/series", params={"match[]": selector}, timeout=10
        )
        return list(answer.json()["data"])

    def firing(self) -> set[tuple[str, ...]]:
        """(alert, severity, service, slo or role) of what fires in Alertmanager, but Watchdog."""
        answer = _client.get(f"{self.alertmanager}/api/v2/alerts")
        labels = [alert["labels"] for alert in answer.json()]
        return {
            (
                found["alertname"],
                found["severity"],
                found.get("service_name", ""),
                found.get("slo") or found.get("service_role") or "",
            )
            for found in labels
            if found["alertname"] != "Watchdog"
        }


@contextmanager
def running(workspace: Path, folder: Path, only: Collection[str] | None = None) -> Iterator[Stack]:
    """The workspace, watched by Debian's Prometheus and Alertmanager; with all of its services
    also after the scenario and under load."""
    with ExitStack() as stack:
        receiver = stack.enter_context(OtlpReceiver())
        services = stack.enter_context(started(workspace, folder, _environment(receiver.url), only))
        notified: list[dict[str, Any]] = []
        sink = stack.enter_context(webhooks(notified))
        alertmanager = stack.enter_context(_alertmanager(folder, sink))
        prometheus = stack.enter_context(
            _prometheus(workspace, folder, services.table, alertmanager)
        )
        found = Stack(services, receiver, prometheus, alertmanager, notified)
        if only is None:
            services.play_scenario()
            stack.enter_context(services.load())
        yield found


def _environment(endpoint: str) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "1000",
        "OTEL_METRIC_EXPORT_INTERVAL": "5000",
        "CHASSIS_INBOX_ATTEMPTS": "2",
        "CHASSIS_BACKOFF_CAP": "0.5",
    }


@contextmanager
def _alertmanager(folder: Path, sink: str) -> Iterator[str]:
    """Alertmanager with the generated receivers, each a webhook of ours at `sink`."""
    text = (folder.parent / "workspace/observability/alertmanager/alertmanager.yml").read_text()
    home = folder / "alertmanager"
    home.mkdir()
    document = YAML(typ="safe").load(text)
    for receiver in document["receivers"]:
        # Debian's knows no url_file.
        [webhook] = receiver["webhook_configs"]
        del webhook["url_file"]
        webhook["url"] = f"{sink}/{receiver['name']}"
    with (home / "alertmanager.yml").open("w") as stream:
        YAML().dump(_quick(document), stream)
    port = free_port()
    argv = [
        shutil.which("prometheus-alertmanager") or "alertmanager",
        f"--config.file={home / 'alertmanager.yml'}",
        f"--storage.path={home / 'data'}",
        f"--web.listen-address={HOST}:{port}",
        "--cluster.listen-address=",
    ]
    with server(argv, folder / "alertmanager.log", f"http://{HOST}:{port}/-/ready"):
        yield f"http://{HOST}:{port}"


def _quick(document: Any) -> Any:
    for route in (document["route"], *document["route"]["routes"]):
        route |= {"group_wait": "1s", "group_interval": "2s"}
    return document


@contextmanager
def _prometheus(
    workspace: Path, folder: Path, table: Sequence[Process], alertmanager: str
) -> Iterator[str]:
    """Prometheus with the generated rules on the faster clock, scraping every process.

    Debian's knows no OTLP: here the metrics themselves come by the scrape that in a workspace
    only tells `up`, with the labels that the resource attributes become there.
    """
    home = folder / "prometheus"
    home.mkdir()
    for path in (workspace / "observability/prometheus/rules").glob("*.yml"):
        with (home / path.name).open("w") as stream:
            YAML().dump(scaled(load(path)), stream)
    targets = [
        {
            "targets": [process.metrics.split("/")[2]],
            "labels": {
                "service_name": process.service,
                "service_role": process.role,
                "service_instance_id": process.name,
            },
        }
        for process in table
        if process.metrics
    ]
    port = free_port()
    own = [
        {"targets": [f"{HOST}:{port}"], "labels": {"service_name": "prometheus"}},
        {"targets": [alertmanager.split("/")[2]], "labels": {"service_name": "alertmanager"}},
    ]
    document = {
        "global": {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "1s"},
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": [alertmanager.split("/")[2]]}]}]
        },
        "rule_files": [str(home / "*.yml")],
        "scrape_configs": [
            {"job_name": "services", "static_configs": targets},
            {"job_name": "telemetry", "static_configs": own},
        ],
    }
    config = folder / "prometheus.yml"
    with config.open("w") as stream:
        YAML().dump(document, stream)
    argv = [
        shutil.which("prometheus") or "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={home / 'data'}",
        f"--web.listen-address={HOST}:{port}",
    ]
    with server(argv, folder / "prometheus.log", f"http://{HOST}:{port}/-/ready"):
        yield f"http://{HOST}:{port}"
