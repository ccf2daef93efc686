"""The sample's services on real PostgreSQL and NATS, under load."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from ruamel.yaml import YAML

from migrator.run import checks, processes, readiness
from migrator.run.ports import free_port, free_ports
from migrator.run.processes import Process
from migrator.run.servers import EmbeddedNats, EmbeddedPostgres
from migrator.run.supervisor import Supervisor, run_to_end
from migrator.run.workspace import find_scenario, read_manifests
from support.commands import succeeds

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
class Services:
    """Every process of the workspace, and how to ask and to break them."""

    workspace: Path
    supervisor: Supervisor
    table: tuple[Process, ...]
    database_urls: Mapping[str, str]

    @property
    def gateway(self) -> str:
        """Its URL."""
        [url] = [process.url for process in self.table if process.name == processes.GATEWAY]
        assert url
        return url

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
        self.supervisor.start([process for process in self.table if process.name == name])

    def play_scenario(self) -> None:
        """Every step of the sample's checks passes."""
        path = find_scenario(self.workspace, SAMPLE / "checks.yaml")
        assert path
        manifests = read_manifests(self.workspace)
        results = checks.run_checks(list(self.table), manifests, checks.read_scenario(path))
        assert not [result for result in results if not result.passed]

    @contextmanager
    def load(self) -> Iterator[None]:
        """A few requests a second to three services, and now and then a registration."""
        stop = threading.Event()
        gateway = self.gateway

        def read(path: str, pause: float) -> None:
            with httpx.Client(timeout=30, trust_env=False) as client:
                while not stop.wait(pause):
                    client.get(gateway + path)

        def write() -> None:
            number = 0
            with httpx.Client(timeout=30, trust_env=False) as client:
                while not stop.wait(2.0):
                    number += 1
                    person = {"email": f"load-{number}@example.com", "name": "Load"}
                    body = {**person, "password": "long enough"}
                    client.post(f"{gateway}/api/auth/register", json=body)

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


def scaffolded(folder: Path) -> Path:
    """The sample's workspace, every service with the SLOs above."""
    for command in (["analyze", str(SAMPLE)], ["plan"]):
        succeeds(folder, *command)
    plan = folder / "migration.yaml"
    document = YAML(typ="safe").load(plan.read_text("utf-8"))
    slos = YAML(typ="safe").load(SLO)["slos"]
    for service in document["services"].values():
        service["slos"] = slos
    with plan.open("w", encoding="utf-8") as stream:
        YAML().dump(document, stream)
    succeeds(folder, "scaffold")
    return folder / "workspace"


@contextmanager
def started(
    workspace: Path,
    folder: Path,
    environment: Mapping[str, str],
    only: Collection[str] | None = None,
) -> Iterator[Services]:
    """Every process of the workspace (or of the services `only`, and the gateway), ready, with
    `environment` besides their own."""
    with ExitStack() as stack:
        manifests = [m for m in read_manifests(workspace) if only is None or m.name in only]
        # Not in pytest's folder: a run of pytest that begins shuts its parent to others, and the
        # server has a user of its own.
        data = Path(stack.enter_context(TemporaryDirectory(prefix="postgres-")))
        postgres = stack.enter_context(EmbeddedPostgres(data / "data", durable=False))
        nats = stack.enter_context(EmbeddedNats(folder / "nats"))
        urls = {m.name: postgres.create_database(m.name.replace("-", "_")) for m in manifests}
        around = processes.Surroundings(
            workspace, sys.executable, nats.url, urls, {**os.environ, **environment}
        )
        for manifest in manifests:
            process = processes.migration(manifest, around)
            assert run_to_end(process, folder / "logs" / "migrate.log") == 0
        ports = free_ports(processes.ports_needed(manifests))
        table = processes.table(manifests, around, ports, free_port())
        supervisor = stack.enter_context(Supervisor(folder / "logs"))
        supervisor.start(table)
        readiness.wait_until_ready(supervisor, 90)
        yield Services(workspace, supervisor, table, urls)
