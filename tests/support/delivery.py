"""Two services in one process: accounts with its outbox, the ledger with its inbox."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from bank import ledger, models
from bank.db import session
from chassis import brokers, capture, schema
from chassis.brokers import Incoming
from chassis.inbox import Inbox
from chassis.manifest import Manifest
from chassis.processor import Processor
from chassis.relay import Relay
from chassis.settings import Settings
from sqlalchemy import Engine

SERVED = ("record", "record_then_fail", "fail_once", "record_async")
ACCOUNTS = Manifest(
    name="accounts",
    package="bank",
    models=("bank.models", "bank.ledger"),
    owned=("accounts",),
    published=("accounts",),
    remote_inserts={"entries": "ledger"},
    subscribers={"accounts": ("ledger",)},
    emits={f"bank.ledger:{name}": "ledger" for name in SERVED},
)
LEDGER = Manifest(
    name="ledger",
    package="bank",
    models=("bank.models", "bank.ledger"),
    owned=("entries",),
    replicas={"accounts": "accounts"},
    serves_events=tuple(f"bank.ledger:{name}" for name in SERVED),
)


@dataclass
class Side:
    """One service's manifest and database."""

    manifest: Manifest
    engine: Engine

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(statement))]

    @contextmanager
    def working(self) -> Iterator[Any]:
        """The shared session, bound to this side and captured."""
        session.remove()
        session.configure(bind=self.engine)
        capture.install(self.manifest)
        try:
            yield session
        finally:
            session.remove()
            capture.uninstall()


def side(manifest: Manifest, url: str, *, replica: bool) -> Side:
    """The service with its tables made."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        schema.upgrade(Operations(MigrationContext.configure(connection)))
        models.Account.__table__.create(connection)
        if replica:
            extra = "ALTER TABLE accounts ADD replica_version BIGINT NOT NULL DEFAULT 0"
            connection.execute(sa.text(extra))
            ledger.Entry.__table__.create(connection)
    return Side(manifest, engine)


def settings(url: str, nats_url: str, namespace: str, **changed: Any) -> Settings:
    quick = {
        "lease": 1.0,
        "poll": 0.05,
        "backoff_base": 0.01,
        "backoff_cap": 0.05,
        "inbox_attempts": 3,
    }
    return Settings(url, nats_url, namespace, **(quick | changed))


def namespace() -> str:
    return f"t{uuid.uuid4().hex[:12]}"


def messages(producer: Side) -> list[Incoming]:
    """The outbox as deliveries, in the order of the relay."""
    row = schema.outbox.c
    query = sa.select(row.id, row.subject, row.payload, row.traceparent)
    with producer.engine.connect() as connection:
        found = connection.execute(query.order_by(row.created_at, row.id)).all()
    return [
        Incoming(
            str(i),
            subject,
            0,
            # Some databases give JSON as text.
            (payload if isinstance(payload, str) else json.dumps(payload)).encode(),
            {"traceparent": parent} if parent else {},
        )
        for i, subject, payload, parent in found
    ]


def drain(producer: Side, broker_url: str, name: str, seconds: float = 30, **changed: Any) -> None:
    """One relay works until nothing is pending; raises TimeoutError after `seconds`."""

    async def work() -> None:
        given = settings(str(producer.engine.url), broker_url, name, **changed)
        broker = await brokers.connect(given)
        stop = asyncio.Event()
        running = asyncio.create_task(Relay(producer.engine, broker, given).run(stop))
        try:
            async with asyncio.timeout(seconds):
                while await asyncio.to_thread(producer.rows, "SELECT 1 FROM outbox_delivery"):
                    await asyncio.sleep(0.01)
        finally:
            stop.set()
            await running
            await broker.close()

    asyncio.run(work())


def consume(
    consumer: Side,
    broker_url: str,
    name: str,
    done: Callable[[], bool],
    seconds: float = 30,
    **changed: Any,
) -> None:
    """The inbox works until `done`; raises TimeoutError after `seconds`."""

    async def work() -> None:
        given = settings(str(consumer.engine.url), broker_url, name, **changed)
        broker = await brokers.connect(given)
        stop = asyncio.Event()
        processor = Processor(consumer.manifest, consumer.engine, given)
        inbox = Inbox(consumer.manifest, consumer.engine, processor, broker, given)
        task = asyncio.create_task(inbox.run(stop))
        try:
            async with asyncio.timeout(seconds):
                while not await asyncio.to_thread(done):
                    await asyncio.sleep(0.02)
        finally:
            stop.set()
            await task
            await broker.close()

    with consumer.working():
        asyncio.run(work())


@contextmanager
def counted(engine: sa.Engine) -> Iterator[list[str]]:
    """The statements that `engine` executes meanwhile."""
    found: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        found.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def emit(producer: Side, pairs: Sequence[tuple[int, int]], function: str = "record") -> None:
    """Ask the ledger for an entry of each pair, a transaction for each."""
    from chassis import remote

    with producer.working() as shared:
        for account, number in pairs:
            remote.emit(f"bank.ledger:{function}", account, number)
            shared.commit()
