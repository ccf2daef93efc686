"""The workspace for Kubernetes: manifests for ``kubectl apply -k``, by kustomize."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml import YAML

from migrator.model.manifest import ServiceManifest
from migrator.scaffold.images import IMAGES
from migrator.scaffold.templates import render

_HOME = "deploy/kubernetes"
_WATCH = "observability"
_PROMETHEUS = f"{_WATCH}/prometheus/prometheus.yml"
_PROMETHEUS_HERE = f"{_WATCH}/prometheus/prometheus.kubernetes.yml"
_RULES = f"{_WATCH}/prometheus/rules/"
_DASHBOARDS = f"{_WATCH}/grafana/dashboards/"
_PROVISIONING = f"{_WATCH}/grafana/provisioning/"
_ROLES = ("web", "relay", "inbox")


def kubernetes_files(
    manifests: Sequence[ServiceManifest], watching: Mapping[str, str], *, complete: bool
) -> dict[str, str]:
    """The files below ``deploy/kubernetes/`` and those that bring `watching` there.

    `watching` are the files below ``observability/``; `complete` says that no route is left to
    the monolith.
    """
    package = manifests[0].package.replace("_", "-").lower()
    context = {
        "manifests": manifests,
        "complete": complete,
        "images": IMAGES,
        "package": package,
        "names": [*(manifest.name for manifest in manifests), "gateway"],
    }
    files = {
        f"{_HOME}/{name}": render(f"kubernetes/{name}.jinja", **context)
        for name in (
            "kustomization.yaml", "namespace.yaml", "gateway.yaml", "nats.yaml", "README.md"
        )
    }  # fmt: skip
    calls = {m.name: sorted({call.service for call in m.calls}) for m in manifests}
    for manifest in manifests:
        callers = sorted(name for name, callees in calls.items() if manifest.name in callees)
        files[f"{_HOME}/{manifest.name}.yaml"] = render(
            "kubernetes/service.yaml.jinja",
            manifest=manifest,
            callees=calls[manifest.name],
            callers=callers,
        )
    return files | _autoscaling(context) | _monitoring(context, watching) | _watching(watching)


def _autoscaling(context: Mapping[str, Any]) -> dict[str, str]:
    names: Iterable[str] = (m.name for m in context["manifests"])
    deployments = [f"{name}-{role}" for name in names for role in _ROLES]
    home = f"{_HOME}/autoscaling"
    return {
        f"{home}/kustomization.yaml": render(
            "kubernetes/component.yaml.jinja",
            files=["autoscaling.yaml"],
            patches=[*deployments, "gateway"],
        ),
        f"{home}/autoscaling.yaml": render("kubernetes/autoscaling.yaml.jinja", **context),
    }


def _monitoring(context: Mapping[str, Any], watching: Mapping[str, str]) -> dict[str, str]:
    rules = [
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": PurePosixPath(path).stem.replace("_", "-")},
            "spec": _load(text),
        }
        for path, text in sorted(watching.items())
        if path.startswith(_RULES)
    ]
    home = f"{_HOME}/monitoring"
    return {
        f"{home}/kustomization.yaml": render(
            "kubernetes/component.yaml.jinja", files=["monitors.yaml", "rules.yaml"], patches=()
        ),
        f"{home}/monitors.yaml": render("kubernetes/monitors.yaml.jinja", **context),
        f"{home}/rules.yaml": _dump(
            rules, "The rules of observability/prometheus/rules, for a Prometheus operator."
        ),
    }


def _watching(watching: Mapping[str, str]) -> dict[str, str]:
    maps: dict[str, list[tuple[str, str]]] = {
        "collector": [("collector.yaml", "collector.yaml")],
        "jaeger": [("jaeger.yaml", "jaeger/jaeger.yaml")],
        "loki": [("loki.yaml", "loki/loki.yaml")],
        "prometheus": [("prometheus.yml", _PROMETHEUS_HERE.removeprefix(f"{_WATCH}/"))],
        "prometheus-rules": _entries(watching, _RULES),
        "alertmanager": [("alertmanager.yml", "alertmanager/alertmanager.yml")],
    }
    boards = {
        f"dashboard-{PurePosixPath(path).stem}": path.removeprefix(f"{_WATCH}/")
        for path in sorted(watching)
        if path.startswith(_DASHBOARDS)
    }
    provisioned = sorted({_folder(p, _PROVISIONING) for p in watching if _PROVISIONING in p})
    for folder in provisioned:
        maps[f"grafana-{folder}"] = _entries(watching, f"{_PROVISIONING}{folder}/")
    mounts = {f"grafana-{folder}": f"/etc/grafana/provisioning/{folder}" for folder in provisioned}
    shown = [
        f"{{configMap: {{name: {name}, items: [{{key: {PurePosixPath(path).name}, "
        f"path: {'/'.join(PurePosixPath(path).parts[-2:])}}}]}}}}"
        for name, path in boards.items()
    ]
    return {
        _PROMETHEUS_HERE: _dump(
            _finding_pods(_load(watching[_PROMETHEUS])),
            "prometheus.yml for Kubernetes: the pods of the namespace are found, not listed.",
        ),
        f"{_WATCH}/kustomization.yaml": render(
            "kubernetes/observability_kustomization.yaml.jinja",
            maps=maps.items(),
            boards=boards.items(),
        ),
        f"{_WATCH}/kubernetes.yaml": render(
            "kubernetes/observability.yaml.jinja",
            images=IMAGES,
            grafana_mounts=[
                f"{{name: {name}, mountPath: {path}, readOnly: true}}"
                for name, path in mounts.items()
            ],
            grafana_volumes=[f"{{name: {name}, configMap: {{name: {name}}}}}" for name in mounts],
            grafana_boards=f"{{name: dashboards, projected: {{sources: [{', '.join(shown)}]}}}}",
            ways_in=_WAYS_IN,
        ),
    }


def _of(*names: str) -> list[str]:
    return [f"{{matchLabels: {{app.kubernetes.io/name: {name}}}}}" for name in names]


# Who may ask whom for what; Grafana and Jaeger are for people, by port-forward or your Ingress.
_WAYS_IN = (
    ("collector", ["{}"], [4317, 4318]),
    ("jaeger", _of("collector", "grafana", "prometheus"), [4317, 16686, 8888]),
    ("loki", _of("collector", "grafana", "prometheus"), [3100]),
    ("prometheus", [*_of("collector", "grafana"), "{}"], [9090]),
    ("alertmanager", _of("prometheus", "grafana"), [9093]),
)


def _entries(watching: Mapping[str, str], folder: str) -> list[tuple[str, str]]:
    """(key, path below ``observability/``) of each file directly in `folder`."""
    return [
        (PurePosixPath(path).name, path.removeprefix(f"{_WATCH}/"))
        for path in sorted(watching)
        if path.startswith(folder) and "/" not in path.removeprefix(folder)
    ]


def _folder(path: str, above: str) -> str:
    return path.removeprefix(above).partition("/")[0]


def _finding_pods(configuration: dict[str, Any]) -> dict[str, Any]:
    """The configuration with its list of services replaced by discovery."""
    label = "__meta_kubernetes_pod_label_app_kubernetes_io_"
    jobs = [job for job in configuration["scrape_configs"] if job["job_name"] != "services"]
    known = [job for job in configuration["scrape_configs"] if job["job_name"] == "services"]
    found = {
        "job_name": "services",
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"own_namespace": True}}],
        "relabel_configs": [
            {"source_labels": [f"{label}component"], "regex": "web|relay|inbox|gateway",
             "action": "keep"},
            {"source_labels": ["__meta_kubernetes_pod_container_port_name"],
             "regex": "http|metrics", "action": "keep"},
            {"source_labels": [f"{label}name"], "target_label": "service_name"},
            {"source_labels": [f"{label}component"], "target_label": "service_role"},
        ],
    }  # fmt: skip
    kept = {k: v for job in known for k, v in job.items() if k != "static_configs"}
    return configuration | {"scrape_configs": [kept | found, *jobs]}


def _load(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(text)
    return loaded


def _dump(documents: object, head: str) -> str:
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.width = 10_000
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    stream = io.StringIO()
    if isinstance(documents, list):
        yaml.dump_all(documents, stream)
    else:
        yaml.dump(documents, stream)
    return f"# {head}\n{stream.getvalue()}"
