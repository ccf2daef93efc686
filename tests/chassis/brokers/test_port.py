"""What relay and inbox rely on, asked of each broker by the same tests."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import pytest
from chassis import brokers
from chassis.brokers.port import Broker, BrokerUnavailable, Incoming, Outgoing, Reader, Rejected
from chassis.settings import Settings
from support.brokers import Server

Make = Callable[..., Settings]
SUBJECT = "requests.ledger.call"
ALL = dict.fromkeys(range(4), "")
CONSUMER = "ledger"


def message(
    number: int, partition: int = 0, subject: str = SUBJECT, body: bytes | None = None
) -> Outgoing:
    trace = {"traceparent": f"00-{number:032x}-{1:016x}-01", "tracestate": "a=1"}
    return Outgoing(str(uuid.UUID(int=number)), subject, partition, body or b"%d" % number, trace)


async def read(
    broker: Broker,
    count: int,
    positions: Mapping[int, str] = ALL,
    *,
    consumer: str = CONSUMER,
    subjects: Sequence[str] = ("requests.ledger.*",),
    done: bool = False,
) -> list[Incoming]:
    """The first `count` messages that a new reader gives."""
    reader = await broker.read(consumer, subjects, positions)
    try:
        found = await take(reader, count)
        if done:
            await reader.done(found)
        return found
    finally:
        await reader.close()


async def take(reader: Reader, count: int, seconds: float = 15.0) -> list[Incoming]:
    found: list[Incoming] = []
    deadline = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < deadline:
        found += await reader.fetch(count - len(found), 0.5)
    return found


async def connected(settings: Settings, seconds: float = 30.0) -> Broker:
    """The broker, as soon as it is there."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return await brokers.connect(settings)
        except BrokerUnavailable:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)


async def ready(settings: Settings) -> Broker:
    """The broker, once the consumer has read: some keep requests only from then on."""
    broker = await connected(settings)
    reader = await broker.read(CONSUMER, ("requests.ledger.*",), ALL)
    await reader.close()
    return broker


async def surely(broker: Broker, outgoing: Outgoing, seconds: float = 90.0) -> int:
    """Publish as the relay does: again until it is acknowledged; how often it was refused."""
    deadline, refused = time.monotonic() + seconds, 0
    while True:
        try:
            await broker.publish(outgoing)
            return refused
        except BrokerUnavailable:
            refused += 1
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)


def numbers(found: Sequence[Incoming]) -> list[int]:
    return [int(each.body) for each in found]


def firsts(found: Sequence[Incoming]) -> list[int]:
    """Without what came again: so the inbox sees it."""
    return list(dict.fromkeys(numbers(found)))


