"""What watches the workspace: configuration, rules with their tests, runbooks."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from migrator.model.manifest import ServiceManifest
from migrator.model.plan import Service
from migrator.model.progress import Progress
from migrator.scaffold.dashboards import dashboard_files
from migrator.scaffold.progress_rules import progress_rules
from migrator.scaffold.slo_rules import slo_rules, slo_tests
from migrator.scaffold.templates import plain_tree, rendered_tree, runbooks_root

_RUNBOOKS = "docs/runbooks"
_RULES = "observability/prometheus/rules/slo.yml"
_PROGRESS = "observability/prometheus/rules/migration.yml"
_DASHBOARDS = "observability/grafana/dashboards"
_TESTS = "observability/prometheus/rule_tests/slo.yml"
_HEAD = {
    _RULES: "The SLOs of migration.yaml as recording rules; slo_alerts.yml watches them.",
    _PROGRESS: "How far the migration is; `migrator status` tells the same.",
    _TESTS: "promtool test rules rule_tests/*.yml: each SLO fires when nothing succeeds.",
}


def observability_files(
    services: Sequence[Service],
    manifests: Sequence[ServiceManifest],
    progress: Progress,
    context: dict[str, object],
) -> dict[str, str]:
    """The files below ``observability/`` and ``docs/runbooks/``."""
    context = {**context, "manifests": manifests}
    files = dict(rendered_tree("observability", "observability", **context))
    # The gateway sees what users see, also when a service does not answer at all.
    slos = {"gateway": (), **{service.name: service.slos for service in services}}
    files[_RULES] = _yaml(slo_rules(slos), _HEAD[_RULES])
    files[_TESTS] = _yaml(slo_tests(slos), _HEAD[_TESTS])
    files[_PROGRESS] = _yaml(progress_rules(progress), _HEAD[_PROGRESS])
    purposes = {service.name: service.purpose for service in services}
    boards = dashboard_files(manifests, purposes)
    files |= {f"{_DASHBOARDS}/{path}": text for path, text in boards.items()}
    files |= dict(plain_tree(runbooks_root(), _RUNBOOKS))
    return files


def with_runbooks_at(base: str, files: Mapping[str, str]) -> dict[str, str]:
    """The files whose rules lead to runbooks below the URL `base` instead of the workspace's
    own folder; empty leaves them as they are."""
    if not base:
        return dict(files)
    link, found = f"runbook_url: {_RUNBOOKS}/", f"runbook_url: {base.rstrip('/')}/"
    return {
        path: text.replace(link, found) if path.endswith((".yml", ".yaml")) else text
        for path, text in files.items()
    }


def _yaml(document: dict[str, Any], head: str) -> str:
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.width = 10_000
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    # The same labels stand in many rules; references would be hard to read.
    yaml.representer.ignore_aliases = lambda _: True
    stream = io.StringIO()
    yaml.dump(document, stream)
    return f"# {head}\n{stream.getvalue()}"
