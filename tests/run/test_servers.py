"""The embedded servers answer, and data survive what `up` keeps between runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import nats
from sqlalchemy import create_engine, text

from migrator.run.servers import EmbeddedNats, EmbeddedPostgres


def test_databases_are_apart_and_creation_repeats(postgres_server: EmbeddedPostgres) -> None:
    try:
        url = postgres_server.create_database("servers_one")
        with create_engine(url).begin() as connection:
            connection.execute(text("CREATE TABLE t (a int)"))
        again = postgres_server.create_database("servers_one")
        with create_engine(again).begin() as connection:
            assert connection.execute(text("SELECT count(*) FROM t")).scalar_one() == 0
    finally:
        postgres_server.drop_database("servers_one")


def test_streams_survive_a_restart(tmp_path: Path) -> None:
    async def publish(url: str) -> None:
        client = await nats.connect(url)
        stream = client.jetstream()
        await stream.add_stream(name="s", subjects=["s.>"])
        await stream.publish("s.a", b"kept")
        await client.close()

    async def read(url: str) -> bytes:
        client = await nats.connect(url)
        message = await client.jetstream().get_msg("s", seq=1)
        await client.close()
        return message.data or b""

    server = EmbeddedNats(tmp_path / "nats")
    with server:
        asyncio.run(publish(server.url))
    with server:
        assert asyncio.run(read(server.url)) == b"kept"
