"""What scaffold writes for Compose, CI and Kubernetes, held against the schemas of each.

No container runs here: these files are checked by their schemas, by kustomize where it is
installed, and by what they say about each other.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from ruamel.yaml import YAML
from support.commands import succeeds

ROOT = Path(__file__).parents[2]
MODELS = ROOT / ".venv" / "kubernetes" / "node_modules" / "@kubernetes-models"
CUSTOM = ("keda.sh/", "monitoring.coreos.com/")
KUSTOMIZE = ("kustomize.config.k8s.io/",)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's workspace, on disk."""
    folder = tmp_path_factory.mktemp("deploy")
    for command in (["analyze", str(ROOT / "sample_monolith")], ["plan"], ["scaffold"]):
        succeeds(folder, *command)
    return folder / "workspace"


def documents(path: Path) -> list[dict[str, Any]]:
    return [d for d in YAML(typ="safe").load_all(path.read_text("utf-8")) if d]


def manifests(workspace: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    folders = (workspace / "deploy" / "kubernetes", workspace / "observability")
    for path in sorted(p for folder in folders for p in folder.rglob("*.yaml")):
        for document in documents(path):
            if "apiVersion" in document and "kind" in document:
                yield path, document


def test_every_kubernetes_object_is_valid(workspace: Path) -> None:
    checked = 0
    for path, document in manifests(workspace):
        if document["apiVersion"].startswith((*CUSTOM, *KUSTOMIZE)):
            continue
        try:
            kubernetes_validate.validate(document, "1.37", strict=True)
        except kubernetes_validate.ValidationError as error:
            pytest.fail(f"{path}: {document['kind']}: {error.message} at {list(error.path)}")
        checked += 1
    assert checked > 50


@pytest.mark.skipif(
    not MODELS.is_dir() or not shutil.which("node"),
    reason="needs npm's @kubernetes-models/keda and @kubernetes-models/prometheus-operator",
)
def test_every_custom_resource_is_valid(workspace: Path) -> None:
    found = [d for _, d in manifests(workspace) if d["apiVersion"].startswith(CUSTOM)]
    assert {d["kind"] for d in found} == {
        "PodMonitor",
        "PrometheusRule",
        "ScaledObject",
        "ServiceMonitor",
    }
    script = """
      const package_of = {'keda.sh': 'keda', 'monitoring.coreos.com': 'prometheus-operator'};
      const objects = JSON.parse(require('fs').readFileSync(0));
      for (const o of objects) {
        const group = o.apiVersion.split('/')[0];
        const kinds = require(process.argv[1] + '/' + package_of[group] + '/' + o.apiVersion);
        try { new kinds[o.kind](o).validate(); }
        catch (e) { console.log(o.kind, o.metadata.name, e.message); }
      }
    """
    result = subprocess.run(
        ["node", "-e", script, str(MODELS)],
        input=json.dumps(found),
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.compose-spec", "compose.yaml"),
        ("vendor.github-workflows", ".github/workflows/ci.yml"),
    ],
)
def test_compose_and_workflow_are_valid(workspace: Path, schema: str, file: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    result = subprocess.run(
        [*command, str(workspace / file)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout


def test_kustomizations_name_files_that_are_there_and_leave_none_out(workspace: Path) -> None:
    for path in sorted(workspace.rglob("kustomization.yaml")):
        [document] = documents(path)
        named = list(document.get("resources", []))
        for generated in document.get("configMapGenerator", []):
            named += [entry.partition("=")[2] for entry in generated["files"]]
        assert [name for name in named if not (path.parent / name).exists()] == []
        beside = {p.name for p in path.parent.glob("*.yaml")} - {"kustomization.yaml"}
        if path.parent.name != "observability":
            assert beside <= set(named), path


def test_nothing_that_is_mounted_is_missing(workspace: Path) -> None:
    [kustomization] = documents(workspace / "observability" / "kustomization.yaml")
    made = {generated["name"] for generated in kustomization["configMapGenerator"]}
    volumes = [
        volume
        for document in documents(workspace / "observability" / "kubernetes.yaml")
        if document["kind"] in ("Deployment", "StatefulSet")
        for volume in document["spec"]["template"]["spec"]["volumes"]
    ]
    volumes += [source for v in volumes for source in v.get("projected", {}).get("sources", ())]
    wanted = {volume["configMap"]["name"] for volume in volumes if "configMap" in volume}
    assert wanted == made


def test_every_workload_is_safe_and_can_be_moved(workspace: Path) -> None:
    """Probes, limits, no root, no secret in clear, a budget for what has several replicas."""
    budgets, workloads = [], []
    for _, document in manifests(workspace):
        if document["kind"] == "PodDisruptionBudget":
            budgets.append(document["spec"]["selector"]["matchLabels"])
        elif document["kind"] in ("Deployment", "StatefulSet"):
            workloads.append(document)
    assert len(workloads) > 30
    for workload in workloads:
        template = workload["spec"]["template"]
        pod, labels = template["spec"], template["metadata"]["labels"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert {"requests", "limits"} <= set(container["resources"])
            for variable in container.get("env", []):
                assert "PASSWORD" not in variable["name"] and "@" not in variable.get("value", "")
        if workload["spec"]["replicas"] > 1:
            probes = pod["containers"][0]
            assert "livenessProbe" in probes and "startupProbe" in probes
            assert any(budget.items() <= labels.items() for budget in budgets), labels


def test_who_may_call_whom_follows_the_plan(workspace: Path) -> None:
    """A service is open to the gateway, to Prometheus and to those that call it, no one else."""
    called: dict[str, set[str]] = {}
    for path, document in manifests(workspace):
        if document["kind"] != "Deployment" or path.name == "gateway.yaml":
            continue
        container = document["spec"]["template"]["spec"]["containers"][0]
        for variable in container.get("env", []):
            if variable["name"].startswith("SERVICE_URL_"):
                target = variable["value"].removeprefix("http://").partition(":")[0]
                called.setdefault(target, set()).add(path.stem)
    policies = {
        path.stem: document
        for path, document in manifests(workspace)
        if document["kind"] == "NetworkPolicy" and path.parent.name == "kubernetes"
    }
    services = {p.name for p in (workspace / "services").iterdir()}
    for name in services:
        first = policies[name]["spec"]["ingress"][0]
        sources = {_name(source["podSelector"]) for source in first["from"]}
        assert sources == {"gateway"} | called.get(name, set())


def _name(selector: Mapping[str, Any]) -> str:
    return str(selector["matchLabels"]["app.kubernetes.io/name"])


@pytest.mark.skipif(not shutil.which("kustomize"), reason="needs kustomize")
def test_kustomize_builds_all_with_and_without_components(workspace: Path, tmp_path: Path) -> None:
    copy = tmp_path / "workspace"
    shutil.copytree(workspace, copy)
    home = copy / "deploy" / "kubernetes"
    plain = subprocess.run(["kustomize", "build", home], capture_output=True, text=True, check=True)
    path = home / "kustomization.yaml"
    text = path.read_text("utf-8").replace("  []\n", "").replace("# - a", "- a")
    path.write_text(text.replace("# - m", "- m"), "utf-8")
    full = subprocess.run(["kustomize", "build", home], capture_output=True, text=True, check=True)
    assert "kind: ScaledObject" not in plain.stdout
    assert "kind: ScaledObject" in full.stdout and "kind: PrometheusRule" in full.stdout
