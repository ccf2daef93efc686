"""The others: processes that move rows of an outbox to `orders` of the consumer's database.

``peers.py faststream-outbox PRODUCER_URL CONSUMER_URL`` works on the rows in place, without a
broker, as its documentation shows, with four workers and batched deletes.
``peers.py faststream-outbox-session …`` is the same with a handler that does what our served
function does: it adds a row through a session and commits it.
``peers.py naive-relay PRODUCER_URL NATS_URL STREAM`` publishes one message a transaction, and
``peers.py naive-inbox CONSUMER_URL NATS_URL STREAM`` applies one message a transaction.
"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial

import nats
import psycopg
import sqlalchemy as sa
from nats.errors import TimeoutError as NatsTimeout
from shop.models import Applied

APPLY = "INSERT INTO orders (id, note) VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET note = %s"


async def faststream_outbox(producer: str, consumer: str, session: bool = False) -> None:
    from faststream_outbox import OutboxBroker, make_outbox_table
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    engine = create_async_engine(producer)
    table = make_outbox_table(sa.MetaData(), table_name="peer_outbox")
    broker = OutboxBroker(engine, outbox_table=table, logger=None)
    target = create_async_engine(consumer, pool_size=4)
    statement = sa.text(
        "INSERT INTO orders (id, note) VALUES (:id, :note)"
        " ON CONFLICT (id) DO UPDATE SET note = :note"
    )

    @broker.subscriber(
        "orders",
        max_workers=4,
        fetch_batch_size=100,
        terminal_flush_batch_size=100,
        min_fetch_interval=0.01,
        max_fetch_interval=0.1,
    )
    async def handle(body: dict[str, object]) -> None:
        if session:
            async with AsyncSession(target) as working:
                working.add(Applied(id=body["id"]))
                await working.commit()
            return
        async with target.begin() as connection:
            await connection.execute(statement, body)

    await broker.start()
    await asyncio.Event().wait()


async def naive_relay(producer: str, nats_url: str, name: str) -> None:
    client = await nats.connect(nats_url)
    stream = client.jetstream()
    await stream.add_stream(name=name, subjects=[name])
    with psycopg.connect(producer) as connection:
        while True:
            row = connection.execute(
                "SELECT id, payload FROM naive_outbox ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
            ).fetchone()
            if row is not None:
                body = json.dumps(row[1]).encode()
                await stream.publish(name, body, headers={"Nats-Msg-Id": str(row[0])})
                connection.execute("DELETE FROM naive_outbox WHERE id = %s", (row[0],))
            connection.commit()
            if row is None:
                await asyncio.sleep(0.005)


async def naive_inbox(consumer: str, nats_url: str, name: str) -> None:
    client = await nats.connect(nats_url)
    stream = client.jetstream()
    await stream.add_stream(name=name, subjects=[name])
    pull = await stream.pull_subscribe(name, name, name)
    with psycopg.connect(consumer) as connection:
        while True:
            try:
                messages = await pull.fetch(100, timeout=1)
            except (NatsTimeout, TimeoutError):
                continue
            for message in messages:
                identity = (message.headers or {})["Nats-Msg-Id"]
                seen = connection.execute(
                    "INSERT INTO naive_inbox VALUES (%s) ON CONFLICT DO NOTHING RETURNING 1",
                    (identity,),
                ).fetchone()
                if seen:
                    body = json.loads(message.data)
                    connection.execute(APPLY, (body["id"], body["note"], body["note"]))
                connection.commit()
                await message.ack()


if __name__ == "__main__":
    works = {
        "faststream-outbox": faststream_outbox,
        "faststream-outbox-session": partial(faststream_outbox, session=True),
        "naive-relay": naive_relay,
        "naive-inbox": naive_inbox,
    }
    asyncio.run(works[sys.argv[1]](*sys.argv[2:]))
