"""`migrator up`: the whole workspace on this machine, without Docker."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Protocol

import httpx

from migrator.model.errors import MigratorError
from migrator.model.manifest import ServiceManifest
from migrator.run import checks, journey, live, processes, readiness
from migrator.run.journey import Span
from migrator.run.otlp import OtlpReceiver
from migrator.run.ports import HOST, free_ports
from migrator.run.scenario import Step
from migrator.run.servers import EmbeddedNats, EmbeddedPostgres
from migrator.run.supervisor import Child, Supervisor, run_to_end
from migrator.run.workspace import find_scenario, read_manifests, require_installed

_MIGRATIONS_AT_ONCE = 2
_FIGURES_SECONDS = 2.0
# Longer than exporters and a relay's poll take to bring a trace's last span.
_TRACE_QUIET_SECONDS = 3.0


class Stopped(Exception):
    """A signal asked to stop."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    workspace: Path
    python: str
    port: int
    check: bool
    checks_file: Path | None
    trace: bool = False


class Screen(Protocol):
    """Where progress goes."""

    def step(self, text: str) -> None:
        """Something begins."""

    def running(self, table: Sequence[processes.Process], logs: Path) -> None:
        """Everything is ready."""

    def died(self, name: str, reason: str, lines: Sequence[str], log: Path) -> None:
        """A process ended by itself."""

    def results(self, results: Sequence[checks.Result]) -> None:
        """The checks are done."""

    @property
    def watches(self) -> bool:
        """Whether somebody looks on, so that live figures are wanted."""

    def figures(self, rows: Sequence[live.Row]) -> None:
        """The figures of now, in place of those before."""

    def journey(self, spans: Sequence[Span]) -> None:
        """One request's way through the services."""


def run(options: Options, screen: Screen) -> int:
    """Run until a signal (exit code 0) or, with `check`, until the checks are done (0 or 1)."""
    workspace = options.workspace.resolve()
    manifests = read_manifests(workspace)
    require_installed(options.python)
    _require_free(options.port)
    steps = _steps(options, workspace) if options.check else ()
    state = workspace / ".migrator" / "run"
    with _signals(), ExitStack() as stack:
        stack.enter_context(_lock(state))
        try:
            return _run(options, workspace, manifests, steps, state, stack, screen)
        except (Stopped, KeyboardInterrupt):
            screen.step("stopping")
            return 130 if options.check else 0
        except readiness.StartFailed as failed:
            _report(screen, failed.child, failed.reason)
            return 1


def _run(
    options: Options,
    workspace: Path,
    manifests: Sequence[ServiceManifest],
    steps: Sequence[Step],
    state: Path,
    stack: ExitStack,
    screen: Screen,
) -> int:
    data = state
    if options.check:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="migrator-up-")))
    receiver = stack.enter_context(OtlpReceiver()) if options.trace else None
    screen.step("starting PostgreSQL and NATS")
    postgres = stack.enter_context(EmbeddedPostgres(data / "postgres", durable=not options.check))
    nats = stack.enter_context(EmbeddedNats(data / "nats"))
    around = processes.Surroundings(
        workspace=workspace,
        python=options.python,
        broker_url=nats.url,
        database_urls={
            m.name: postgres.create_database(processes.database_name(m.name)) for m in manifests
        },
        environ=os.environ if receiver is None else {**os.environ, **_exporting(receiver)},
    )
    logs = state / "logs"
    screen.step(f"migrating {len(manifests)} databases")
    _migrate(manifests, around, logs, screen)
    ports = free_ports(processes.ports_needed(manifests))
    table = processes.table(manifests, around, ports, options.port)
    supervisor = stack.enter_context(Supervisor(logs))
    screen.step(f"starting {len(table)} processes")
    supervisor.start(table)
    readiness.wait_until_ready(supervisor)
    screen.running(table, logs)
    if not options.check:
        return _watch(supervisor, table, receiver, screen)
    code = _check(supervisor, table, manifests, steps, screen)
    if receiver is not None:
        screen.journey(_farthest(receiver))
    return code


