"""LISTEN, as a wake-up only: it may fail, or stay silent behind a pooler, and polling goes on."""

from __future__ import annotations

import asyncio

from sqlalchemy import make_url

from chassis.schema import CHANNEL
from chassis.settings import Settings

_AGAIN_SECONDS = 10.0


async def listen(settings: Settings, woken: asyncio.Event) -> None:
    """Set `woken` whenever something was appended, until cancelled."""
    given = settings.direct_url or settings.database_url
    if given == "none" or make_url(given).get_backend_name() != "postgresql":
        return
    import psycopg

    url = make_url(given).set(drivername="postgresql").render_as_string(hide_password=False)
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
