"""Runs a schedule against real processes, heals everything, waits, and reads the ledger."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from bank import ledger as bank_ledger
from bank import models
from chassis import schema

from .ledger import Books, Ledger, reconcile
from .proxy import Network, Proxy
from .schedule import NETWORKS, PROCESSES, Fault, Schedule
from .servers import Nats, Postgres, duplicates_pass, publish_again

LEASE = 1.0
_START_SECONDS, _QUIET_SECONDS, _PATIENCE_SECONDS = 60.0, 0.6, 120.0
_SERVICES = {
    "accounts": """
[service]
name = "accounts"
package = "bank"
models = ["bank.models", "bank.ledger"]
[tables]
owned = ["accounts"]
published = ["accounts"]
[emits]
"bank.faulty:record" = "ledger"
""",
    "ledger": """
[service]
name = "ledger"
package = "bank"
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
    "CHASSIS_BATCH": "10",
    "CHASSIS_PUBLISH_TIMEOUT": "1",
    "CHASSIS_BACKOFF_BASE": "0.02",
    "CHASSIS_BACKOFF_CAP": "0.2",
    "CHASSIS_INBOX_ATTEMPTS": "8",
    "LOG_LEVEL": "WARNING",
    "OTEL_SDK_DISABLED": "true",
}


@dataclass
class Rig:
    """Servers that many schedules may share, one after the other; `folder` holds all files.

    What is missing counts as lost or stuck when nothing has changed for `patience` seconds.
    """

    folder: Path
    mutant: str | None = None
    patience: float = 45.0
    _context: Any = field(init=False)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.postgres = Postgres(self.folder / "postgres", durable=False)
        self.nats = Nats(self.folder / "nats")
        self.network = Network()
        self.postgres.start()
        self.nats.start()
        self._context = multiprocessing.get_context("forkserver")
        # Processes are then made in milliseconds, and are real ones all the same.
        self._context.set_forkserver_preload([f"{__package__}.workers"])
        for name, text in _SERVICES.items():
            (self.folder / f"{name}.toml").write_text(text, "utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        self.network.close()
        self.nats.stop()
        self.postgres.stop()

    def run(self, schedule: Schedule) -> Ledger:
        """The ledger of one schedule."""
        with self._databases() as (producer, consumer), self._proxies() as proxies:
            course = Course(self, schedule, producer, consumer, proxies)
            try:
                course.start()
                course.break_things()
                course.heal()
                ledger = course.settle()
                if not ledger.clean:
                    course.dump()
                return ledger
            except RuntimeError:
                course.dump()
                raise
            finally:
                course.end()

    @contextmanager
    def _databases(self) -> Iterator[tuple[str, str]]:
        names = [f"{side}_{uuid.uuid4().hex[:10]}" for side in ("producer", "consumer")]
        for name, replica in zip(names, (False, True), strict=True):
            _make_tables(self.postgres.create_database(name), replica=replica)
        try:
            yield names[0], names[1]
        finally:
            for name in names:
                self.postgres.drop_database(name)

    @contextmanager
    def _proxies(self) -> Iterator[dict[str, Proxy]]:
        ends = {name: self.postgres if "database" in name else self.nats for name in NETWORKS}
        made = {name: Proxy(self.network, end.connect) for name, end in ends.items()}
        try:
            yield made
        finally:
            for proxy in made.values():
                proxy.close()

    def process(self, role: str, environment: dict[str, str], seed: int) -> Any:
        """A started process."""
        log = self.folder / f"{role}.log"
        arguments = (role, environment, log, seed, self.mutant)
        from .workers import work

        process = self._context.Process(target=work, args=arguments, daemon=True)
        process.start()
        return process


class Course:
    """One schedule while it runs."""

    def __init__(
        self,
        rig: Rig,
        schedule: Schedule,
        producer: str,
        consumer: str,
        proxies: dict[str, Proxy],
    ) -> None:
        self._rig = rig
        self._schedule = schedule
        self._databases = {"producer": producer, "consumer": consumer}
        self._proxies = proxies
        self._namespace = f"rig{uuid.uuid4().hex[:10]}"
        self._processes: dict[str, Any] = {}
        self._started = 0

    def start(self) -> None:
        for name in PROCESSES:
            self._launch(name)
        deadline = time.monotonic() + _START_SECONDS
        while not self._count("producer", "produced"):
            _in_time(deadline, "the producers write nothing")
        while not duplicates_pass(self._rig.nats.url, self._namespace):
            _in_time(deadline, "the relays make no stream")

    def break_things(self) -> None:
        """Apply each fault at its time, and end it at its time."""
        began = time.monotonic()
        pending = [(fault.at, True, fault) for fault in self._schedule.faults]
        pending += [
            (fault.at + fault.seconds, False, fault)
            for fault in self._schedule.faults
            if fault.seconds
        ]
        for at, begins, fault in sorted(pending, key=lambda item: item[:2]):
            time.sleep(max(0.0, began + at - time.monotonic()))
            if begins:
                self._apply(fault)
            else:
                self._undo(fault)
            self._revive()
        time.sleep(max(0.0, began + self._schedule.seconds - time.monotonic()))

    def heal(self) -> None:
        """Nothing is stopped, slow or dead any more, and nothing new is produced."""
        for proxy in self._proxies.values():
            proxy.become("pass")
        for name, process in self._processes.items():
            _signal(process, signal.SIGCONT)
            if name.startswith("producer"):
                process.kill()
                process.join()
        self._revive(producers=False)

    def settle(self) -> Ledger:
        """The ledger, once it is complete and stays so for a moment, or patience is at its end."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        changed, before = time.monotonic(), None
        while True:
            books = self._books()
            found = reconcile(books)
            state = (books.applied, books.dead, books.copies, books.waiting, books.delivered)
            now = time.monotonic()
            if state != before:
                changed, before = now, state
            complete = not (found.lost or found.stuck or found.stale or books.waiting)
            quiet = _QUIET_SECONDS if complete else self._rig.patience
            if found.beyond_repair or now - changed > quiet or now > deadline:
                return found
            self._revive(producers=False)
            time.sleep(0.1)

    def dump(self) -> None:
        """Have every process write its stack to its log."""
        for process in self._processes.values():
            _signal(process, signal.SIGUSR1)
        time.sleep(0.3)

    def end(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.join()

    def _apply(self, fault: Fault) -> None:
        rig = self._rig
        if fault.action == "kill":
            self._processes[fault.target].kill()
            self._processes[fault.target].join()
        elif fault.action == "stop":
            _signal(self._processes[fault.target], signal.SIGSTOP)
        elif fault.action == "cut":
            self._proxies[fault.target].cut()
        elif fault.action in ("slow", "refuse", "swallow"):
            self._proxies[fault.target].become(fault.action, 0.1)  # type: ignore[arg-type]
        elif fault.action == "duplicate":
            publish_again(rig.nats.url, self._namespace, list(fault.places))
        else:
            server: Any = rig.nats if fault.action.startswith("broker") else rig.postgres
            getattr(server, fault.action.partition("_")[2])()

    def _undo(self, fault: Fault) -> None:
        if fault.action == "stop":
            _signal(self._processes[fault.target], signal.SIGCONT)
        else:
            self._proxies[fault.target].become("pass")

    def _revive(self, *, producers: bool = True) -> None:
        for name, process in list(self._processes.items()):
            if not process.is_alive() and (producers or not name.startswith("producer")):
                self._launch(name)

    def _launch(self, name: str) -> None:
        role = name.partition("-")[0]
        near = "consumer" if role == "inbox" else "producer"
        network = "inbox-broker" if role == "inbox" else "relay-broker"
        service = "ledger" if role == "inbox" else "accounts"
        database = self._proxies[f"{near}-database"].port
        environment = {
            **_SETTINGS,
            "DATABASE_URL": self._rig.postgres.through(self._databases[near], database),
            "BROKER_URL": f"nats://127.0.0.1:{self._proxies[network].port}",
            "CHASSIS_NAMESPACE": self._namespace,
            "CHASSIS_MANIFEST": str(self._rig.folder / f"{service}.toml"),
        }
        self._started += 1
        seed = self._schedule.seed * 1000 + self._started
        self._processes[name] = self._rig.process(role, environment, seed)

    def _books(self) -> Books:
        """Read around the proxies, so that it always works."""
        with _reading(self._rig.postgres.url(self._databases["producer"])) as ask:
            produced = {(a, n): how for a, n, how in ask("SELECT * FROM produced")}
            balances = dict(ask("SELECT id, balance FROM accounts"))
            waiting = ask("SELECT count(*) FROM outbox_delivery")[0][0]
            refused = ask(_DEAD.format(source="outbox_dead_letter JOIN outbox USING (id)"))
        with _reading(self._rig.postgres.url(self._databases["consumer"])) as ask:
            applied = ask("SELECT account_id, number FROM entries ORDER BY id")
            copies = dict(ask("SELECT id, balance FROM accounts"))
            delivered = ask("SELECT count(*) FROM inbox")[0][0]
            waiting += ask("SELECT count(*) FROM inbox_retry")[0][0]
            dead = ask(_DEAD.format(source="inbox_dead_letter"))
        return Books(produced, applied, dead + refused, delivered, waiting, balances, copies)

    def _count(self, side: str, table: str) -> int:
        with _reading(self._rig.postgres.url(self._databases[side])) as ask:
            return int(ask(f"SELECT count(*) FROM {table}")[0][0])


_DEAD = """
SELECT (payload->'data'->'args'->>0)::int, (payload->'data'->'args'->>1)::int FROM {source}
WHERE payload->>'kind' = 'call'
"""


@contextmanager
def _reading(url: str) -> Iterator[Any]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield lambda query: [tuple(row) for row in connection.execute(sa.text(query))]


def _make_tables(url: str, *, replica: bool) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        schema.upgrade(Operations(MigrationContext.configure(connection)))
        models.Account.__table__.create(connection)
        if replica:
            extra = "ALTER TABLE accounts ADD replica_version BIGINT NOT NULL DEFAULT 0"
            connection.execute(sa.text(extra))
            bank_ledger.Entry.__table__.create(connection)
        else:
            for statement in _BUSINESS:
                connection.execute(sa.text(statement))


_BUSINESS = (
    "CREATE TABLE numbers (account INT PRIMARY KEY, last INT NOT NULL)",
    "INSERT INTO numbers SELECT generate_series(1, 100), 0",
    "CREATE TABLE produced "
    "(account INT, number INT, behaviour TEXT, PRIMARY KEY (account, number))",
)


def _in_time(deadline: float, what: str) -> None:
    if time.monotonic() > deadline:
        raise RuntimeError(f"{what}: see the logs")
    time.sleep(0.02)


def _signal(process: Any, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(process.pid, number)
