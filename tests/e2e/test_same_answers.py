"""The monolith and the services carved from it answer the same requests alike."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ruamel.yaml import YAML
from support.replay import Request, Side, replay, requests

from migrator.analyze.pipeline import analyze
from migrator.plan.propose import propose
from migrator.plan.resolve import assign
from migrator.run import processes, readiness
from migrator.run.ports import free_ports
from migrator.run.processes import Process
from migrator.run.servers import EmbeddedNats
from migrator.run.supervisor import Supervisor, run_to_end
from migrator.run.workspace import read_manifests
from migrator.scaffold.source import read_source
from migrator.scaffold.workspace import build

SAMPLE = Path(__file__).parents[2] / "sample_monolith"
PATIENCE = float(os.environ.get("SAME_ANSWERS_PATIENCE", "10"))
# Erasing a person writes tables of seven services in one transaction: the plan calls it manual, and
# the chassis refuses it until somebody has made a saga of it. Nothing else may differ.
MANUAL = ("DELETE /api/admin/users/${bob_id} as admin", "DELETE /api/me as ada")
# The same in both: a module keeps its name when it is carved.
ADMIN = """
from wsgi import app
from jobmarket.db import session
from jobmarket.models import User
from jobmarket.security import hash_password
with app.app_context():
    session.add(User(email="admin@example.com", name="Admin", role="admin",
                     password_hash=hash_password("long enough")))
    session.commit()
"""


def run(process: Process, *argv: str) -> str:
    done = subprocess.run(
        argv,
        cwd=process.cwd,
        env=dict(process.environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def flask(process: Process, task: tuple[str, ...]) -> str:
    printed = run(process, sys.executable, "-m", "flask", "--app", "wsgi", "tasks", *task)
    # A service logs to standard output as well.
    return "\n".join(line for line in printed.splitlines() if not line.startswith("{"))


def variables() -> dict[str, str]:
    now = datetime.now(UTC)
    soon = (now + timedelta(days=3)).replace(microsecond=0)
    return {
        "month": f"{now:%Y-%m}",
        "today": now.date().isoformat(),
        "soon": soon.isoformat(),
    }


@contextmanager
def monolith(database: str, logs: Path) -> Iterator[Side]:
    [port] = free_ports(1)
    environment = tuple({**os.environ, "DATABASE_URL": database}.items())
    url = f"http://127.0.0.1:{port}"
    # fmt: off
    argv = (
        sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", f"127.0.0.1:{port}",
        "--worker-class", "gthread", "--threads", "4",
    )
    # fmt: on
    web = Process("monolith", "web", argv, SAMPLE, environment, url, f"{url}/api/ping")
    upgrade = replace(web, argv=(sys.executable, "-m", "alembic", "upgrade", "head"))
    assert run_to_end(upgrade, logs / "monolith-migrate.log") == 0
    run(web, sys.executable, "-c", ADMIN)
    with Supervisor(logs) as supervisor:
        supervisor.start([web])
        readiness.wait_until_ready(supervisor)
        yield Side(url, lambda task: flask(web, task), {**variables()})


@contextmanager
def services(folder: Path, make_database: Callable[[], str], logs: Path) -> Iterator[Side]:
    graph = analyze(SAMPLE)
    plan = propose(graph)
    for path, text in build(
        plan, assign(plan, graph), graph, read_source(SAMPLE, graph)
    ).files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    manifests = read_manifests(folder)
    databases = {m.name: make_database() for m in manifests}
    with EmbeddedNats(folder / "nats") as broker, Supervisor(logs) as supervisor:
        around = processes.Surroundings(folder, sys.executable, broker.url, databases, os.environ)
        for manifest in manifests:
            process = processes.migration(manifest, around)
            assert run_to_end(process, logs / f"{process.name}.log") == 0
        *ports, gateway = free_ports(processes.ports_needed(manifests) + 1)
        table = processes.table(manifests, around, ports, gateway)
        supervisor.start(table)
        readiness.wait_until_ready(supervisor)
        [accounts] = [
            p
            for p in table
            for m in manifests
            if p.service == m.name and p.role == "web" and "users" in m.owned
        ]
        run(accounts, sys.executable, "-c", ADMIN)

        def run_task(task: tuple[str, ...]) -> str:
            """In the service whose command line has the task."""
            [owner] = [
                p
                for p in table
                if p.role == "web" and f'"{task[0]}"' in (p.cwd / "jobmarket/tasks.py").read_text()
            ]
            return flask(owner, task)

        [url] = [p.url for p in table if p.role == processes.GATEWAY]
        assert url is not None
        yield Side(url, run_task, {**variables()})


def scenario() -> list[Request]:
    return requests(YAML(typ="safe").load((SAMPLE / "scenario.yaml").read_text("utf-8")))


def test_the_scenario_asks_every_route() -> None:
    """Each route's rule, with what stands for its parameters left open, is asked at least once."""
    asked = {
        (request.method, tuple(request.path.partition("?")[0].split("/"))) for request in scenario()
    }

    def is_asked(method: str, rule: str) -> bool:
        parts = rule.split("/")
        return any(
            verb == method
            and len(path) == len(parts)
            and all(p == a or p[:1] == "<" for p, a in zip(parts, path, strict=True))
            for verb, path in asked
        )

    routes = [p for p in analyze(SAMPLE).entry_points if p.kind == "route"]
    assert len(routes) > 100
    assert [(p.method, p.path) for p in routes if not is_asked(p.method or "", p.path or "")] == []


def test_services_answer_as_the_monolith_does(
    tmp_path: Path, make_database: Callable[[], str], record_property: Callable[[str, object], None]
) -> None:
    with ExitStack() as stack:
        before = stack.enter_context(monolith(make_database(), tmp_path / "logs"))
        after = stack.enter_context(
            services(tmp_path / "workspace", make_database, tmp_path / "logs")
        )
        steps = scenario()
        alike, different = replay(steps, before, after, PATIENCE)
    record_property("alike", f"{alike} of {len(steps)}")
    refused = {name: what for name, what in different.items() if name.endswith(MANUAL)}
    assert len(refused) == len(MANUAL)
    assert all("but (500" in what for what in refused.values())
    assert different == refused, f"{alike} of {len(steps)} alike\n" + "\n".join(
        f"{name}\n  {what}" for name, what in different.items()
    )
