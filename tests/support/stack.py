"""The sample's services with real PostgreSQL, NATS, Prometheus and Alertmanager, under load."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from ruamel.yaml import YAML

from migrator.run import checks, processes, readiness
from migrator.run.otlp import OtlpReceiver
from migrator.run.processes import HOST, Process
from migrator.run.servers import EmbeddedNats, EmbeddedPostgres, free_port
from migrator.run.supervisor import Supervisor, run_to_end
from migrator.run.up import free_ports
from migrator.run.workspace import find_scenario, read_manifests
from support.monitoring import load
from support.scaled import scaled

SAMPLE = Path(__file__).parents[2] / "sample_monolith"
# Slower than any request of a busy test machine should be, and quicker than the injected fault.
SLO = """
    slos:
      - {name: reads-available, objective: 99.9, methods: [GET]}
      - {name: reads-fast, objective: 99, within: 2.5, methods: [GET]}
"""
# Path, how many read it, and their pause. Slow answers are few: companies needs many readers for
# its share of the gateway's answers to burn the gateway's budget too.
READS = (("/api/jobs", 1, 0.5), ("/api/search?q=x", 1, 0.5), ("/api/companies", 6, 1.0))


@dataclass
class Stack:
    """What runs, and how to ask and to break it."""

    workspace: Path
    supervisor: Supervisor
    processes: dict[str, Process]
    database_urls: dict[str, str]
    receiver: OtlpReceiver
    prometheus: str
    alertmanager: str
    notified: list[dict[str, Any]] = field(default_factory=list)

    @property
    def gateway(self) -> str:
        url = self.processes["gateway"].url
        assert url
        return url

    def query(self, expression: str) -> list[dict[str, Any]]:
        answer = httpx.get(
            f"{self.prometheus}/api/v1/query", params={"query": expression}, timeout=10
        )
        return list(answer.json()["data"]["result"])

    def series(self, selector: str) -> list[dict[str, str]]:
        """The labels of every series of `selector`."""
        answer = httpx.get(
            f"{self.prometheus}/api/v1/series", params={"match[]": selector}, timeout=10
        )
        return list(answer.json()["data"])

    def firing(self) -> set[tuple[str, ...]]:
        """(alert, severity, service, slo or role) of what fires in Alertmanager, but Watchdog."""
        answer = httpx.get(f"{self.alertmanager}/api/v2/alerts", timeout=10)
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

    def stop(self, name: str) -> None:
        """End the process `name`."""
        [child] = [
            child
            for child in self.supervisor.children
            if child.process.name == name and child.popen.poll() is None
        ]
        child.reported = True
        child.popen.kill()
        child.popen.wait()

    def start(self, name: str) -> None:
        """Start the process `name` again."""
        self.supervisor.start([self.processes[name]])


def scaffolded(folder: Path) -> Path:
    """The sample's workspace, every service with the SLOs above."""
    for command in (["analyze", str(SAMPLE)], ["plan"]):
        _migrator(folder, *command)
    plan = folder / "migration.yaml"
    document = YAML(typ="safe").load(plan.read_text("utf-8"))
    slos = YAML(typ="safe").load(SLO)["slos"]
    for service in document["services"].values():
        service["slos"] = slos
    with plan.open("w", encoding="utf-8") as stream:
        YAML().dump(document, stream)
    _migrator(folder, "scaffold")
    return folder / "workspace"


