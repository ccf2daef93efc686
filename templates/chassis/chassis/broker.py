"""NATS JetStream: acknowledged publishing with message ids, durable consumers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.errors import TimeoutError as NatsTimeout
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamConfig
from nats.js.errors import BadRequestError

from chassis.settings import Settings

_MESSAGE_ID = "Nats-Msg-Id"
_ACK_SECONDS = 60.0
_DEDUPLICATION_SECONDS = 120.0


class BrokerUnavailable(ConnectionError):
    """The broker does not answer; the message is not to blame."""


class Rejected(ValueError):
    """The broker will not take this message."""


@dataclass(frozen=True)
class Outgoing:
    """One message to publish."""

    id: str
    subject: str
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Incoming:
    """One delivery."""

    id: str
    subject: str
    body: bytes
    headers: dict[str, str]
    _message: Msg

    async def ack(self) -> None:
        """Done: do not deliver it again. Waits, so that a stop right after loses no answer."""
        try:
            await self._message.ack_sync(timeout=5)
        except NatsError as error:
            raise BrokerUnavailable(repr(error)) from error

    async def still_working(self) -> None:
        """Ask for more time."""
        try:
            await self._message.in_progress()
        except NatsError as error:
            raise BrokerUnavailable(repr(error)) from error


class Broker:
    """A connection; reconnects by itself for ever."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self._client = client
        self._stream: JetStreamContext = client.jetstream(timeout=settings.publish_timeout)
        self._settings = settings
        self._prefix = f"{settings.namespace}." if settings.namespace else ""
        self.stream_name = settings.namespace or "chassis"

    @classmethod
    async def connect(cls, settings: Settings) -> Self:
        """Connect, and make the stream where it is missing."""

        async def quiet(_: Exception) -> None:
            return None

        try:
            client = await nats.connect(
                settings.broker_url,
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.5,
                error_cb=quiet,
                connect_timeout=2,
                allow_reconnect=True,
            )
        except (OSError, NatsError) as error:
            raise BrokerUnavailable(repr(error)) from error
        broker = cls(client, settings)
        try:
            await broker._ensure_stream()
        except (NatsError, OSError) as error:
            await client.close()
            raise BrokerUnavailable(repr(error)) from error
        return broker

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()

    async def publish(self, message: Outgoing) -> None:
        """Publish and wait until the broker has stored it."""
        try:
            await self._stream.publish(
                self._prefix + message.subject,
                message.body,
                timeout=self._settings.publish_timeout,
                stream=self.stream_name,
                headers={**message.headers, _MESSAGE_ID: message.id},
            )
        except (MaxPayloadError, BadRequestError) as error:
            raise Rejected(repr(error)) from error
        except (NatsError, OSError, TimeoutError) as error:
            raise BrokerUnavailable(repr(error)) from error

    async def consumer(self, name: str, subjects: Iterable[str]) -> Consumer:
        """The durable consumer `name`; it begins with the oldest message that is kept."""
        config = ConsumerConfig(
            durable_name=name,
            filter_subjects=[self._prefix + subject for subject in subjects],
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=_ACK_SECONDS,
            max_deliver=-1,
            max_ack_pending=self._settings.batch,
        )
        try:
            await self._stream.add_consumer(self.stream_name, config)
            pull = await self._stream.pull_subscribe_bind(durable=name, stream=self.stream_name)
        except (NatsError, OSError) as error:
            raise BrokerUnavailable(repr(error)) from error
        return Consumer(pull, len(self._prefix), self._settings.batch)

    async def _ensure_stream(self) -> None:
        subjects = [f"{self._prefix}events.>", f"{self._prefix}requests.>"]
        config = StreamConfig(
            name=self.stream_name,
            subjects=subjects,
            max_age=self._settings.stream_age,
            duplicate_window=_DEDUPLICATION_SECONDS,
        )
        try:
            await self._stream.stream_info(self.stream_name)
        except NatsError:
            await self._stream.add_stream(config)


class Consumer:
    """Fetches deliveries in the order of the stream."""

    def __init__(self, pull: JetStreamContext.PullSubscription, prefix: int, batch: int) -> None:
        self._pull = pull
        self._prefix = prefix
        self._batch = batch

    async def fetch(self, wait: float) -> list[Incoming]:
        """What there is, at most a batch; empty after `wait` seconds without any."""
        try:
            messages = await self._pull.fetch(self._batch, timeout=wait)
        except (TimeoutError, NatsTimeout):
            return []
        except (NatsError, OSError) as error:
            raise BrokerUnavailable(repr(error)) from error
        return [self._incoming(message) for message in messages]

    def _incoming(self, message: Msg) -> Incoming:
        headers = dict(message.headers or {})
        # A message that others published without an id is known by its place in the stream.
        identity = headers.get(_MESSAGE_ID) or f"seq-{message.metadata.sequence.stream}"
        subject = message.subject[self._prefix :]
        return Incoming(identity, subject, message.data, headers, message)
