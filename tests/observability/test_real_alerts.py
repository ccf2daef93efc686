"""The sample's services under load, watched by real Prometheus and Alertmanager: rules name what is
emitted, a quiet run is quiet, and injected faults fire exactly the alerts that they should.

Rules run on a faster clock, see `support.scaled`. The tests share one run, in this order.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator

import httpx
import psycopg
import pytest
from support.dashboards import Asked, dashboards, queries, written_labels
from support.emission import missing
from support.faults import failing, poison, slow
from support.monitoring import load
from support.services import scaffolded
from support.stack import Stack, running

from migrator.run.journey import Span

pytestmark = [
    pytest.mark.skipif(
        "MIGRATOR_LONG_TESTS" not in os.environ,
        reason="starts 25 processes for three minutes and more: set MIGRATOR_LONG_TESTS",
    ),
    pytest.mark.skipif(
        not (shutil.which("prometheus") and shutil.which("prometheus-alertmanager")),
        reason="no Prometheus here: apt-get install prometheus prometheus-alertmanager",
    ),
    pytest.mark.xdist_group("real-alerts"),
]
QUIET_SECONDS = 20.0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("alerts")
    (folder / "run").mkdir()
    with running(scaffolded(folder), folder / "run") as found:
        yield found


def wait_for(what: Callable[[], bool], seconds: float) -> float:
    """Until `what` holds; the seconds it took. Fails after `seconds`."""
    begun = time.monotonic()
    while not what():
        assert time.monotonic() - begun < seconds, what
        time.sleep(0.5)
    return time.monotonic() - begun


def test_no_alert_fires_in_a_quiet_run(stack: Stack) -> None:
    seen: set[tuple[str, ...]] = set()
    deadline = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < deadline:
        seen |= stack.firing()
        time.sleep(1)
    assert seen == set(), stack.query("ALERTS")


def test_every_metric_and_label_of_every_rule_is_emitted(stack: Stack) -> None:
    folder = stack.services.workspace / "observability/prometheus/rules"
    documents = [load(path) for path in sorted(folder.glob("*.yml"))]
    rules = [rule for d in documents for group in d["groups"] for rule in group["rules"]]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    found = {expr: missing(expr, stack.series, recorded) for expr in {r["expr"] for r in rules}}
    assert {expr: gone for expr, gone in found.items() if gone} == {}


def _asked_of_prometheus(stack: Stack) -> list[Asked]:
    found = [
        q
        for path, board in dashboards(stack.services.workspace).items()
        for q in queries(path, board)
    ]
    return [query for query in found if query.kind == "prometheus"]


def test_every_metric_and_label_of_every_panel_is_emitted(stack: Stack) -> None:
    folder = stack.services.workspace / "observability/prometheus/rules"
    groups = [group for path in folder.glob("*.yml") for group in load(path)["groups"]]
    recorded = {rule.get("record", "") for group in groups for rule in group["rules"]}
    gone: dict[str, list[str]] = {}
    for query in _asked_of_prometheus(stack):
        # What label_replace writes, and what only an alert of a service has.
        given = {f"{{{label}}}" for label in written_labels(query.text)} | ALERT_LABELS
        found = missing(query.text, stack.series, recorded)
        if left := [what for what in found if what not in given]:
            gone[query.place] = left
    assert gone == {}


ALERT_LABELS = {"ALERTS{service_name}", "{service_name}"}
# No Collector and no monolith run here, nothing fails, no service level looks back so far, and
# alerts are for another test.
NOT_HERE = re.compile(
    r'traces_|service_role="monolith"|\.\."|error_type|ALERTS|_failed_|"5\.\."|result=|rate3d|30d'
)


def test_every_panel_shows_something_in_a_quiet_run(stack: Stack) -> None:
    """A panel that each service has: for one of them at least, since not all are asked or ask."""
    shown: dict[str, bool] = {}
    for query in _asked_of_prometheus(stack):
        if not NOT_HERE.search(query.text):
            of_any = re.sub(r'service_name="[^"]+"', "service_name=…", query.text)
            shown[of_any] = shown.get(of_any) or bool(stack.query(query.text))
    assert [query for query, found in shown.items() if not found] == []


WAY = {
    ("gateway", "server"),
    ("gateway", "client"),
    ("web", "server"),
    ("web", "client"),
    ("relay", "producer"),
    ("inbox", "consumer"),
    ("inbox", "client"),
}


def test_one_trace_through_gateway_service_outbox_broker_inbox_and_sql(stack: Stack) -> None:
    body = {"email": "trace@example.com", "name": "Trace", "password": "long enough"}
    answer = httpx.post(f"{stack.services.gateway}/api/auth/register", json=body)
    assert answer.status_code == 201
    trace = answer.headers["x-trace-id"]

    def spans() -> dict[str, Span]:
        return {span.id: span for span in stack.receiver.traces().get(trace, ())}

    def whole(found: dict[str, Span]) -> bool:
        kinds = {(span.role, span.kind) for span in found.values()}
        return kinds >= WAY and all(s.parent in found for s in found.values() if s.parent)

    wait_for(lambda: whole(spans()), 30)
    found = spans()
    roots = [span for span in found.values() if span.parent is None]
    assert [(root.service, root.kind) for root in roots] == [("gateway", "server")]
    consumers = [span for span in found.values() if span.kind == "consumer"]
    assert len({span.service for span in consumers}) > 1
    for consumer in consumers:
        producer = found[consumer.parent or ""]
        assert (producer.kind, producer.role) == ("producer", "relay")
        assert producer.id in consumer.links
    statements = [
        s for s in found.values() if s.role == "inbox" and "db.query.text" in s.attributes
    ]
    assert {s.service for s in statements} == {span.service for span in consumers}
    assert trace in stack.receiver.logs


def test_latencies_carry_exemplars_that_lead_to_traces(stack: Stack) -> None:
    def led(name: str) -> set[str]:
        return {
            trace
            for (_, metric), traces in list(stack.receiver.exemplars.items())
            for trace in traces
            if metric == name
        }

    for name in ("http.server.request.duration", "db.client.operation.duration"):
        wait_for(lambda name=name: bool(led(name) & stack.receiver.traces().keys()), 20)  # type: ignore[misc]


PAGES = {
    ("SLOErrorBudgetBurn", "page", "search", "reads-available"),
    ("SLOErrorBudgetBurn", "page", "gateway", "reads-available"),
    ("SLOErrorBudgetBurn", "page", "companies", "reads-fast"),
    ("SLOErrorBudgetBurn", "page", "gateway", "reads-fast"),
    ("ServiceDown", "page", "messaging", "web"),
    ("ServiceDown", "page", "billing", "relay"),
    ("ServiceDown", "page", "accounts", "relay"),
    # Its relay is away; its inbox tells that messages wait.
    ("OutboxStuck", "page", "accounts", ""),
}
TICKETS = {
    ("RouteFailing", "ticket", "search", ""),
    ("RouteFailing", "ticket", "gateway", ""),
    ("DatabaseErrors", "ticket", "search", ""),
    ("InboxDeadLetters", "ticket", "notifications", ""),
    ("OutboxStuck", "ticket", "accounts", ""),
}
BURNS = {(name, "ticket", *rest) for name, _, *rest in PAGES if name == "SLOErrorBudgetBurn"}


def test_faults_fire_exactly_their_alerts_and_these_resolve(stack: Stack) -> None:
    expected = PAGES | TICKETS | BURNS
    urls = stack.services.database_urls
    with failing(urls["search"], "search_logs"), slow(urls["companies"], "companies", 4.0):
        stack.services.stop("messaging-web")
        stack.services.stop("billing-relay")
        poison(urls["accounts"], "notifications")
        # Once the poison is delivered: then nobody sends what accounts writes.
        wait_for(lambda: ("InboxDeadLetters", "ticket", "notifications", "") in stack.firing(), 60)
        stack.services.stop("accounts-relay")
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and not expected <= stack.firing():
            time.sleep(0.5)
        firing = stack.firing()
        assert (expected - firing, firing - expected) == (set(), set())
    stack.services.start("messaging-web")
    stack.services.start("billing-relay")
    stack.services.start("accounts-relay")
    with psycopg.connect(urls["notifications"].replace("+psycopg", "")) as connection:
        connection.execute("DELETE FROM inbox_dead_letter")
    wait_for(lambda: not (PAGES | TICKETS) & stack.firing(), 60)
    # A ticket looks back over six hours, here 72 seconds.
    wait_for(lambda: stack.firing() == set(), 150)
    notified_of(stack)


def notified_of(stack: Stack) -> None:
    """Each alert went to the receiver of its service."""
    routed = {
        (alert["labels"]["alertname"], notification["path"])
        for notification in stack.notified
        for alert in notification["alerts"]
    }
    assert ("Watchdog", "/dead-mans-switch") in routed
    assert ("ServiceDown", "/messaging") in routed
    assert ("InboxDeadLetters", "/notifications") in routed
    assert ("SLOErrorBudgetBurn", "/search") in routed
    assert ("SLOErrorBudgetBurn", "/default") in routed


def test_slow_consumer_fires_its_lag_and_nothing_else(stack: Stack) -> None:
    """From commit to effect takes seconds, because each effect waits for a lock."""
    expected = {("ConsumerLag", "ticket", "messaging", "")}
    with slow(stack.services.database_urls["messaging"], "users", 9.0):
        wait_for(lambda: stack.firing() >= expected, 120)
        assert stack.firing() == expected
    wait_for(lambda: stack.firing() == set(), 120)
