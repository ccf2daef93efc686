"""NATS JetStream: one stream; a partition is the last part of a subject.

FastStream connects and publishes. Reading is not left to its subscribers: they acknowledge message
by message, and a message that comes again after others breaks the order. Here a reader is an
ephemeral consumer without acknowledgements that begins where the inbox' own database says; when
anything may have been missed, the reader is given up and another begins at the same place.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from itertools import count

from faststream.nats import NatsBroker
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    ConsumerInfo,
    DeliverPolicy,
    Header,
    StreamConfig,
)
from nats.js.errors import NotFoundError

from chassis.brokers.port import (
    PARTITIONS,
    BrokerUnavailable,
    Incoming,
    Outgoing,
    Rejected,
    opened,
)
from chassis.settings import Settings

_MESSAGE_ID = "Nats-Msg-Id"
_DEDUPLICATION_SECONDS = 120.0
_CONNECT_SECONDS = 5.0
_IDLE_SECONDS = 60.0
_CHECK_SECONDS = 5.0
_ASK_SECONDS = 10.0
_TIME_IS_OVER = "408"
_TROUBLE = (NatsError, OSError, TimeoutError)


async def connect(settings: Settings) -> Nats:
    """Connect, and make the stream where it is missing."""
    return await opened(Nats(settings), _CONNECT_SECONDS, (NatsError, OSError, TimeoutError))


class Nats:
    """The broker port over one connection."""

    system = "nats"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._prefix = f"{settings.namespace}." if settings.namespace else ""
        self.stream_name = settings.namespace or "chassis"
        # How often the connection was lost: readers of before may have missed something.
        self.breaks = 0
        # What is not acknowledged yet.
        self._tokens = count()
        self._waiting: dict[str, tuple[asyncio.Future[None], float]] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._broker = NatsBroker(
            settings.broker_url,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.5,  # type: ignore[arg-type]
            connect_timeout=2,
            disconnected_cb=self._broke,
            error_cb=_quiet,
            logger=None,
            apply_types=False,
        )

    async def open(self) -> None:
        """Connect and make the stream."""
        await self._broker.connect()
        # The same through all reconnections.
        self._client = self._broker.connection
        self._stream = self._client.jetstream(timeout=self._settings.publish_timeout)
        self._answers = self._client.new_inbox()
        await self._client.subscribe(f"{self._answers}.*", cb=self._answer)
        self._sweeper = asyncio.create_task(self._sweep())
        try:
            await self._stream.stream_info(self.stream_name)
        except NotFoundError:
            config = StreamConfig(
                name=self.stream_name,
                subjects=[f"{self._prefix}events.>", f"{self._prefix}requests.>"],
                max_age=self._settings.stream_age,
                num_replicas=self._settings.stream_replicas,
                duplicate_window=min(_DEDUPLICATION_SECONDS, self._settings.stream_age),
            )
            await self._stream.add_stream(config)

    async def close(self) -> None:
        """Close the connection at once: what was not acknowledged is published again."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        with suppress(Exception):
            await self._broker.connection.close()

    async def publish(self, message: Outgoing) -> None:
        """Publish and wait until the stream has it."""
        await (await self.begin(message))

    async def begin(self, message: Outgoing) -> asyncio.Future[None]:
        """Publish; what is returned ends when the stream has it."""
        token, loop = str(next(self._tokens)), asyncio.get_running_loop()
        stored = loop.create_future()
        self._waiting[token] = (stored, loop.time() + self._settings.publish_timeout)
        try:
            # Not JetStreamContext.publish: it takes twice the time, most of it for its time-out.
            await self._client.publish(
                f"{self._prefix}{message.subject}.{message.partition}",
                message.body,
                reply=f"{self._answers}.{token}",
                headers={
                    **message.headers,
                    _MESSAGE_ID: message.id,
                    Header.EXPECTED_STREAM: self.stream_name,
                },
            )
        except BaseException as error:
            # The sweeper may have been here: a full buffer is waited for longer than an answer.
            self._waiting.pop(token, None)
            if isinstance(error, MaxPayloadError):
                raise Rejected(repr(error)) from error
            if isinstance(error, _TROUBLE):
                raise BrokerUnavailable(repr(error)) from error
            raise
        return stored

    async def read(
        self, consumer: str, subjects: Sequence[str], positions: Mapping[int, str]
    ) -> NatsReader:
        """An ordered reader behind the lowest of `positions`."""
        breaks = self.breaks
        try:
            info = await self._stream.stream_info(self.stream_name)
            # A stream that was made anew counts from 1 again.
            log = re.sub(r"\W", "", str(info.created))
            done = {p: _sequence(at, log, info.state.last_seq) for p, at in positions.items()}
            config = ConsumerConfig(
                name=f"{re.sub(r'[^A-Za-z0-9_-]', '_', consumer)}-{self._unique()}",
                filter_subjects=self._filters(subjects, sorted(positions)),
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=min(done.values()) + 1,
                ack_policy=AckPolicy.NONE,
                inactive_threshold=_IDLE_SECONDS,
                mem_storage=True,
                num_replicas=1,
            )
            made = await self._stream.add_consumer(self.stream_name, config)
            reader = NatsReader(self, self._stream, made, len(self._prefix), log, done, breaks)
            await reader.open(self._client)
        except _TROUBLE as error:
            raise BrokerUnavailable(repr(error)) from error
        return reader

    def _filters(self, subjects: Sequence[str], partitions: Sequence[int]) -> list[str]:
        ends = ["*"] if len(partitions) == PARTITIONS else [str(number) for number in partitions]
        return [f"{self._prefix}{subject}.{end}" for subject in subjects for end in ends]

    def _unique(self) -> str:
        return self._client.new_inbox().rpartition(".")[2]

    async def _answer(self, message: Msg) -> None:
        # Before its wait is ended: where this raises, the sweeper ends it.
        error = _refusal(message)
        stored, _ = self._waiting.pop(message.subject.rpartition(".")[2], (None, 0.0))
        if stored is None or stored.done():
            return
        if error is None:
            stored.set_result(None)
        else:
            stored.set_exception(error)

    async def _sweep(self) -> None:
        """End the waits whose time is over: a timer for each message would cost more than it."""
        while True:
            await asyncio.sleep(min(0.5, self._settings.publish_timeout / 4))
            now = asyncio.get_running_loop().time()
            for token, (stored, until) in list(self._waiting.items()):
                if until > now:
                    break
                del self._waiting[token]
                if not stored.done():
                    stored.set_exception(BrokerUnavailable("not acknowledged in time"))

    async def _broke(self) -> None:
        self.breaks += 1


