"""Broker servers of the tests' own: at free ports; they stop, and come back with their data."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from migrator.run.ports import HOST, free_port
from migrator.run.servers import EmbeddedNats

_START_SECONDS = 90.0
_RABBIT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_KAFKA_JARS = Path(__file__).parents[2] / ".venv" / "kafka"


class Server(Protocol):
    """What the tests do to a broker."""

    port: int

    @property
    def url(self) -> str: ...

    def start(self) -> None: ...

    def runs(self) -> bool: ...

    def stop(self) -> None: ...

    def crash(self) -> None: ...


class NatsServer(EmbeddedNats):
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def crash(self) -> None:
        """SIGKILL; its files stay."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()


class _Program:
    """A server that is one program with a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def crash(self) -> None:
        """SIGKILL; its files stay."""
        self._end(signal.SIGKILL)

    def _launch(self, argv: Sequence[str | Path], environment: Mapping[str, str]) -> None:
        output = self.folder / "output"
        with output.open("ab") as stream:
            self._process = subprocess.Popen(
                argv,
                env=os.environ | environment,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        _await_port(self.port, self._process, output)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        # A script and the virtual machine that it started are one process group.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class RabbitServer(_Program):
    """A node of its own: name, ports and folders are shared with no other."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._distribution = free_port()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{HOST}:{self.port}/"

    def start(self) -> None:
        """Start and wait until it accepts connections."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "enabled_plugins").write_text("[].\n", "utf-8")
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.default = {HOST}:{self.port}\n"
            "vm_memory_high_watermark.absolute = 1GB\ndisk_free_limit.absolute = 50MB\n",
            "utf-8",
        )
        environment = {
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1",
            # A port mapper of its own, or that of the machine: both only map names to ports.
            "ERL_EPMD_ADDRESS": HOST,
        }
        # Not the wrapper in /usr/sbin, which changes to the system's own user and folders.
        self._launch([_RABBIT], environment)


class KafkaServer(_Program):
    """One node that is broker and controller, without ZooKeeper."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._controller = free_port()

    @property
    def url(self) -> str:
        return f"kafka://{HOST}:{self.port}"

    def start(self) -> None:
        """Start and wait until it accepts connections."""
        self.folder.mkdir(parents=True, exist_ok=True)
        properties = self.folder / "server.properties"
        if not properties.exists():
            properties.write_text(self._properties(), "utf-8")
            identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            # In one word with its option: an identity may begin with a dash.
            arguments = ["format", f"--cluster-id={identity}", f"--config={properties}"]
            subprocess.run(
                [*_java(), "kafka.tools.StorageTool", *arguments], check=True, capture_output=True
            )
        self._launch([*_java(), "kafka.Kafka", str(properties)], {})

    def _properties(self) -> str:
        given = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{HOST}:{self._controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{self._controller}",
            "log.dirs": self.folder / "data",
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "message.max.bytes": 1 << 20,
        }
        return "".join(f"{name}={value}\n" for name, value in given.items())


def _java() -> list[str]:
    return ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", f"{_KAFKA_JARS}/*"]


def _rabbit_is_missing() -> str | None:
    if not _RABBIT.exists() or not shutil.which("erl"):
        return "needs the Debian package rabbitmq-server"
    return None


def _kafka_is_missing() -> str | None:
    if not shutil.which("java") or not any(_KAFKA_JARS.glob("kafka_*.jar")):
        return "needs java, and Kafka in .venv/kafka: mvn -f tests/support/kafka.xml package"
    return None


@dataclass(frozen=True)
class Kind:
    """A broker to test, and why it cannot be tested here (None if it can)."""

    make: Callable[[Path], Server]
    missing: Callable[[], str | None] = lambda: None


KINDS = {
    "nats": Kind(NatsServer),
    "rabbit": Kind(RabbitServer, _rabbit_is_missing),
    "kafka": Kind(KafkaServer, _kafka_is_missing),
}


def _await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection((HOST, port), timeout=1):
                # Another's, if ours has ended since for the want of this port.
                if process.poll() is None:
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the broker does not start: {log.read_text('utf-8', 'replace')[-2000:]}")
