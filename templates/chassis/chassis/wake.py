"""LISTEN, as a wake-up only: it may fail, or stay silent behind a pooler, and polling goes on."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from chassis.schema import CHANNEL
from chassis.settings import Settings

if TYPE_CHECKING:
    import psycopg

_log = logging.getLogger("chassis.relay")
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
                await _until_it_breaks(connection, woken)
                _log.warning("the database no longer wakes the relay")
        except (psycopg.Error, OSError) as error:
            # Until then there is the poll.
            _log.warning("the relay does not listen", extra={"reason": repr(error)})
        await asyncio.sleep(_AGAIN_SECONDS)


async def _until_it_breaks(connection: psycopg.AsyncConnection, woken: asyncio.Event) -> None:
    """Set `woken` at each notification; returns when the server is gone.

    Not `AsyncConnection.notifies`: at hundreds a second it takes as long as to publish.
    """
    from psycopg import Error

    broken = asyncio.Event()

    def heard() -> None:
        try:
            connection.pgconn.consume_input()
        except Error:
            broken.set()
        while connection.pgconn.notifies() is not None:
            woken.set()

    loop, number = asyncio.get_running_loop(), connection.fileno()
    loop.add_reader(number, heard)
    try:
        await broken.wait()
    finally:
        loop.remove_reader(number)