def _migrator(folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "migrator", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def running(workspace: Path, folder: Path) -> Iterator[Stack]:
    """The workspace with everything around it."""
    with ExitStack() as stack:
        manifests = read_manifests(workspace)
        receiver = stack.enter_context(OtlpReceiver())
        postgres = stack.enter_context(EmbeddedPostgres(folder / "postgres", durable=False))
        nats = stack.enter_context(EmbeddedNats(folder / "nats"))
        urls = {m.name: postgres.create_database(m.name.replace("-", "_")) for m in manifests}
        around = processes.Surroundings(
            workspace, sys.executable, nats.url, urls, _environment(receiver)
        )
        for manifest in manifests:
            process = processes.migration(manifest, around)
            assert run_to_end(process, folder / "logs" / "migrate.log") == 0
        ports = free_ports(processes.ports_needed(manifests))
        table = processes.table(manifests, around, ports, free_port())
        supervisor = stack.enter_context(Supervisor(folder / "logs"))
        supervisor.start(table)
        readiness.wait_until_ready(supervisor, 90)
        notified: list[dict[str, Any]] = []
        alertmanager = stack.enter_context(_alertmanager(folder, notified))
        prometheus = stack.enter_context(_prometheus(workspace, folder, table, alertmanager))
        made = {process.name: process for process in table}
        found = Stack(
            workspace, supervisor, made, urls, receiver, prometheus, alertmanager, notified
        )
        _play_scenario(found)
        stack.enter_context(_load(found))
        yield found


def _environment(receiver: OtlpReceiver) -> dict[str, str]:
    return {
        **os.environ,
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_BSP_SCHEDULE_DELAY": "1000",
        "OTEL_METRIC_EXPORT_INTERVAL": "5000",
        "CHASSIS_INBOX_ATTEMPTS": "2",
        "CHASSIS_BACKOFF_CAP": "0.5",
    }


def _play_scenario(stack: Stack) -> None:
    path = find_scenario(stack.workspace, SAMPLE / "checks.yaml")
    assert path
    table = list(stack.processes.values())
    results = checks.run_checks(table, read_manifests(stack.workspace), checks.read_scenario(path))
    assert not [result for result in results if not result.passed]


@contextmanager
def _load(stack: Stack) -> Iterator[None]:
    """A few requests a second to each of three services, and now and then a registration."""
    stop = threading.Event()

    def read(path: str, pause: float) -> None:
        with httpx.Client(timeout=30, trust_env=False) as client:
            while not stop.wait(pause):
                client.get(stack.gateway + path)

    def write() -> None:
        number = 0
        with httpx.Client(timeout=30, trust_env=False) as client:
            while not stop.wait(2.0):
                number += 1
                person = {"email": f"load-{number}@example.com", "name": "Load"}
                body = {**person, "password": "long enough"}
                client.post(f"{stack.gateway}/api/auth/register", json=body)

    jobs: list[tuple[Callable[..., None], tuple[object, ...]]] = [(write, ())]
    jobs += [(read, (path, pause)) for path, readers, pause in READS for _ in range(readers)]
    threads = [threading.Thread(target=job, args=given, daemon=True) for job, given in jobs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(35)


@contextmanager
def _server(argv: Sequence[str], log: Path, ready: str) -> Iterator[None]:
    with log.open("wb") as stream:
        process = subprocess.Popen(argv, stdout=stream, stderr=stream)
    try:
        _wait_for(ready, process, log)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError(log.read_text("utf-8", "replace")[-2000:])


@contextmanager
def _alertmanager(folder: Path, notified: list[dict[str, Any]]) -> Iterator[str]:
    """Alertmanager with the generated receivers, each a webhook of ours."""

    class Sink(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            notified.append({"path": self.path, **body})
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    sink = ThreadingHTTPServer((HOST, 0), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    text = (folder.parent / "workspace/observability/alertmanager/alertmanager.yml").read_text()
    home = folder / "alertmanager"
    home.mkdir()
    document = YAML(typ="safe").load(text)
    for receiver in document["receivers"]:
        # Debian's knows no url_file.
        [webhook] = receiver["webhook_configs"]
        del webhook["url_file"]
        webhook["url"] = f"http://{HOST}:{sink.server_port}/{receiver['name']}"
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
    try:
        with _server(argv, folder / "alertmanager.log", f"http://{HOST}:{port}/-/ready"):
            yield f"http://{HOST}:{port}"
    finally:
        sink.shutdown()


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
    with _server(argv, folder / "prometheus.log", f"http://{HOST}:{port}/-/ready"):
        yield f"http://{HOST}:{port}"
