"""Runs schedules against real processes, one after the other, and reads their ledgers."""

from __future__ import annotations

import multiprocessing
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from . import between, books
from .course import Course
from .ledger import Ledger
from .postgres import Postgres
from .proxy import Network, Proxy
from .schedule import Kind, Schedule, networks
from .tally import Tally

LEASE, BATCH = 1.0, 10
_SERVICES = {
    "accounts": """
[service]
name = "accounts"
package = "bank"
models = ["bank.models", "bank.ledger"]
[tables]
owned = ["accounts"]
published = ["accounts"]
[tables.subscribers]
accounts = ["ledger"]
[emits]
"bank.faulty:record" = "ledger"
""",
    "ledger": """
[service]
name = "ledger"
package = "bank"
factory = "bank.pages:application"
models = ["bank.models", "bank.ledger", "bank.faulty"]
[tables]
owned = ["entries"]
[tables.replicas]
accounts = "accounts"
[serves]
events = ["bank.faulty:record"]
""",
}
_SETTINGS = {
    "CHASSIS_LEASE": str(LEASE),
    "CHASSIS_POLL": "0.1",
    "CHASSIS_PUBLISH_TIMEOUT": "1",
    "CHASSIS_BACKOFF_BASE": "0.02",
    "CHASSIS_BACKOFF_CAP": "0.2",
    "CHASSIS_INBOX_ATTEMPTS": "8",
    # What became of each delivery is read from there.
    "LOG_LEVEL": "INFO",
    "OTEL_SDK_DISABLED": "true",
}


@dataclass
class Rig:
    """Servers that many schedules may share, one after the other; `folder` holds all files.

    What is missing counts as lost or stuck when nothing has moved for `patience` seconds, or for
    longer on a busy machine (see `patience.py`), or after `limit` seconds at the latest.
    """

    folder: Path
    kind: Kind = "nats"
    batch: int | None = BATCH
    mutant: str | None = None
    patience: float = 20.0
    limit: float = 400.0
    second_try: bool = True
    tally: Tally = field(default_factory=Tally)
    _context: Any = field(init=False)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.postgres = Postgres(self.folder / "postgres", durable=False)
        self.between = between.make(self.kind, self.folder)
        self.network = Network()
        self.postgres.start()
        self.between.start()
        self._context = multiprocessing.get_context("forkserver")
        # Processes are then made in milliseconds, and are real ones all the same.
        self._context.set_forkserver_preload([f"{__package__}.workers"])
        for name, text in _SERVICES.items():
            (self.folder / f"{name}.toml").write_text(text, "utf-8")
        return self

    def join(self, other: Rig) -> None:
        """Use the servers of `other`, which runs."""
        names = ("postgres", "between", "network", "_context")
        for name in names:
            setattr(self, name, getattr(other, name))

    def __exit__(self, *_: object) -> None:
        self.network.close()
        self.between.stop()
        self.postgres.stop()

    @property
    def settings(self) -> dict[str, str]:
        """The environment of every process; a `batch` of None is the chassis' own default."""
        return _SETTINGS | ({"CHASSIS_BATCH": str(self.batch)} if self.batch else {})

    def run(self, schedule: Schedule) -> Ledger:
        """The ledger of one schedule."""
        with self._databases() as databases, self._proxies() as proxies:
            course = Course(self, schedule, databases, proxies)
            try:
                course.start()
                course.break_things()
                course.heal()
                return course.settle()
            except RuntimeError:
                course.dump()
                raise
            finally:
                self.tally.add(course.tally)
                course.end()

    def process(self, role: str, environment: dict[str, str], seed: int) -> Any:
        """A started process."""
        from .workers import work

        arguments = (role, environment, self.log(role), seed, self.mutant)
        process = self._context.Process(target=work, args=arguments, daemon=True)
        process.start()
        return process

    def log(self, role: str) -> Path:
        """Where the processes of `role` write."""
        return self.folder / f"{role}.log"

    @contextmanager
    def _databases(self) -> Iterator[dict[str, str]]:
        made = {side: f"{side}_{uuid.uuid4().hex[:10]}" for side in ("producer", "consumer")}
        for side, name in made.items():
            books.make_tables(self.postgres.create_database(name), replica=side == "consumer")
        try:
            yield made
        finally:
            for name in made.values():
                self.postgres.drop_database(name)

    @contextmanager
    def _proxies(self) -> Iterator[dict[str, Proxy]]:
        """One for each network, and ``outside``, which nothing breaks."""
        made: dict[str, Proxy] = {}
        for name in (*networks(self.kind), "outside"):
            end = self.postgres if "database" in name else self.between
            made[name] = Proxy(self.network, end.connect)
        try:
            yield made
        finally:
            for proxy in made.values():
                proxy.close()
