"""The carved sample: an application posted to the gateway reaches the notifications once.

The relay of the applications is killed between publishing and marking, the message is delivered
to the notifications again, and one trace id joins request, outbox row, message and log line.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import nats
import sqlalchemy as sa
from nats.js.api import ConsumerConfig, DeliverPolicy

from migrator.analyze.pipeline import analyze
from migrator.model.manifest import ServiceManifest
from migrator.plan.propose import propose
from migrator.plan.resolve import assign
from migrator.run import checks, processes, readiness
from migrator.run.ports import free_ports
from migrator.run.servers import EmbeddedNats
from migrator.run.supervisor import Supervisor, run_to_end
from migrator.run.workspace import read_manifests
from migrator.scaffold.source import read_source
from migrator.scaffold.workspace import build

SAMPLE = Path(__file__).parents[2] / "sample_monolith"
DYING = Path(__file__).with_name("dying_relay.py")
RECEIVED = "SELECT user_id, reference FROM notifications WHERE kind = 'application_received'"
SENT = """
SELECT id, traceparent FROM outbox
WHERE payload->'data'->>'function' = 'jobmarket.notifications.service:notify'
"""


def carve(folder: Path) -> tuple[ServiceManifest, ...]:
    graph = analyze(SAMPLE)
    plan = propose(graph)
    made = build(plan, assign(plan, graph), graph, read_source(SAMPLE, graph))
    for path, text in made.files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return read_manifests(folder)


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(sa.text(statement))]
    engine.dispose()
    return found


def lines(logs: Path, name: str) -> list[dict[str, Any]]:
    texts = (logs / f"{name}.log").read_text("utf-8").splitlines()
    return [json.loads(text) for text in texts if text.startswith("{")]


def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


async def deliver_again(url: str, identity: str) -> dict[str, str]:
    """Put the message `identity` into the stream a second time; its headers."""
    client = await nats.connect(url)
    stream = client.jetstream()
    info = await stream.stream_info("chassis")
    # Else the broker itself would drop the second one, and the inbox were not asked.
    info.config.duplicate_window = 0.1
    await stream.update_stream(info.config)
    await asyncio.sleep(0.3)
    reader = await stream.subscribe(
        "requests.notifications.>",
        stream="chassis",
        ordered_consumer=True,
        config=ConsumerConfig(deliver_policy=DeliverPolicy.ALL),
    )
    while True:
        message = await reader.next_msg(timeout=5)
        headers = dict(message.headers or {})
        if headers.get("Nats-Msg-Id") == identity:
            break
    await stream.publish(message.subject, message.data, headers=headers)
    await client.close()
    return headers


def test_application_is_told_once(tmp_path: Path, make_database: Callable[[], str]) -> None:
    workspace, logs = tmp_path / "workspace", tmp_path / "logs"
    manifests = carve(workspace)
    databases = {m.name: make_database() for m in manifests}
    with EmbeddedNats(tmp_path / "nats") as broker, Supervisor(logs) as supervisor:
        around = processes.Surroundings(
            workspace, sys.executable, broker.url, databases, os.environ
        )
        for manifest in manifests:
            process = processes.migration(manifest, around)
            assert run_to_end(process, logs / f"{process.name}.log") == 0
        *ports, gateway = free_ports(processes.ports_needed(manifests) + 1)
        table = processes.table(manifests, around, ports, gateway)
        [relay] = [p for p in table if p.name == "applications-relay"]
        argv = (sys.executable, str(DYING), databases["applications"], broker.url, "", "1")
        dying = replace(relay, role="dying-relay", argv=argv)
        supervisor.start([dying if p is relay else p for p in table])
        readiness.wait_until_ready(supervisor)
        [child] = [c for c in supervisor.children if c.process is dying]

        steps = checks.read_scenario(SAMPLE / "checks.yaml")
        with ThreadPoolExecutor(1) as pool:
            checking = pool.submit(checks.run_checks, table, manifests, steps)
            # Children are started by the main thread only: they end with who started them.
            child.popen.wait(timeout=60)
            supervisor.start([relay])
            results = checking.result(timeout=90)
        assert [(r.name, r.problems) for r in results if not r.passed] == []
        assert child.popen.returncode == -signal.SIGKILL

        notifications = databases["notifications"]
        assert len(rows(notifications, RECEIVED)) == 1
        [(identity, parent)] = rows(databases["applications"], SENT)
        headers = asyncio.run(deliver_again(broker.url, str(identity)))

        def of_the_message() -> list[dict[str, Any]]:
            found = lines(logs, "notifications-inbox")
            return [line for line in found if line.get("message_id") == str(identity)]

        eventually(lambda: len(of_the_message()) == 2)
        assert [line["result"] for line in of_the_message()] == ["applied", "duplicate"]
        assert len(rows(notifications, RECEIVED)) == 1

        [request] = [
            line
            for line in lines(logs, "applications-web")
            if line.get("method") == "POST" and line.get("status") == 201
        ]
        traces = {
            "outbox row": parent.split("-")[1],
            "message": headers["traceparent"].split("-")[1],
            "log line": of_the_message()[0]["trace_id"],
        }
        assert traces == dict.fromkeys(traces, request["trace_id"])
