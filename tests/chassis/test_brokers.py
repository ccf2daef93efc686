"""The same way from outbox to effect over every broker that runs here."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator

import pytest
from chassis import deliveries, manifest
from chassis.processor import Processor
from flask import Flask
from support.brokers import RABBIT, rabbitmq
from support.delivery import Side, consume, drain, emit, namespace, settings
from werkzeug.serving import make_server

PAIRS = [(account, number) for number in range(1, 21) for account in (1, 2, 3)]
ENTRIES = "SELECT account_id, number FROM entries ORDER BY id"
EXPECTED = {account: list(range(1, 21)) for account in (1, 2, 3)}


def by_account(pairs: list[tuple[int, int]]) -> dict[int, list[int]]:
    found = defaultdict(list)
    for account, number in pairs:
        found[account].append(number)
    return dict(found)


@pytest.fixture(scope="module")
def rabbit_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not RABBIT.exists():
        pytest.skip("apt-get install rabbitmq-server")
    with rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as url:
        yield url


def test_rabbitmq(accounts: Side, ledger: Side, rabbit_url: str) -> None:
    name = namespace()
    consume(ledger, rabbit_url, name, lambda: True)
    emit(accounts, PAIRS)
    emit(accounts, [(4, 1)], "fail_once")
    drain(accounts, rabbit_url, name)
    consume(ledger, rabbit_url, name, lambda: len(ledger.rows(ENTRIES)) == len(PAIRS) + 1)
    assert by_account(ledger.rows(ENTRIES)) == EXPECTED | {4: [1]}


def test_request_waits_for_a_queue_of_its_service(
    accounts: Side, ledger: Side, rabbit_url: str
) -> None:
    name = namespace()
    emit(accounts, [(1, 1)])
    with pytest.raises(TimeoutError):
        drain(accounts, rabbit_url, name, seconds=1)
    [(reason,)] = accounts.rows("SELECT reason FROM outbox_delivery")
    assert reason == "no queue for requests.ledger.call yet"
    consume(ledger, rabbit_url, name, lambda: True)
    drain(accounts, rabbit_url, name)
    consume(ledger, rabbit_url, name, lambda: bool(ledger.rows(ENTRIES)))


def test_no_broker_but_http(accounts: Side, ledger: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    app = Flask(__name__)
    given = settings(str(ledger.engine.url), "http://peers", "")
    processor = Processor(ledger.manifest, ledger.engine, given, app.app_context, "http")
    app.register_blueprint(deliveries.blueprint(processor))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    monkeypatch.setattr(manifest, "load", lambda: accounts.manifest)
    monkeypatch.setenv("SERVICE_URL_LEDGER", "http://127.0.0.1:1")
    emit(accounts, PAIRS)
    with pytest.raises(TimeoutError):
        drain(accounts, "http://peers", "", seconds=1)
    monkeypatch.setenv("SERVICE_URL_LEDGER", f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with ledger.working():
            drain(accounts, "http://peers", "")
    finally:
        server.shutdown()
        thread.join()
    assert by_account(ledger.rows(ENTRIES)) == EXPECTED