def _exporting(receiver: OtlpReceiver) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "500"}


def _farthest(receiver: OtlpReceiver) -> tuple[Span, ...]:
    """The request that came farthest, once its last spans had the time to arrive."""
    time.sleep(_TRACE_QUIET_SECONDS)
    return journey.farthest(receiver.traces())


def _steps(options: Options, workspace: Path) -> tuple[Step, ...]:
    path = find_scenario(workspace, options.checks_file)
    return checks.read_scenario(path) if path else ()


def _migrate(
    manifests: Sequence[ServiceManifest],
    around: processes.Surroundings,
    logs: Path,
    screen: Screen,
) -> None:
    def upgrade(manifest: ServiceManifest) -> tuple[str, int, Path]:
        process = processes.migration(manifest, around)
        log = logs / f"{process.name}.log"
        return process.name, run_to_end(process, log), log

    with ThreadPoolExecutor(_MIGRATIONS_AT_ONCE) as pool:
        done = list(pool.map(upgrade, manifests))
    for name, code, log in done:
        if code:
            lines = log.read_text("utf-8", "replace").splitlines()
            screen.died(name, f"ended with exit code {code}", lines[-15:], log)
    if failed := [name for name, code, _ in done if code]:
        raise MigratorError(f"migrations failed: {', '.join(failed)}", where=str(logs))


def _check(
    supervisor: Supervisor,
    table: Sequence[processes.Process],
    manifests: Sequence[ServiceManifest],
    steps: Sequence[Step],
    screen: Screen,
) -> int:
    results = checks.run_checks(table, manifests, steps)
    dead = supervisor.newly_dead()
    for child in dead:
        reason = readiness.ended(child)
        _report(screen, child, reason)
        results.append(checks.Result(f"{child.process.name} keeps running", (reason,), 0.0))
    screen.results(results)
    return 0 if all(result.passed for result in results) else 1


def _watch(
    supervisor: Supervisor,
    table: Sequence[processes.Process],
    receiver: OtlpReceiver | None,
    screen: Screen,
) -> int:
    board, told = live.Board(table), _Told()
    with httpx.Client(timeout=1.0, trust_env=False) as client:
        read = 0.0
        while True:
            for child in supervisor.newly_dead():
                _report(screen, child, readiness.ended(child))
            if all(child.reported for child in supervisor.children):
                return 1
            now = time.monotonic()
            if screen.watches and now - read >= _FIGURES_SECONDS:
                board.read(client, now)
                screen.figures(board.rows())
                read = now
            if receiver is not None:
                for spans in told.new(receiver.traces(), time.time()):
                    screen.journey(spans)
            time.sleep(0.3)


class _Told:
    """Which traces were printed: each once, when it has been quiet for a while."""

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def new(self, traces: Mapping[str, Sequence[Span]], now: float) -> Iterator[Sequence[Span]]:
        for trace, spans in traces.items():
            begun = any(span.kind == "server" and span.parent is None for span in spans)
            quiet = now - max(span.end for span in spans) > _TRACE_QUIET_SECONDS
            if begun and quiet and trace not in self._ids:
                self._ids.add(trace)
                yield spans


def _report(screen: Screen, child: Child, reason: str) -> None:
    screen.died(child.process.name, reason, child.last_lines(), child.log)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise MigratorError(
                f"port {port} is in use", hint="Choose another with --port."
            ) from error


@contextmanager
def _lock(state: Path) -> Iterator[None]:
    """Two runs over one data folder would take each other's services down."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise MigratorError("this workspace is already running", where=str(state)) from error
        yield


@contextmanager
def _signals() -> Iterator[None]:
    """SIGTERM and a closed terminal stop as Ctrl-C does: through the clean-up."""
    wanted = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, _stop) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    del frame
    # Once: a second signal must not interrupt the clean-up that the first began.
    signal.signal(number, signal.SIG_IGN)
    raise Stopped
