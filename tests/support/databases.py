"""Databases of Debian's packages, and PgBouncer, started for the tests with nothing shared."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL, create_engine, make_url, text

from migrator.run.ports import HOST, free_port

_SECONDS = 60.0


def mariadb_is_missing() -> str | None:
    """Why MariaDB cannot be tested here; None if it can."""
    if not shutil.which("mariadbd") or not shutil.which("mariadb-install-db"):
        return "needs the Debian package mariadb-server"
    return None


def pgbouncer_is_missing() -> str | None:
    """Why PgBouncer cannot be tested here; None if it can."""
    return None if _pgbouncer() else "needs the Debian package pgbouncer"


@contextmanager
def mariadb(folder: Path) -> Iterator[Callable[[], str]]:
    """A server reached by its socket alone; gives URLs of new databases."""
    user = f"--user={'root' if os.geteuid() == 0 else os.environ.get('USER', 'mysql')}"
    data, socket = f"--datadir={folder}/data", folder / "s"
    made = subprocess.run(
        ["mariadb-install-db", "--no-defaults", data, user, "--skip-test-db",
         "--auth-root-authentication-method=normal"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if made.returncode:
        raise RuntimeError(f"mariadb-install-db: {made.stdout[-2000:]} {made.stderr[-2000:]}")
    arguments = [data, user, f"--socket={socket}", "--skip-networking", f"--pid-file={folder}/pid"]
    with _running(["mariadbd", "--no-defaults", *arguments], folder, socket.exists):

        def new() -> str:
            name = f"t{uuid.uuid4().hex}"
            url = "mysql+pymysql://root@localhost/{}?charset=utf8mb4&unix_socket={}"
            engine = create_engine(url.format("mysql", socket))
            with engine.begin() as connection:
                connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
            engine.dispose()
            return url.format(name, socket)

        yield new


@contextmanager
def pgbouncer(behind: str) -> Iterator[URL]:
    """A pooler that gives each transaction any of two sessions of the database `behind`."""
    with TemporaryDirectory() as folder, _pooler(Path(folder), make_url(behind)) as url:
        yield url


@contextmanager
def _pooler(folder: Path, database: URL) -> Iterator[URL]:
    port = free_port()
    host = str(database.host or database.query["host"])
    place = f"host={host} port={database.port or 5432} dbname={database.database}"
    secret = f" password={database.password}" if database.password else ""
    (folder / "users").write_text(f'"{database.username}" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\npooled = {place} user={database.username}{secret}\n"
        f"[pgbouncer]\nlisten_addr = {HOST}\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = any\nauth_file = {folder}/users\npool_mode = transaction\n"
        "default_pool_size = 2\nserver_round_robin = 1\nmax_client_conn = 100\n"
        "ignore_startup_parameters = extra_float_digits\n"
    )
    command = [_pgbouncer(), str(folder / "pgbouncer.ini")]
    if os.geteuid() == 0:
        # It refuses to be root, and must reach the server's socket.
        user = Path(host).stat().st_uid
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, user)
        command = ["setpriv", f"--reuid={user}", "--clear-groups", *command]
    url = URL.create("postgresql+psycopg", database.username, "x", HOST, port, "pooled")

    def answers() -> bool:
        engine = create_engine(url)
        try:
            with engine.connect():
                return True
        except Exception:
            return False
        finally:
            engine.dispose()

    with _running(command, folder, answers):
        yield url


@contextmanager
def _running(command: list[str], folder: Path, ready: Callable[[], bool]) -> Iterator[None]:
    log = folder / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream)
    try:
        deadline = time.monotonic() + _SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]}: {log.read_text('utf-8', 'replace')[-2000:]}")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _pgbouncer() -> str:
    found = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    return found if Path(found).exists() else ""
