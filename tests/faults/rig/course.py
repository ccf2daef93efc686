"""One schedule while it runs."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import between, books
from .ledger import Key, Ledger, reconcile
from .patience import Patience, Starvation
from .proxy import Proxy
from .schedule import Fault, Schedule, processes
from .tally import Logs, Tally

if TYPE_CHECKING:
    from .run import Rig

_QUIET_SECONDS, _START_SECONDS, _LOOK_SECONDS = 0.6, 30.0, 0.2
_LEAST_PRODUCED = 60
_SLOW_SECONDS = 0.1
_SIDES = {"producer": "producer", "relay": "producer", "inbox": "consumer", "web": "consumer"}
# Another try without hurry, for what did not come by itself.
_CALM = {"CHASSIS_LEASE": "10", "CHASSIS_BATCH": "10", "CHASSIS_PUBLISH_TIMEOUT": "10"}


class Course:
    """`databases` are names by side (producer, consumer), `proxies` are by network."""

    def __init__(
        self,
        rig: Rig,
        schedule: Schedule,
        databases: Mapping[str, str],
        proxies: Mapping[str, Proxy],
    ) -> None:
        self._rig = rig
        self._schedule = schedule
        self._databases = databases
        # Around the proxies, so that looking always works.
        self._engines = {s: books.engine(rig.postgres.url(n)) for s, n in databases.items()}
        self._proxies = proxies
        self._namespace = f"rig{uuid.uuid4().hex[:10]}"
        self._processes: dict[str, Any] = {}
        self._started = 0
        self._hurt: dict[Fault, int] = {}
        self._starvation = Starvation()
        self._changed: dict[str, str] = {}
        roles = {name.partition("-")[0] for name in processes(rig.kind)}
        self._logs = Logs([rig.log(role) for role in roles])
        self.tally = Tally()

    def start(self) -> None:
        """Until the first message has gone the whole way."""
        self._rig.between.prepare(self._namespace)
        for name in processes(self._rig.kind):
            self._launch(name)
        self._await(lambda: self._count("producer", "produced"), 1, "the producers write nothing")
        self._await(lambda: self._count("consumer", "entries"), 1, "nothing is applied")

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
                self._begin(fault)
            else:
                self._end(fault)
            self._revive()
        time.sleep(max(0.0, began + self._schedule.seconds - time.monotonic()))
        self._await(
            lambda: self._count("producer", "produced"), _LEAST_PRODUCED, "nothing is produced"
        )

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
        """The ledger, once it is complete and stays so for a moment, or patience is at its end.

        What is missing then has another try by fresh processes: what comes by it was stuck, the
        rest is lost.
        """
        found = self._wait_for_quiet(())
        if found.missing and not found.beyond_repair:
            self.dump()
            if self._rig.second_try:
                self._start_anew()
                found = self._wait_for_quiet(found.missing)
        self.tally.results = self._logs.results()
        return found

    def dump(self) -> None:
        """Have every process write its stack to its log."""
        for process in self._processes.values():
            _signal(process, signal.SIGUSR1)
        time.sleep(0.3)

    def end(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.join()
        for engine in self._engines.values():
            engine.dispose()

    def _wait_for_quiet(self, late: Sequence[Key]) -> Ledger:
        rig = self._rig
        patience = Patience(time.monotonic(), rig.patience, rig.limit)
        while True:
            state = books.read(self._engines["producer"], self._engines["consumer"])
            found = reconcile(state, late)
            patience.note(state.state, time.monotonic(), self._starved())
            now = time.monotonic()
            missing = set(found.missing) - set(late) if not state.waiting else True
            quiet = patience.silence(now) > _QUIET_SECONDS * patience.starved
            if found.beyond_repair or patience.ended(now):
                return found
            if not missing and not found.stale and quiet:
                return found
            self._revive(producers=False)
            time.sleep(_LOOK_SECONDS)

    def _await(self, look: Callable[[], int], least: int, what: str) -> None:
        patience = Patience(time.monotonic(), _START_SECONDS, self._rig.limit)
        while (number := look()) < least:
            self._revive()
            patience.note(number, time.monotonic(), self._starved())
            if patience.ended(time.monotonic()):
                raise RuntimeError(f"{what}: see the logs in {self._rig.folder}")
            time.sleep(_LOOK_SECONDS / 2)

    def _starved(self) -> float:
        return self._starvation.measure(process.pid for process in self._processes.values())

    def _start_anew(self) -> None:
        self._changed = _CALM
        for process in self._processes.values():
            process.kill()
            process.join()
        self._revive(producers=False)

    def _begin(self, fault: Fault) -> None:
        action, rig = fault.action, self._rig
        if action == "kill":
            process = self._processes[fault.target]
            process.kill()
            process.join()
            hurt = int(process.exitcode == -signal.SIGKILL)
        elif action == "stop":
            process = self._processes[fault.target]
            _signal(process, signal.SIGSTOP)
            hurt = int(_is_stopped(process.pid))
        elif action in ("slow", "refuse", "swallow", "cut"):
            hurt = self._hinder(fault)
        elif action in ("duplicate", "reorder"):
            again = books.copies(self._engines["producer"], action, fault.places)
            port = self._proxies["outside"].port
            hurt = rig.between.publish(self._namespace, port, again)
        else:
            server: Any = rig.between if action.startswith("broker") else rig.postgres
            before = server.process
            getattr(server, action.partition("_")[2])()
            hurt = int(server.process != before)
        if not fault.seconds:
            self.tally.note(action, hurt)
        self._hurt[fault] = hurt

    def _hinder(self, fault: Fault) -> int:
        """How much it did until now, or had done before if it lasts."""
        proxy = self._proxies[fault.target]
        before = proxy.hurt
        if fault.action == "cut":
            proxy.cut()
            return proxy.hurt - before
        proxy.become(fault.action, _SLOW_SECONDS)  # type: ignore[arg-type]
        return before

    def _end(self, fault: Fault) -> None:
        hurt = self._hurt[fault]
        if fault.action == "stop":
            _signal(self._processes[fault.target], signal.SIGCONT)
        else:
            proxy = self._proxies[fault.target]
            proxy.become("pass")
            hurt = proxy.hurt - hurt
        self.tally.note(fault.action, hurt)

    def _revive(self, *, producers: bool = True) -> None:
        for name, process in list(self._processes.items()):
            if not process.is_alive() and (producers or not name.startswith("producer")):
                self._launch(name)

    def _launch(self, name: str) -> None:
        rig, role = self._rig, name.partition("-")[0]
        side = _SIDES[role]
        network = "inbox-broker" if role == "inbox" and rig.kind != "http" else "relay-broker"
        service = "ledger" if side == "consumer" else "accounts"
        port = self._proxies[network].port
        database = self._proxies[f"{side}-database"].port
        environment = {
            **rig.settings,
            **self._changed,
            **between.peers(port),
            "DATABASE_URL": rig.postgres.through(self._databases[side], database),
            "BROKER_URL": rig.between.url(port),
            "CHASSIS_NAMESPACE": self._namespace,
            "CHASSIS_MANIFEST": str(rig.folder / f"{service}.toml"),
            "RIG_SOCKET": str(between.socket(rig.folder, name)),
        }
        self._started += 1
        seed = self._schedule.seed * 1000 + self._started
        self._processes[name] = rig.process(role, environment, seed)

    def _count(self, side: str, table: str) -> int:
        return books.count(self._engines[side], table)


def _is_stopped(process: int) -> bool:
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        with suppress(OSError):
            # The state is the first word behind the name, which may hold anything.
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "T":
                return True
        time.sleep(0.001)
    return False


def _signal(process: Any, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(process.pid, number)
