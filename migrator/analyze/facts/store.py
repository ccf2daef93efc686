"""Facts kept between runs: one SQLite file that several processes may share.

An entry is named by the content it was read from, so it is never out of date. Each carries a
checksum: a damaged one is passed over and made anew, and a damaged file is started afresh. The
store may fail in any way; it never stops an analysis.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from zlib import crc32

from migrator.analyze.facts.read import Facts

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (
    key BLOB PRIMARY KEY, checksum BLOB NOT NULL, used INTEGER NOT NULL,
    interface BLOB NOT NULL, detail BLOB NOT NULL
)
"""
_DAY = 24 * 3600
_KEPT_DAYS = 30


class Store:
    """Facts by key in ``FOLDER/facts.sqlite``; made where it is missing."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "facts.sqlite"

    def get(self, keys: Iterable[bytes]) -> dict[bytes, Facts]:
        """What is kept under these keys and whole."""
        if not self.path.exists():
            return {}
        found: dict[bytes, Facts] = {}
        old: list[bytes] = []
        today = int(time.time()) // _DAY
        try:
            with closing(self._connect()) as connection:
                query = "SELECT checksum, used, interface, detail FROM facts WHERE key = ?"
                for key in keys:
                    row = connection.execute(query, (key,)).fetchone()
                    if row is None or _checksum(key, row[2], row[3]) != row[0]:
                        continue
                    found[key] = Facts(key, row[2], row[3])
                    if row[1] != today:
                        old.append(key)
                if old:
                    stamp = "UPDATE facts SET used = ? WHERE key = ?"
                    with connection:
                        connection.executemany(stamp, [(today, key) for key in old])
        except sqlite3.DatabaseError as error:
            self._failed(error)
        return found

    def one(self, key: bytes) -> Facts | None:
        return self.get([key]).get(key)

    def put(self, facts: Iterable[Facts]) -> None:
        """Keep these, and forget what no run has asked for in a month."""
        today = int(time.time()) // _DAY
        rows = [
            (f.key, _checksum(f.key, f.interface_bytes, f.detail_bytes), today,
             f.interface_bytes, f.detail_bytes)
            for f in facts
        ]  # fmt: skip
        try:
            self._prepare()
            with closing(self._connect()) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(_SCHEMA)
                with connection:
                    connection.executemany("INSERT OR REPLACE INTO facts VALUES (?,?,?,?,?)", rows)
                    oldest = (today - _KEPT_DAYS,)
                    connection.execute("DELETE FROM facts WHERE used < ?", oldest)
        except sqlite3.DatabaseError as error:
            self._failed(error)
        except OSError:
            return

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=20)
        # A cache may lose its last entries when the machine stops; it must not wait for the disk.
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    def _prepare(self) -> None:
        folder = self.path.parent
        folder.mkdir(parents=True, exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")

    def _failed(self, error: sqlite3.DatabaseError) -> None:
        """A file that is no database is put out of the way; a busy one is left alone."""
        if isinstance(error, sqlite3.OperationalError):
            return
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                self.path.with_name(self.path.name + suffix).unlink()


def _checksum(key: bytes, interface: bytes, detail: bytes) -> bytes:
    return crc32(detail, crc32(interface, crc32(key))).to_bytes(4, "big")
