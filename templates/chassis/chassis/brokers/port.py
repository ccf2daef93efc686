"""The broker port: what relay and inbox need of a broker, and what they rely on.

A broker keeps `PARTITIONS` logs. A message belongs to the partition of its aggregate, and the
order of a partition's log is the order of its `publish` calls that were acknowledged one after
the other. A reader gives a partition's messages in the order of the log, beginning with the first
that is not known to be decided; what it gives again is dropped by the inbox.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, runtime_checkable

# Of the whole system: a change needs empty outboxes and read-out logs.
PARTITIONS = 16


class BrokerUnavailable(ConnectionError):
    """The broker does not answer or cannot store now; the message is not to blame."""


class DestinationUnavailable(BrokerUnavailable):
    """Only those whom this message is for do not answer; others may be reached."""


class Rejected(ValueError):
    """The broker will never take this message."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to publish."""

    id: str
    subject: str
    partition: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Incoming:
    """One delivery; `position` is its place in the log, in the broker's own words."""

    id: str
    subject: str
    partition: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    position: str = ""


class Reader(Protocol):
    """Reads some partitions for one consumer."""

    async def fetch(self, limit: int, wait: float) -> list[Incoming]:
        """What there is, at most `limit`; empty after `wait` seconds without any.

        Raises `BrokerUnavailable`; the reader is then of no more use.
        """

    async def done(self, messages: Sequence[Incoming]) -> None:
        """These, and all before them in their partitions, are decided. May be lost."""

    async def close(self) -> None:
        """Stop reading. What was fetched and is not done will come again."""


class Broker(Protocol):
    """A connection that comes back by itself."""

    @property
    def system(self) -> str:
        """The value of ``messaging.system``."""

    async def publish(self, message: Outgoing) -> None:
        """Return when the broker has stored the message durably.

        Raises `BrokerUnavailable` (it may or may not be stored) or `Rejected` (it is not).
        """

    async def read(
        self, consumer: str, subjects: Sequence[str], positions: Mapping[int, str]
    ) -> Reader:
        """Read what came to `subjects` (a last part ``>`` stands for any rest) for `consumer`.

        `positions` names the partitions, each with the position of its last decided message, or
        ``""`` to begin with the oldest that is kept. Raises `BrokerUnavailable`.
        """

    async def close(self) -> None:
        """Close the connection."""


@runtime_checkable
class Pipelined(Protocol):
    """A broker that takes messages without a task for each."""

    async def begin(self, message: Outgoing) -> Awaitable[None]:
        """Hand the message over. To await what is returned is to `publish`; it must be awaited."""


def begin(broker: Broker) -> Callable[[Outgoing], Awaitable[Awaitable[None]]]:
    """`Pipelined.begin`, of any broker."""
    if isinstance(broker, Pipelined):
        return broker.begin

    async def as_task(message: Outgoing) -> Awaitable[None]:
        return asyncio.ensure_future(broker.publish(message))

    return as_task


class Opening(Protocol):
    """A broker that is not connected yet."""

    async def open(self) -> None:
        """Connect, and make what is missing."""

    async def close(self) -> None:
        """Close what was opened."""


Opened = TypeVar("Opened", bound=Opening)


async def opened(
    broker: Opened, seconds: float, trouble: tuple[type[BaseException], ...]
) -> Opened:
    """`broker`, connected; `BrokerUnavailable` for any of `trouble` and after `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            await broker.open()
    except trouble as error:
        await broker.close()
        raise BrokerUnavailable(repr(error)) from error
    return broker


def partition_of(aggregatetype: str, aggregateid: str) -> int:
    """The partition of an aggregate: the same in every process and release."""
    return zlib.crc32(f"{aggregatetype}\0{aggregateid}".encode()) % PARTITIONS
