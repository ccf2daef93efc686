"""Collector, Jaeger, Loki, Prometheus and Alertmanager of the pinned versions, with exactly the
configuration that the workspace carries and the options of its compose.yaml: only addresses and
folders are those of the test."""

from __future__ import annotations

import os
import random
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrator.run.processes import HOST, Process
from support.monitoring import load, tool
from support.programs import server, webhooks

PROGRAMS = ("otelcol", "jaeger", "loki", "prometheus", "alertmanager")
# Program: the ports of its configuration or command line.
_PORTS = {
    "collector": (4317, 4318, 13133, 8888),
    "jaeger": (4317, 4318, 13133, 8888, 16686, 16685),
    "loki": (3100, 9095),
    "prometheus": (9090,),
    "alertmanager": (9093,),
}


@dataclass(frozen=True)
class Watching:
    """Where each program listens: by name and by the port that its configuration has."""

    ports: Mapping[tuple[str, int], int]
    notified: list[dict[str, Any]]

    def at(self, name: str, port: int) -> str:
        """``host:port``."""
        return f"{HOST}:{self.ports[name, port]}"

    def url(self, name: str, port: int) -> str:
        """The base URL."""
        return f"http://{self.at(name, port)}"


def place() -> Watching:
    """Ports for everything, before anything is started."""
    wanted = [(name, port) for name, ports in _PORTS.items() for port in ports]
    return Watching(dict(zip(wanted, _ports(len(wanted)), strict=True)), [])


def _ports(count: int) -> list[int]:
    """Free ports below those that the kernel gives to clients: they are needed a while later."""
    found: list[int] = []
    while len(found) < count:
        port = random.randint(10_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, port))
            if port not in found:
                found.append(port)
    return found


@contextmanager
def watching(
    workspace: Path, folder: Path, table: Sequence[Process], here: Watching
) -> Iterator[None]:
    """All five, ready."""
    files = _Files(workspace, folder, here)
    with ExitStack() as stack:
        sink = stack.enter_context(webhooks(here.notified))
        for name, ready in (
            ("loki", f"{here.url('loki', 3100)}/ready"),
            ("jaeger", f"{here.url('jaeger', 13133)}/status"),
            ("alertmanager", f"{here.url('alertmanager', 9093)}/-/ready"),
            ("prometheus", f"{here.url('prometheus', 9090)}/-/ready"),
            ("collector", here.url("collector", 13133)),
        ):
            argv = files.command(name, table, sink)
            environment = {
                **os.environ,
                "JAEGER_OTLP_ENDPOINT": here.at("jaeger", 4317),
                "LOKI_OTLP_ENDPOINT": f"{here.url('loki', 3100)}/otlp",
                "PROMETHEUS_OTLP_ENDPOINT": f"{here.url('prometheus', 9090)}/api/v1/otlp",
                "TRACE_SAMPLING_PERCENTAGE": "0",
            }
            log = folder / f"{name}.log"
            stack.enter_context(server(argv, log, ready, environment, cwd=folder))
        yield


class _Files:
    def __init__(self, workspace: Path, folder: Path, here: Watching) -> None:
        self._watch = workspace / "observability"
        self._folder = folder
        self._here = here
        self._compose = load(workspace / "compose.yaml")["services"]

    def command(self, name: str, table: Sequence[Process], sink: str) -> list[str]:
        """The command of compose.yaml with the test's files."""
        own = {
            "collector": self._collector,
            "jaeger": self._jaeger,
            "loki": self._loki,
            "alertmanager": lambda: self._alertmanager(sink),
            "prometheus": lambda: self._prometheus(table),
        }[name]
        path = own()
        program = tool("otelcol" if name == "collector" else name)
        assert program
        given = [str(option) for option in self._compose[name]["command"]]
        data = self._folder / f"{name}-data"
        options = [re.sub(r"(config(?:\.file)?=).*", rf"\g<1>{path}", option) for option in given]
        options = [re.sub(r"(storage\.(?:tsdb\.)?path=).*", rf"\g<1>{data}", o) for o in options]
        if name in ("prometheus", "alertmanager"):
            port = _PORTS[name][0]
            options.append(f"--web.listen-address={self._here.at(name, port)}")
        return [program, *options]

    def _write(self, name: str, text: str) -> Path:
        path = self._folder / name / "config.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def _listening(self, name: str, text: str) -> str:
        for port in _PORTS[name]:
            number = str(self._here.ports[name, port])
            text = text.replace(f"0.0.0.0:{port}", f"{HOST}:{number}")
            text = text.replace(f"host: 0.0.0.0, port: {port}", f"host: {HOST}, port: {number}")
        assert "0.0.0.0" not in text
        return text

    def _collector(self) -> Path:
        text = (self._watch / "collector.yaml").read_text("utf-8")
        return self._write("collector", self._listening("collector", text))

    def _jaeger(self) -> Path:
        text = (self._watch / "jaeger/jaeger.yaml").read_text("utf-8")
        text = text.replace("/tmp/jaeger/", f"{self._folder}/jaeger-data/")
        return self._write("jaeger", self._listening("jaeger", text))

    def _loki(self) -> Path:
        text = (self._watch / "loki/loki.yaml").read_text("utf-8")
        text = text.replace(" /loki", f" {self._folder}/loki-data")
        for port in _PORTS["loki"]:
            text = text.replace(f"port: {port}", f"port: {self._here.ports['loki', port]}")
        return self._write("loki", text)

    def _alertmanager(self, sink: str) -> Path:
        receivers = self._folder / "receivers"
        receivers.mkdir()
        text = (self._watch / "alertmanager/alertmanager.yml").read_text("utf-8")
        for name in set(re.findall(r"/etc/alertmanager/receivers/([\w-]+)", text)):
            (receivers / name).write_text(f"{sink}/{name}", "utf-8")
        text = text.replace("/etc/alertmanager/receivers", str(receivers))
        return self._write("alertmanager", text)

    def _prometheus(self, table: Sequence[Process]) -> Path:
        text = (self._watch / "prometheus/prometheus.yml").read_text("utf-8")
        known = {f"{process.name}": process.metrics.split("/")[2] for process in table
                 if process.metrics}  # fmt: skip

        def address(found: re.Match[str]) -> str:
            name, port = found[1], int(found[2])
            if (
                watched := (name if name != "localhost" else "prometheus", port)
            ) in self._here.ports:
                return f'"{self._here.at(*watched)}"'
            return f'"{known[name if name in known else name + "-web"]}"'

        text = re.sub(r'"([a-z-]+):(\d+)"', address, text)
        text = text.replace("rules/*.yml", f"{self._watch}/prometheus/rules/*.yml")
        return self._write("prometheus", text)
