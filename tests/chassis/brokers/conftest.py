"""Each broker that runs here, started once for all tests of a worker."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from chassis.settings import Settings
from support.brokers import KINDS, Server

from .ways import Way, WebServer

Start = Callable[[str], Server]


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """The running broker of a kind."""
    made: dict[str, Server] = {}
    with ExitStack() as stack:

        def start(name: str) -> Server:
            if reason := KINDS[name].missing():
                pytest.skip(reason)
            if name not in made:
                made[name] = KINDS[name].make(tmp_path_factory.mktemp(name))
                stack.callback(made[name].stop)
            if not made[name].runs():
                # For the first time, or after a test that left it dead: its own failure is enough.
                made[name].start()
            return made[name]

        yield start


@pytest.fixture(params=sorted(KINDS))
def server(request: pytest.FixtureRequest, start_server: Start) -> Server:
    return start_server(request.param)


@pytest.fixture
def settings(server: Server) -> Callable[..., Settings]:
    """Settings with a namespace of the test's own."""
    namespace = f"t{uuid.uuid4().hex[:12]}"

    def make(**changed: Any) -> Settings:
        return Settings("sqlite://", server.url, namespace, publish_timeout=5.0, **changed)

    return make


@pytest.fixture(params=[*sorted(KINDS), "http"])
def way(
    request: pytest.FixtureRequest,
    start_server: Start,
    accounts: Any,
    ledger: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Way:
    """From the outbox of `accounts` to the effects in `ledger`, over each broker and over none."""
    kind = request.param
    web = WebServer(ledger, monkeypatch) if kind == "http" else None
    made = Way(kind, accounts, ledger, web or start_server(kind))
    made.prepare(monkeypatch)
    return made
