"""One service at a time: what was carved before keeps its place around the services."""

from __future__ import annotations

import json

from support.graphs import SAMPLE, sample, sample_plan

from migrator.model.progress import Share
from migrator.plan.progress import progress
from migrator.scaffold.source import read_source
from migrator.scaffold.workspace import build


def test_the_second_service_does_not_take_the_first_one_out() -> None:
    plan, assignment = sample_plan()
    first, second, *_ = (service.name for service in plan.services)
    source = read_source(SAMPLE, sample())
    files = build(plan, assignment, sample(), source, (second,), (first,)).files
    routes = json.loads(files["gateway/routes.json"])
    assert {route["service"] for route in routes} == {first, second}
    for path in ("compose.yaml", "deploy/kubernetes/kustomization.yaml"):
        assert first in files[path] and second in files[path], path
    assert "MONOLITH_URL" in files["compose.yaml"]
    assert f"observability/grafana/dashboards/Services/service-{first}.json" in files
    carved = {path.split("/")[1] for path in files if path.startswith("services/")}
    assert carved == {second}
    routed = {(route["method"], route["path"]): route["service"] for route in routes}
    found = progress(plan, assignment, sample(), routed, {first: (), second: ()})
    assert found.carved == Share(2, len(plan.services))
    assert found.routes.moved == len(routes)
