"""Broker servers of the tests' own: at free ports; they stop, and come back with their data."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Protocol

from migrator.run.servers import HOST, EmbeddedNats, free_port

_START_SECONDS = 90.0


class Server(Protocol):
    """What the tests do to a broker."""

    @property
    def url(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def crash(self) -> None: ...


class NatsServer(EmbeddedNats):
    def crash(self) -> None:
        """SIGKILL; its files stay."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()


class RabbitServer:
    """A node of its own: name, ports and folders are shared with no other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port, self._distribution = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{HOST}:{self._port}/"

    def start(self) -> None:
        """Start and wait until it accepts connections."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "enabled_plugins").write_text("[].\n", "utf-8")
        (self._folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.default = {HOST}:{self._port}\n"
            "vm_memory_high_watermark.absolute = 1GB\ndisk_free_limit.absolute = 50MB\n",
            "utf-8",
        )
        environment = os.environ | {
            "HOME": str(self._folder),
            "RABBITMQ_NODENAME": f"test{self._port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            # A port mapper of its own, or that of the machine: both only map names to ports.
            "ERL_EPMD_ADDRESS": HOST,
        }
        with (self._folder / "output").open("ab") as stream:
            # Not the wrapper in /usr/sbin, which changes to the system's own user and folders.
            self._process = subprocess.Popen(
                ["/usr/lib/rabbitmq/bin/rabbitmq-server"],
                env=environment,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        _await_port(self._port, self._process, self._folder / "output")

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def crash(self) -> None:
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        # The script and the virtual machine that it started are one process group.
        os.killpg(process.pid, number)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def rabbit_is_missing() -> str | None:
    """Why RabbitMQ cannot be tested here; None if it can."""
    if not Path("/usr/lib/rabbitmq/bin/rabbitmq-server").exists() or not shutil.which("erl"):
        return "needs the Debian package rabbitmq-server"
    return None


def _await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection((HOST, port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the broker does not start: {log.read_text('utf-8', 'replace')[-2000:]}")
