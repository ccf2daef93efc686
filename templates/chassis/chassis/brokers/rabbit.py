"""RabbitMQ: one topic exchange; a partition is a quorum queue of each consumer.

FastStream connects and publishes, with confirms. A queue has a single active consumer: when a
process stops without letting go, its unacknowledged messages go back to the front before another
process gets any, so the queue is read in order. Reading has a connection of its own that does not
come back by itself: after a break the reader is given up, with all that it had fetched.

A queue exists from the first time that its consumer reads; a change that nobody listens to yet is
not kept (tell it with ``publish-all`` when a new service begins to copy), a request waits in the
outbox until the queue of its service is there.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError, DeliveryError
from aiormq.exceptions import PublishError
from faststream.rabbit import Channel, ExchangeType, RabbitBroker, RabbitExchange

from chassis.brokers.port import (
    PARTITIONS,
    BrokerUnavailable,
    DestinationUnavailable,
    Incoming,
    Outgoing,
    opened,
)
from chassis.settings import Settings

_CONNECT_SECONDS = 5.0
_HEARTBEAT_SECONDS = 10
_CHECK_SECONDS = 5.0
# A quorum queue would drop a message that came back that often.
_DELIVERY_LIMIT = 2**31 - 1
_TROUBLE = (AMQPError, OSError, TimeoutError, asyncio.InvalidStateError, RuntimeError)


async def connect(settings: Settings) -> Rabbit:
    """Connect, and declare the exchange."""
    return await opened(Rabbit(settings), _CONNECT_SECONDS, _TROUBLE)


class Rabbit:
    """The broker port over one publishing connection and one for each reader."""

    system = "rabbitmq"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._name = settings.namespace or "chassis"
        self._exchange = RabbitExchange(self._name, type=ExchangeType.TOPIC, durable=True)
        self._url = settings.broker_url
        confirmed = Channel(publisher_confirms=True, on_return_raises=True)
        self._broker = RabbitBroker(self._url, logger=None, default_channel=confirmed)

    async def open(self) -> None:
        """Connect and declare the exchange."""
        await self._broker.start()
        await self._broker.declare_exchange(self._exchange)

    async def close(self) -> None:
        """Close the connection."""
        with suppress(Exception):
            await self._broker.stop()

    async def publish(self, message: Outgoing) -> None:
        """Publish and wait for the confirm; a request must also have reached a queue."""
        try:
            async with asyncio.timeout(self._settings.publish_timeout):
                await self._broker.publish(
                    message.body,
                    exchange=self._exchange,
                    routing_key=f"{message.subject}.{message.partition}",
                    mandatory=message.subject.startswith("requests."),
                    persist=True,
                    headers={**message.headers, "subject": message.subject},
                    message_id=message.id,
                )
        except PublishError as error:
            raise DestinationUnavailable(f"no queue for {message.subject} yet") from error
        except DeliveryError as error:
            raise BrokerUnavailable(f"not confirmed: {error!r}") from error
        except _TROUBLE as error:
            raise BrokerUnavailable(repr(error)) from error

    async def read(
        self, consumer: str, subjects: Sequence[str], positions: Mapping[int, str]
    ) -> RabbitReader:
        """Declare the consumer's queues, all of them, and read those of `positions`."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS * 4):
                connection = await aio_pika.connect(self._url, heartbeat=_HEARTBEAT_SECONDS)
                channel = await connection.channel()
                await channel.set_qos(max(32, self._settings.batch // len(positions)))
                reader = RabbitReader(connection, channel)
                for partition in range(PARTITIONS):
                    queue = await self._queue(channel, consumer, subjects, partition)
                    if partition in positions:
                        reader.queues.append(queue.name)
                        await queue.consume(reader.receiver(partition))
        except _TROUBLE as error:
            raise BrokerUnavailable(repr(error)) from error
        return reader

    async def _queue(
        self, channel: AbstractChannel, consumer: str, subjects: Sequence[str], partition: int
    ) -> aio_pika.abc.AbstractQueue:
        queue = await channel.declare_queue(
            f"{self._name}.{consumer}.{partition}",
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-single-active-consumer": True,
                "x-delivery-limit": _DELIVERY_LIMIT,
            },
        )
        for subject in subjects:
            await queue.bind(self._name, f"{subject}.{partition}")
        return queue


class RabbitReader:
    """What the queues deliver, in the order of arrival."""

    def __init__(
        self, connection: aio_pika.abc.AbstractConnection, channel: AbstractChannel
    ) -> None:
        self._connection = connection
        self._channel = channel
        self._arrived: asyncio.Queue[tuple[int, AbstractIncomingMessage] | None] = asyncio.Queue()
        self._last: AbstractIncomingMessage | None = None
        self._broken = False
        self.queues: list[str] = []
        self._checked = asyncio.get_running_loop().time()
        channel.close_callbacks.add(self._break)
        connection.close_callbacks.add(self._break)

    def receiver(self, partition: int) -> Callable[[AbstractIncomingMessage], Awaitable[None]]:
        """The callback of a partition's queue."""

        async def receive(message: AbstractIncomingMessage) -> None:
            self._arrived.put_nowait((partition, message))

        return receive

    async def fetch(self, limit: int, wait: float) -> list[Incoming]:
        """What arrived."""
        found: list[Incoming] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                self._take(await self._arrived.get(), found)
        if not found:
            await self._check()
        while len(found) < limit and not self._arrived.empty():
            self._take(self._arrived.get_nowait(), found)
        return found

    async def done(self, messages: Sequence[Incoming]) -> None:
        """Acknowledge all that was fetched."""
        del messages
        if self._last is None:
            return
        try:
            await self._last.ack(multiple=True)
        except _TROUBLE as error:
            raise BrokerUnavailable(repr(error)) from error

    async def close(self) -> None:
        """Close the connection; what was not acknowledged goes back."""
        with suppress(*_TROUBLE):
            await self._connection.close()

    async def _check(self) -> None:
        """Now and then while idle: are our queues there, and does somebody lead them?

        RabbitMQ 3.10 may lose a queue that was new when the server crashed, and tells no reader.
        """
        now = asyncio.get_running_loop().time()
        if now - self._checked < _CHECK_SECONDS:
            return
        self._checked = now
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                for name in self.queues:
                    await self._channel.declare_queue(name, passive=True)
        except _TROUBLE as error:
            raise BrokerUnavailable(f"a queue is gone: {error!r}") from error

    def _take(
        self, arrived: tuple[int, AbstractIncomingMessage] | None, found: list[Incoming]
    ) -> None:
        if arrived is None or self._broken:
            raise BrokerUnavailable("the connection broke while reading")
        partition, message = arrived
        self._last = message
        headers = {k: str(v) for k, v in message.headers.items()}
        subject = headers.pop("subject", None) or (message.routing_key or "").rpartition(".")[0]
        # A message that others published without an id cannot be known again: better twice than
        # to take it for another.
        identity = message.message_id or str(uuid.uuid4())
        found.append(Incoming(identity, subject, partition, message.body, headers))

    def _break(self, *_: object) -> None:
        self._broken = True
        self._arrived.put_nowait(None)
