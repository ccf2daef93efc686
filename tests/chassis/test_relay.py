"""Order for each aggregate, refusals that wait, two relays at once."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict

from chassis.brokers import DestinationUnavailable, Outgoing, Rejected
from chassis.relay import Relay
from support.delivery import Side, consume, counted, drain, emit, namespace, settings

PAIRS = [(account, number) for number in range(1, 21) for account in (1, 2, 3)]


class Recorder:
    """A broker that only notes what it gets; `refuse` says which messages it will not take."""

    system = "recorder"

    def __init__(self, refuse: int = 0) -> None:
        self.refuse = refuse
        self.seen: list[tuple[int, int]] = []

    async def publish(self, message: Outgoing) -> None:
        account, number = json.loads(message.body)["data"]["args"]
        if (account, number) == (1, 2) and self.refuse:
            self.refuse -= 1
            raise Rejected("not today")
        await asyncio.sleep(0)
        self.seen.append((account, number))


def orders(seen: list[tuple[int, int]]) -> dict[int, list[int]]:
    found = defaultdict(list)
    for account, number in seen:
        found[account].append(number)
    return dict(found)


EXPECTED = {account: list(range(1, 21)) for account in (1, 2, 3)}


def work(side: Side, brokers: list[Recorder]) -> None:
    """One relay for each broker, all at once, until nothing is pending."""
    pending = "SELECT 1 FROM outbox_delivery"

    async def run() -> None:
        given = settings(str(side.engine.url), "nats://unused", "", batch=4)
        stop = asyncio.Event()
        relays = [Relay(side.engine, broker, given) for broker in brokers]  # type: ignore[arg-type]
        tasks = [asyncio.create_task(relay.run(stop)) for relay in relays]
        async with asyncio.timeout(30):
            while await asyncio.to_thread(side.rows, pending):
                await asyncio.sleep(0.02)
        stop.set()
        await asyncio.gather(*tasks)

    asyncio.run(run())


def test_order_of_each_aggregate_is_kept(accounts: Side) -> None:
    emit(accounts, PAIRS)
    broker = Recorder()
    work(accounts, [broker])
    assert orders(broker.seen) == EXPECTED


def test_refused_message_waits_and_holds_up_only_its_aggregate(accounts: Side) -> None:
    emit(accounts, PAIRS)
    broker = Recorder(refuse=3)
    work(accounts, [broker])
    assert orders(broker.seen) == EXPECTED
    last_of_others = max(broker.seen.index((account, 20)) for account in (2, 3))
    assert broker.seen.index((1, 20)) > last_of_others


def test_two_relays_share_the_work_in_order(accounts: Side) -> None:
    emit(accounts, PAIRS)
    shared: list[tuple[int, int]] = []
    brokers = [Recorder(), Recorder()]
    for broker in brokers:
        broker.seen = shared
    work(accounts, brokers)
    assert orders(shared) == EXPECTED


def test_poison_dies_after_its_attempts_and_frees_its_aggregate(accounts: Side) -> None:
    emit(accounts, PAIRS[:9])
    broker = Recorder(refuse=1000)
    work(accounts, [broker])
    assert orders(broker.seen)[1] == [1, 3]
    found = accounts.rows("SELECT reason, attempts FROM outbox_dead_letter")
    assert found == [("not today", 20)]


def test_from_outbox_to_effect_over_nats(accounts: Side, ledger: Side, nats_url: str) -> None:
    name = namespace()
    emit(accounts, PAIRS)
    drain(accounts, nats_url, name)
    query = "SELECT account_id, number FROM entries ORDER BY id"
    consume(ledger, nats_url, name, lambda: len(ledger.rows(query)) == len(PAIRS))
    assert orders([(a, n) for a, n in ledger.rows(query)]) == EXPECTED


class Away:
    """A broker that cannot reach whom the messages are for."""

    system = "away"

    async def publish(self, message: Outgoing) -> None:
        raise DestinationUnavailable(message.subject)


def test_what_waits_for_its_next_try_is_not_looked_at_all_the_time(accounts: Side) -> None:
    emit(accounts, PAIRS[:6])
    slow = {"poll": 0.2, "backoff_base": 60.0, "backoff_cap": 60.0, "lease": 30.0}
    given = settings(str(accounts.engine.url), "nats://unused", "", **slow)
    relay = Relay(accounts.engine, Away(), given)  # type: ignore[arg-type]

    async def work() -> list[str]:
        stop = asyncio.Event()
        task = asyncio.create_task(relay.run(stop))
        async with asyncio.timeout(30):
            tried = "SELECT 1 FROM outbox_delivery WHERE attempts > 0"
            while len(await asyncio.to_thread(accounts.rows, tried)) < 3:
                await asyncio.sleep(0.02)
        with counted(accounts.engine) as statements:
            await asyncio.sleep(1.0)
        stop.set()
        await task
        return statements

    assert len(asyncio.run(work())) <= 10