def test_reader_notices_that_its_queue_is_gone(
    start_server: Callable[[str], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """RabbitMQ tells nobody; the inbox then begins anew, which declares the queue again."""
    import aio_pika

    server = start_server("rabbit")
    monkeypatch.setattr("chassis.brokers.rabbit._CHECK_SECONDS", 0.0)
    given = Settings("sqlite://", server.url, f"t{uuid.uuid4().hex[:12]}")

    async def work() -> None:
        broker = await connected(given)
        reader = await broker.read(CONSUMER, ("requests.ledger.*",), ALL)
        assert await reader.fetch(10, 0.1) == []
        connection = await aio_pika.connect(server.url)
        channel = await connection.channel()
        await channel.queue_delete(f"{given.namespace}.{CONSUMER}.2")
        await connection.close()
        with pytest.raises(BrokerUnavailable, match="a queue is gone"):
            await take(reader, 1)
        await reader.close()
        again = await broker.read(CONSUMER, ("requests.ledger.*",), ALL)
        await broker.publish(message(7, partition=2))
        assert numbers(await take(again, 1)) == [7]
        await again.close()
        await broker.close()

    asyncio.run(work())


def test_what_is_published_is_read_whole(settings: Make) -> None:
    async def work() -> None:
        broker = await ready(settings())
        sent = message(7, partition=3)
        await broker.publish(sent)
        [found] = await read(broker, 1)
        assert (found.id, found.subject, found.partition) == (sent.id, SUBJECT, 3)
        assert found.body == sent.body
        assert {k: found.headers.get(k) for k in sent.headers} == dict(sent.headers)
        await broker.close()

    asyncio.run(work())


def test_order_of_a_partition_is_the_order_of_publishing(settings: Make) -> None:
    async def work() -> None:
        broker = await ready(settings())
        for number in range(60):
            await broker.publish(message(number, number % 3))
        found = await read(broker, 60)
        for partition in range(3):
            own = [each for each in found if each.partition == partition]
            assert numbers(own) == list(range(partition, 60, 3))
        await broker.close()

    asyncio.run(work())


def test_publishing_of_many_at_once(settings: Make) -> None:
    async def work() -> None:
        broker = await ready(settings())
        await asyncio.gather(*(broker.publish(message(n, n % 4)) for n in range(200)))
        found = await read(broker, 200)
        assert sorted(numbers(found)) == list(range(200))
        await broker.close()

    asyncio.run(work())


def test_undecided_messages_come_again(settings: Make) -> None:
    """A reader that dies has lost nothing: who begins at the same place gets the same."""

    async def work() -> None:
        broker = await ready(settings())
        for number in range(5):
            await broker.publish(message(number))
        first = await read(broker, 5)
        again = await read(broker, 5)
        assert numbers(first) == numbers(again) == [0, 1, 2, 3, 4]
        await broker.close()

    asyncio.run(work())


def test_next_reader_begins_behind_what_is_decided(settings: Make) -> None:
    async def work() -> None:
        broker = await ready(settings())
        for number in range(6):
            await broker.publish(message(number))
        found = await read(broker, 4, done=True)
        rest = await read(broker, 2, {**ALL, 0: found[3].position})
        # A broker may give decided messages again; it must never leave one out.
        assert [n for n in firsts(rest) if n > 3] == [4, 5]
        await broker.close()

    asyncio.run(work())


def test_two_readers_share_by_partition(settings: Make) -> None:
    async def work() -> None:
        one, two = await ready(settings()), await ready(settings())
        for number in range(40):
            await one.publish(message(number, number % 4))
        left = await read(one, 20, {0: "", 1: ""})
        right = await read(two, 20, {2: "", 3: ""})
        assert {each.partition for each in left} == {0, 1}
        assert {each.partition for each in right} == {2, 3}
        for partition, side in ((0, left), (1, left), (2, right), (3, right)):
            own = [each for each in side if each.partition == partition]
            assert firsts(own) == list(range(partition, 40, 4))
        await one.close()
        await two.close()

    asyncio.run(work())


def test_each_consumer_gets_its_own_subjects_in_full(settings: Make) -> None:
    async def work() -> None:
        broker = await ready(settings())
        for consumer in ("jobs", "search"):
            # A queue of a consumer may only keep what came after it was first asked for.
            reader = await broker.read(consumer, ("events.accounts.users",), ALL)
            await reader.close()
        await broker.publish(message(1, subject="events.accounts.users"))
        await broker.publish(message(2, subject="events.accounts.profiles"))
        await broker.publish(message(3, subject="events.accounts.users"))
        for consumer in ("jobs", "search"):
            found = await read(
                broker, 2, consumer=consumer, subjects=("events.accounts.users",), done=True
            )
            assert numbers(found) == [1, 3]
        await broker.close()

    asyncio.run(work())


def test_nothing_to_read_is_told_in_time(settings: Make) -> None:
    async def work() -> None:
        broker = await ready(settings())
        reader = await broker.read(CONSUMER, ("requests.ledger.*",), ALL)
        began = time.monotonic()
        assert await reader.fetch(10, 0.3) == []
        assert time.monotonic() - began < 10
        await broker.publish(message(1))
        assert numbers(await take(reader, 1)) == [1]
        await reader.close()
        await broker.close()

    asyncio.run(work())


def test_large_message(settings: Make) -> None:
    """Half a mebibyte passes whole; what is too large is refused, and nothing after it is lost."""

    async def work() -> None:
        broker = await ready(settings())
        large = bytes(range(256)) * 2048
        await broker.publish(message(1, body=large))
        with suppress(Rejected):
            await broker.publish(message(2, body=b"x" * (2 << 20)))
        await broker.publish(message(3))
        first, *_, last = await read(broker, 2)
        assert first.body == large
        if last.id != message(3).id:
            assert last.body == b"x" * (2 << 20)
        await broker.close()

    asyncio.run(work())


def test_what_was_acknowledged_outlives_the_broker(settings: Make, server: Server) -> None:
    async def work() -> None:
        broker = await ready(settings())
        for number in range(20):
            await broker.publish(message(number))
        server.crash()
        refused = asyncio.create_task(surely(broker, message(20)))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(server.start)
        await refused
        found = await read(await connected(settings()), 21)
        assert firsts(found) == list(range(21))
        await broker.close()

    asyncio.run(work())


def test_connection_comes_back_after_a_restart(settings: Make, server: Server) -> None:
    """Publisher and reader go on by themselves; the inbox makes a new reader when told to."""

    async def work() -> None:
        broker = await ready(settings())
        reader = await broker.read(CONSUMER, ("requests.ledger.*",), ALL)
        await broker.publish(message(0))
        found = await take(reader, 1)
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        await surely(broker, message(1))
        deadline = time.monotonic() + 30
        while 1 not in numbers(found) and time.monotonic() < deadline:
            try:
                found += await reader.fetch(10, 0.5)
            except BrokerUnavailable:
                with suppress(BrokerUnavailable):
                    await reader.close()
                    reader = await broker.read(CONSUMER, ("requests.ledger.*",), ALL)
                await asyncio.sleep(0.2)
        assert firsts(found) == [0, 1]
        await broker.close()

    asyncio.run(work())


def test_absent_broker_is_told(settings: Make, server: Server) -> None:
    async def work() -> None:
        given = settings()
        broker = await ready(given)
        await asyncio.to_thread(server.stop)
        try:
            with pytest.raises(BrokerUnavailable):
                await brokers.connect(given)
            with pytest.raises(BrokerUnavailable):
                await broker.publish(message(1))
        finally:
            await asyncio.to_thread(server.start)
        await broker.close()

    asyncio.run(work())
