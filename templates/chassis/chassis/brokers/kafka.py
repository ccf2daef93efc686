"""Kafka: one topic, one of its partitions for each of ours.

FastStream connects and publishes, with idempotence and all acknowledgements. Reading takes the
partitions that the inbox leased, from the offsets in its own database; Kafka's consumer groups are
not used, so a process that only seems alive holds up nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, TopicAlreadyExistsError
from faststream.kafka import KafkaBroker

from chassis.brokers.port import (
    PARTITIONS,
    BrokerUnavailable,
    Incoming,
    Outgoing,
    Rejected,
    opened,
)
from chassis.settings import Settings

_CONNECT_SECONDS = 15.0
_TROUBLE = (KafkaError, OSError, TimeoutError)


async def connect(settings: Settings) -> Kafka:
    """Connect, and make the topic where it is missing."""
    return await opened(Kafka(settings), _CONNECT_SECONDS, _TROUBLE)


class Kafka:
    """The broker port over one producer and a consumer for each reader."""

    system = "kafka"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._servers = settings.broker_url.removeprefix("kafka://").split(",")
        self._topic = settings.namespace or "chassis"
        self._broker = KafkaBroker(
            self._servers, acks="all", enable_idempotence=True, linger_ms=0, logger=None
        )

    async def open(self) -> None:
        """Connect and make the topic."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._servers)
        await admin.start()
        try:
            age = {"retention.ms": str(int(self._settings.stream_age * 1000))}
            copies = self._settings.stream_replicas
            topic = NewTopic(self._topic, PARTITIONS, copies, topic_configs=age)
            with suppress(TopicAlreadyExistsError):
                await admin.create_topics([topic])
        finally:
            await admin.close()
        await self._broker.start()

    async def close(self) -> None:
        """Close the connections."""
        with suppress(Exception):
            await self._broker.stop()

    async def publish(self, message: Outgoing) -> None:
        """Publish and wait until all in-sync replicas have it."""
        try:
            async with asyncio.timeout(self._settings.publish_timeout):
                await self._broker.publish(
                    message.body,
                    topic=self._topic,
                    partition=message.partition,
                    headers={**message.headers, "id": message.id, "subject": message.subject},
                )
        except MessageSizeTooLargeError as error:
            raise Rejected(repr(error)) from error
        except _TROUBLE as error:
            raise BrokerUnavailable(repr(error)) from error

    async def read(
        self, consumer: str, subjects: Sequence[str], positions: Mapping[int, str]
    ) -> KafkaReader:
        """Read the partitions of `positions` from behind them."""
        del consumer
        client = AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        try:
            await client.start()
            client.assign([TopicPartition(self._topic, number) for number in positions])
            for number, position in positions.items():
                if position:
                    client.seek(TopicPartition(self._topic, number), int(position) + 1)
        except _TROUBLE as error:
            raise BrokerUnavailable(repr(error)) from error
        return KafkaReader(client, subjects)


class KafkaReader:
    """The messages of the leased partitions that are for us."""

    def __init__(self, client: AIOKafkaConsumer, subjects: Sequence[str]) -> None:
        self._client = client
        self._subjects = [subject.split(".") for subject in subjects]

    async def fetch(self, limit: int, wait: float) -> list[Incoming]:
        """What there is; records for others are passed over."""
        try:
            records = await self._client.getmany(timeout_ms=int(wait * 1000), max_records=limit)
        except _TROUBLE as error:
            raise BrokerUnavailable(repr(error)) from error
        found = []
        for place, batch in records.items():
            for record in batch:
                headers = {
                    n: v.decode("utf-8", "replace") for n, v in record.headers if v is not None
                }
                identity = headers.pop("id", f"{place.partition}-{record.offset}")
                subject = headers.pop("subject", "")
                if self._wanted(subject):
                    at, body = str(record.offset), record.value or b""
                    message = Incoming(identity, subject, place.partition, body, headers, at)
                    found.append(message)
        return found

    async def done(self, messages: Sequence[Incoming]) -> None:
        """Nothing to do: positions are kept in the inbox' database."""

    async def close(self) -> None:
        """Stop reading."""
        # A task of its own: what the client cancels of its own work must not look like our end.
        await asyncio.gather(self._client.stop(), return_exceptions=True)

    def _wanted(self, subject: str) -> bool:
        parts = subject.split(".")
        return any(
            len(parts) == len(pattern)
            and all(p in ("*", part) for p, part in zip(pattern, parts, strict=True))
            for pattern in self._subjects
        )
