"""LISTEN, as a wake-up only: it may fail, or stay silent behind a pooler, and polling goes on."""

from __future__ import annotations

import asyncio

from sqlalchemy import Engine

from chassis.schema import CHANNEL

_AGAIN_SECONDS = 10.0


async def listen(engine: Engine, woken: asyncio.Event) -> None:
    """Set `woken` whenever something was appended, until cancelled."""
    if engine.dialect.name != "postgresql":
        return
    import psycopg

    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
                await connection.execute(f"LISTEN {CHANNEL}".encode())
                # Something may have been appended before we listened.
                woken.set()
                async for _ in connection.notifies():
                    woken.set()
        except (psycopg.Error, OSError):
            await asyncio.sleep(_AGAIN_SECONDS)
