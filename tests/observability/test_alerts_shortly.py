"""One service with real Prometheus and Alertmanager: quiet, then broken, then well again.

Rules run on a faster clock, see `support.scaled`; `test_real_alerts` does the same with the whole
workspace and every fault.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from support.faults import failing
from support.services import scaffolded
from support.stack import Stack, running

pytestmark = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("prometheus-alertmanager")),
    reason="no Prometheus here: apt-get install prometheus prometheus-alertmanager",
)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    (tmp_path / "run").mkdir()
    with running(scaffolded(tmp_path), tmp_path / "run", ("search",)) as found:
        yield found


def wait_for(what: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.5)


ERRORS = {
    ("RouteFailing", "ticket", "search", ""),
    ("DatabaseErrors", "ticket", "search", ""),
    ("SLOErrorBudgetBurn", "page", "search", "reads-available"),
}
DOWN = {("ServiceDown", "page", "search", "relay")}


def test_errors_and_a_dead_process_fire_their_alerts_and_resolve(stack: Stack) -> None:
    stop = threading.Event()
    [web] = [p.url for p in stack.services.table if p.name == "search-web"]

    def ask() -> None:
        with httpx.Client(timeout=30, trust_env=False) as client:
            while not stop.wait(0.2):
                client.get(f"{web}/api/search?q=x")

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        wait_for(lambda: bool(stack.series("http_server_request_duration_seconds_count")), 240)
        assert stack.firing() == set()
        with failing(stack.services.database_urls["search"], "search_logs"):
            stack.services.stop("search-relay")
            wait_for(lambda: stack.firing() >= ERRORS | DOWN, 240)
        named = {name for name, *_ in stack.firing()}
        assert named <= {name for name, *_ in ERRORS | DOWN}
        stack.services.start("search-relay")
        wait_for(lambda: not (ERRORS | DOWN) & stack.firing(), 240)
    finally:
        stop.set()
        asking.join()
    wait_for(lambda: any(n["path"] == "/dead-mans-switch" for n in stack.notified), 120)
    paths = {
        (alert["labels"]["alertname"], notification["path"])
        for notification in stack.notified
        for alert in notification["alerts"]
    }
    assert ("ServiceDown", "/search") in paths
