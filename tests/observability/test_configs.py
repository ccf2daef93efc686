"""The configuration of every server, by known keys here and by the servers themselves where they
are: ``OBSERVABILITY_BIN`` names a folder with the programs of the pinned versions."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.monitoring import load, rendered, tool

DATA = Path(__file__).parent / "known_keys.yaml"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rendered(tmp_path_factory.mktemp("workspace")) / "observability"


def unknown(value: Any, known: Any, path: str = "") -> list[str]:
    """Paths in `value` that `known` has not; `known` null is a leaf, ``*`` stands for any key."""
    if isinstance(value, list):
        return [found for item in value for found in unknown(item, known, path)]
    if not isinstance(value, dict) or known == "any":
        return []
    if not isinstance(known, dict):
        return [f"{path}.{key}" for key in value]
    found: list[str] = []
    for key, item in value.items():
        name = str(key).partition("/")[0]
        if name in known or "*" in known:
            found += unknown(item, known.get(name, known.get("*")), f"{path}.{key}")
        else:
            found.append(f"{path}.{key}")
    return found


FILES = {
    "collector": ["collector.yaml"],
    "jaeger": ["jaeger/jaeger.yaml", "jaeger/opensearch.yaml", "jaeger/cassandra.yaml"],
    "loki": ["loki/loki.yaml", "loki/object-store.yaml"],
    "prometheus": ["prometheus/prometheus.yml"],
    "alertmanager": ["alertmanager/alertmanager.yml"],
    "grafana_sources": ["grafana/provisioning/datasources/datasources.yaml"],
    "grafana_dashboards": ["grafana/provisioning/dashboards/dashboards.yaml"],
}


@pytest.mark.parametrize(("server", "file"), [(s, f) for s, files in FILES.items() for f in files])
def test_every_key_is_one_that_the_server_knows(workspace: Path, server: str, file: str) -> None:
    assert unknown(load(workspace / file), load(DATA)[server]) == []


def test_unknown_key_is_found() -> None:
    assert unknown({"a": [{"b/x": {"c": 1}}]}, {"a": {"b": {}}}) == [".a.b/x.c"]


@pytest.mark.parametrize("file", [*FILES["collector"], *FILES["jaeger"]])
def test_pipelines_use_what_is_configured_and_nothing_is_left_over(
    workspace: Path, file: str
) -> None:
    document = load(workspace / file)
    used: dict[str, set[str]] = {"receivers": set(), "processors": set(), "exporters": set()}
    for pipeline in document["service"]["pipelines"].values():
        for kind, names in pipeline.items():
            used[kind] |= set(names)
    connectors = set(document.get("connectors", {}))
    assert used["receivers"] == {*document["receivers"], *connectors}
    assert used["exporters"] == {*document["exporters"], *connectors}
    assert used["processors"] == set(document["processors"])
    assert set(document["service"]["extensions"]) == set(document["extensions"])


def test_every_receiver_of_alertmanager_is_a_file_that_compose_writes(workspace: Path) -> None:
    text = (
        Path(__file__).parents[2] / "templates/workspace/files/compose.yaml.j2"
    ).read_text("utf-8")  # fmt: skip
    files = {
        Path(webhook["url_file"]).name
        for receiver in load(workspace / "alertmanager/alertmanager.yml")["receivers"]
        for webhook in receiver["webhook_configs"]
    }
    assert files == {"default", "dead-mans-switch", "orders", "search"}
    assert set(re.findall(r"target: /etc/alertmanager/receivers/([a-z-]+)}", text)) == {
        "default", "dead-mans-switch",
    }  # fmt: skip
    assert "target: /etc/alertmanager/receivers/{{ manifest.name }}}" in text


def need(name: str) -> str:
    path = tool(name)
    if path is None:
        pytest.skip(f"OBSERVABILITY_BIN names no folder with {name} of the pinned version")
    return path


def succeeds(*command: str, cwd: Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_3_accepts_its_configuration(workspace: Path) -> None:
    path = str(workspace / "prometheus" / "prometheus.yml")
    succeeds(need("promtool"), "check", "config", path, cwd=workspace)


def test_alertmanager_accepts_its_configuration(workspace: Path, tmp_path: Path) -> None:
    amtool = tool("amtool") or shutil.which("amtool")
    if amtool is None:
        pytest.skip("amtool is not installed (apt-get install prometheus-alertmanager)")
    path = str(workspace / "alertmanager" / "alertmanager.yml")
    if tool("amtool") is None:
        # Debian's (0.25) knows no url_file: the rest of the file is what it judges.
        text = Path(path).read_text("utf-8").replace("url_file: /", "url: http://x/")
        path = str(tmp_path / "alertmanager.yml")
        Path(path).write_text(text, "utf-8")
    succeeds(amtool, "check-config", path, cwd=workspace)
    routes = {
        "default": ("severity=page", "service_name=gateway"),
        "dead-mans-switch": ("alertname=Watchdog", "severity=none"),
        "orders": ("severity=page", "service_name=orders"),
        "search": ("severity=ticket", "service_name=search"),
    }
    for receiver, labels in routes.items():
        command = ("config", "routes", "test", f"--verify.receivers={receiver}")
        succeeds(amtool, *command, f"--config.file={path}", *labels, cwd=workspace)


@pytest.mark.parametrize("file", FILES["jaeger"])
def test_jaeger_accepts_its_configuration(workspace: Path, file: str) -> None:
    succeeds(need("jaeger"), "validate", "--config", str(workspace / file), cwd=workspace)


@pytest.mark.parametrize("file", FILES["loki"])
def test_loki_accepts_its_configuration(workspace: Path, file: str) -> None:
    options = ("-config.expand-env=true", f"-config.file={workspace / file}", "-verify-config")
    succeeds(need("loki"), *options, cwd=workspace)


def test_collector_accepts_its_configuration(workspace: Path, tmp_path: Path) -> None:
    otelcol = need("otelcol")
    made_of = subprocess.run([otelcol, "components"], capture_output=True, text=True, check=True)
    text = (workspace / "collector.yaml").read_text("utf-8")
    if "service_graph" not in made_of.stdout:
        # A Collector built without this connector checks the rest.
        text = re.sub(r"  service_graph:\n(?:    .*\n)+", "", text).replace(", service_graph]", "]")
    path = tmp_path / "collector.yaml"
    path.write_text(text, "utf-8")
    succeeds(otelcol, "validate", "--config", str(path), cwd=tmp_path)