def _refusal(answer: Msg) -> Exception | None:
    """What the server says against a message, or that there is no stream."""
    if (answer.headers or {}).get(Header.STATUS):
        return BrokerUnavailable("there is no stream")
    if b'"error"' not in answer.data:
        return None
    error = json.loads(answer.data).get("error")
    if error is None:
        return None
    refused = error.get("code") == HTTPStatus.BAD_REQUEST
    return (Rejected if refused else BrokerUnavailable)(f"the stream answers: {error}")


class NatsReader:
    """Reads in the order of the stream, and notices when anything was missed.

    The server is asked for as many messages as there may be, and gives each as soon as it has it;
    the client's own `fetch` waits until it has them all, or for the end of its time.
    """

    def __init__(
        self,
        broker: Nats,
        stream: JetStreamContext,
        made: ConsumerInfo,
        prefix: int,
        log: str,
        done: dict[int, int],
        breaks: int,
    ) -> None:
        self._broker = broker
        self._stream = stream
        self._place = (made.stream_name, made.name)
        self._prefix = prefix
        self._log = log
        self._done = done
        self._breaks = breaks
        self._delivered = 0
        self._arrived: deque[Msg] = deque()
        self._more = asyncio.Event()
        # How many messages the server still owes us, and until when it tries.
        self._asked = 0
        self._until = 0.0
        self._checked = asyncio.get_running_loop().time()

    async def open(self, connection: Client) -> None:
        """Begin to listen."""
        self._connection, self._inbox = connection, connection.new_inbox()
        self._subscription = await connection.subscribe(self._inbox, cb=self._take)

    async def fetch(self, limit: int, wait: float) -> list[Incoming]:
        """What there is, in the order of the stream."""
        try:
            if not self._arrived:
                await self._ask(limit)
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._more.wait()
            if not self._arrived:
                await self._check()
        except (NatsError, OSError) as error:
            raise BrokerUnavailable(repr(error)) from error
        self._whole(self._delivered)
        found: list[Incoming] = []
        while self._arrived and len(found) < limit:
            message = self._arrived.popleft()
            self._whole(message.metadata.sequence.consumer - 1)
            self._delivered += 1
            incoming = self._incoming(message)
            if message.metadata.sequence.stream > self._done.get(incoming.partition, 0):
                found.append(incoming)
        if not self._arrived:
            self._more.clear()
        return found

    async def _ask(self, limit: int) -> None:
        now = asyncio.get_running_loop().time()
        if self._asked > 0 and now < self._until:
            return
        self._asked, self._until = limit, now + _ASK_SECONDS
        stream, consumer = self._place
        wanted = {"batch": limit, "expires": int(_ASK_SECONDS * 0.9 * 1e9)}
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        await self._connection.publish(subject, json.dumps(wanted).encode(), reply=self._inbox)

    async def _take(self, message: Msg) -> None:
        if status := (message.headers or {}).get(Header.STATUS):
            self._asked = 0
            if status != _TIME_IS_OVER:
                # The consumer is gone, or its server.
                self._breaks = -1
        else:
            self._asked -= 1
            self._arrived.append(message)
        self._more.set()

    async def done(self, messages: Sequence[Incoming]) -> None:
        """Nothing to do: positions are kept in the inbox' database."""

    async def close(self) -> None:
        """Stop; the server forgets the consumer by itself where it cannot be told."""
        with suppress(*_TROUBLE):
            await self._subscription.unsubscribe()

    def _whole(self, delivered: int) -> None:
        if self._breaks != self._broker.breaks or delivered != self._delivered:
            raise BrokerUnavailable("the connection broke while reading")

    async def _check(self) -> None:
        """Now and then while idle: does the server think that it gave us more?"""
        now = asyncio.get_running_loop().time()
        if now - self._checked < _CHECK_SECONDS:
            return
        self._checked = now
        try:
            info = await self._stream.consumer_info(*self._place)
        except TimeoutError as error:
            raise BrokerUnavailable(repr(error)) from error
        if info.delivered is not None and not self._arrived:
            self._whole(info.delivered.consumer_seq)

    def _incoming(self, message: Msg) -> Incoming:
        headers = dict(message.headers or {})
        sequence = message.metadata.sequence.stream
        # A message that others published without an id is known by its place in the stream.
        identity = headers.get(_MESSAGE_ID) or f"{self._log}-{sequence}"
        subject, _, partition = message.subject[self._prefix :].rpartition(".")
        position = f"{self._log}:{sequence}"
        return Incoming(
            identity,
            subject,
            int(partition) if partition.isdigit() else 0,
            message.data,
            headers,
            position,
        )


def _sequence(position: str, log: str, last: int) -> int:
    made, _, number = position.partition(":")
    sequence = int(number) if made == log and number else 0
    return sequence if sequence <= last else 0


async def _quiet(_: Exception) -> None:
    return None
