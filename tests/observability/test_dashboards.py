"""Dashboards: what each must have, and what Grafana's own packages and promtool say to them."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from ruamel.yaml import YAML
from support.dashboards import (
    Asked,
    correlations,
    dashboards,
    panels,
    queries,
    used_variables,
    written_labels,
)
from support.documented import documented
from support.emission import missing
from support.monitoring import REPOSITORY, load, promtools, rendered

NODE = REPOSITORY / ".venv" / "grafana" / "node_modules"
needs_npm = pytest.mark.skipif(
    not (NODE / "@grafana/schema").is_dir() or not shutil.which("node"),
    reason="needs npm's @grafana/schema, @grafana/lezer-logql and typescript in .venv/grafana",
)
WIDTH = 24


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rendered(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def boards(workspace: Path) -> dict[str, dict[str, Any]]:
    return dashboards(workspace)


@pytest.fixture(scope="module")
def promql(workspace: Path, boards: dict[str, dict[str, Any]]) -> list[Asked]:
    return every(workspace, boards, "prometheus")


def every(workspace: Path, boards: dict[str, dict[str, Any]], kind: str) -> list[Asked]:
    """The queries of all dashboards, and those that lead there from a trace."""
    asked = [query for path, board in boards.items() for query in queries(path, board)]
    return [query for query in (*asked, *correlations(workspace)) if query.kind == kind]


def test_there_is_one_for_each_view_and_service(boards: dict[str, dict[str, Any]]) -> None:
    assert list(boards) == [
        "Overview/fleet.json",
        "Overview/messaging.json",
        "Overview/migration.json",
        "Overview/slo.json",
        "Services/service-gateway.json",
        "Services/service-orders.json",
        "Services/service-search.json",
    ]
    assert all(board["uid"] == Path(path).stem for path, board in boards.items())


def test_every_dashboard_says_what_it_is(boards: dict[str, dict[str, Any]]) -> None:
    for path, board in boards.items():
        assert board["description"].endswith("."), path
        assert board["tags"] == ["migrator"] and board["timezone"] == "browser", path
        assert board["refresh"] and board["time"]["to"] == "now", path
        assert len(board["uid"]) <= 40, path


def test_every_panel_has_a_description_a_unit_and_something_to_show(
    boards: dict[str, dict[str, Any]],
) -> None:
    for path, board in boards.items():
        assert [row for row in board["panels"] if row["type"] == "row"], path
        for panel in panels(board):
            if panel["type"] == "row":
                continue
            place = f"{path}: {panel['title']}"
            assert panel["description"].endswith("."), place
            assert panel["fieldConfig"]["defaults"]["unit"], place
            assert panel["targets"] or panel["type"] == "text", place
            assert panel["datasource"]["uid"] == panel["datasource"]["type"], place


def test_titles_and_references_are_told_apart(boards: dict[str, dict[str, Any]]) -> None:
    for path, board in boards.items():
        found = list(panels(board))
        numbers = [panel["id"] for panel in found]
        assert len(set(numbers)) == len(numbers), path
        for row in (row for row in found if row["type"] == "row"):
            assert not row["collapsed"] or row["panels"], f"{path}: {row['title']} is empty"
        for panel in found:
            names = [target["refId"] for target in panel.get("targets", ())]
            assert len(set(names)) == len(names), f"{path}: {panel['title']}"


def test_no_panels_overlap_and_none_leaves_the_page(boards: dict[str, dict[str, Any]]) -> None:
    for path, board in boards.items():
        closed = [row["panels"] for row in board["panels"] if row.get("panels")]
        for together in (board["panels"], *closed):
            places = [(panel["title"], panel["gridPos"]) for panel in together]
            for title, place in places:
                assert place["x"] >= 0 and place["x"] + place["w"] <= WIDTH, f"{path}: {title}"
            for (one, a), (other, b) in itertools.combinations(places, 2):
                apart = (
                    a["x"] + a["w"] <= b["x"]
                    or b["x"] + b["w"] <= a["x"]
                    or a["y"] + a["h"] <= b["y"]
                    or b["y"] + b["h"] <= a["y"]
                )
                assert apart, f"{path}: {one} and {other}"


def test_rows_fill_the_width(boards: dict[str, dict[str, Any]]) -> None:
    """A hole at the right end looks forgotten."""
    for path, board in boards.items():
        for together in (board["panels"], *(row.get("panels", ()) for row in board["panels"])):
            lines: dict[int, int] = {}
            for panel in together:
                place = panel["gridPos"]
                lines[place["y"]] = lines.get(place["y"], 0) + place["w"]
            assert {y: w for y, w in lines.items() if w != WIDTH} == {}, path


def test_variables_are_there_and_used(boards: dict[str, dict[str, Any]]) -> None:
    for path, board in boards.items():
        assert used_variables(board) == {v["name"] for v in board["templating"]["list"]}, path


def test_every_data_source_is_provisioned(
    workspace: Path, boards: dict[str, dict[str, Any]]
) -> None:
    file = "observability/grafana/provisioning/datasources/datasources.yaml"
    document = load(workspace / file)
    uids = {source["uid"] for source in document["datasources"]}
    named = set(re.findall(r'"(?:datasourceUid|uid)": "([a-z]+)"', json.dumps(document)))
    assert named == uids
    used = {
        found["uid"]
        for board in boards.values()
        for found in _below(board, "datasource")
        if isinstance(found, dict)
    }
    assert used <= uids
    assert used == {"prometheus", "loki", "jaeger"}


def _below(value: Any, key: str) -> list[Any]:
    """What stands under `key` anywhere in `value`."""
    if isinstance(value, list):
        return [found for item in value for found in _below(item, key)]
    if not isinstance(value, dict):
        return []
    return [v for k, v in value.items() if k == key] + [
        found for item in value.values() for found in _below(item, key)
    ]


def test_every_link_leads_to_a_dashboard_that_exists(boards: dict[str, dict[str, Any]]) -> None:
    uids = {board["uid"] for board in boards.values()}
    named = {"service-" + name for name in ("orders", "search", "gateway")}
    for path, board in boards.items():
        links = [url for url in _below(board, "url") if url]
        assert links, path
        for url in links:
            target = url.removeprefix("/d/").partition("?")[0]
            wanted = named if "${__value.raw}" in target else {target}
            assert wanted <= uids, f"{path}: {url}"


def test_a_service_shows_only_what_it_has(boards: dict[str, dict[str, Any]]) -> None:
    from migrator.model.manifest import ServiceManifest
    from migrator.scaffold.dashboards.board import document
    from migrator.scaffold.dashboards.service import of_service

    bare = document(of_service(ServiceManifest("bare", "shop", "shop:app"), ""))
    titles = [row["title"] for row in bare["panels"] if row["type"] == "row"]
    assert titles == ["Now", "Requests", "Database", "Resources", "Logs", "Traces"]
    full = boards["Services/service-orders.json"]
    shown = {row["title"] for row in full["panels"] if row["type"] == "row"}
    assert shown == {*titles, "Calls to other services", "Messages"}


def test_long_names_of_services_get_dashboards_of_their_own_and_links_that_find_them() -> None:
    from migrator.model.manifest import ServiceManifest
    from migrator.scaffold.dashboards import dashboard_files

    names = [f"customers-and-their-many-contracts-{end}" for end in ("abroad", "at-home")]
    files = dashboard_files([ServiceManifest(name, "shop", "shop:app") for name in names], {})
    uids = [json.loads(text)["uid"] for text in files.values()]
    assert len(set(uids)) == len(uids) == 4 + 1 + len(names)
    assert max(map(len, uids)) == 40
    assert not any("/d/service-${__value.raw}" in text for text in files.values())
    assert "/dashboards?query=${__value.raw}" in files["Overview/fleet.json"]


def test_a_dashboard_fits_in_a_config_map(workspace: Path) -> None:
    # What `kubectl apply` keeps beside an object may not be longer.
    for path in (workspace / "observability/grafana/dashboards").rglob("*.json"):
        assert path.stat().st_size < 262_144, path


def test_promql_is_promql(promql: list[Asked]) -> None:
    assert len(promql) > 150
    for query in promql:
        try:
            promql_parser.parse(query.text)
        except ValueError as error:
            pytest.fail(f"{query.place}: {error}: {query.text}")


def test_what_several_processes_tell_of_one_table_is_not_added_up(promql: list[Asked]) -> None:
    gauges = re.compile(
        r"sum[^(]*(?:by \([^)]*\) )?\(chassis_(?:outbox|inbox)_(?:pending|dead|retry)"
    )
    assert gauges.search("sum(chassis_outbox_pending)")
    assert gauges.search("sum by (service_name) (chassis_inbox_dead)")
    assert [query.place for query in promql if gauges.search(query.text)] == []


@pytest.mark.parametrize("promtool", promtools())
def test_promtool_accepts_every_query(promql: list[Asked], promtool: str, tmp_path: Path) -> None:
    """As the expressions of a rule file, which promtool checks with their types."""
    rules = [{"record": f"query:{index}", "expr": query.text} for index, query in enumerate(promql)]
    path = tmp_path / "queries.yml"
    with path.open("w") as stream:
        YAML().dump({"groups": [{"name": "queries", "rules": rules}]}, stream)
    command = [promtool, "check", "rules", "--lint=none", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


RECORDED = re.compile(r"(slo|migration):.*")
# Of Prometheus itself; the labels are those of rules and scrapes.
OWN = {
    "ALERTS": {"alertname", "alertstate", "severity", "service_name"},
    "up": {"job", "service_name", "service_role"},
}


def test_every_metric_and_label_is_one_that_services_emit(
    workspace: Path, promql: list[Asked]
) -> None:
    """By the documentation; test_real_alerts.py asks the running services the same."""
    known = {metric.name: metric.labels for metric in documented()}
    assert known["chassis_inbox_lag_seconds_bucket"] >= {"le", "service_name"}
    for name, labels in OWN.items():
        known[name] = labels
    for path in sorted((workspace / "observability/prometheus/rules").glob("*.yml")):
        for group in load(path)["groups"]:
            for rule in group["rules"]:
                if RECORDED.fullmatch(rule.get("record", "")):
                    known.setdefault(rule["record"], set()).update(rule["labels"])

    def series(name: str) -> list[dict[str, str]]:
        return [dict.fromkeys(known[name], "")] if name in known else []

    found = {}
    for query in promql:
        written = {f"{{{label}}}" for label in written_labels(query.text)}
        gone = [what for what in missing(query.text, series) if what not in written]
        if gone:
            found[query.place] = gone
    assert found == {}


def test_every_stream_is_named(workspace: Path, boards: dict[str, dict[str, Any]]) -> None:
    """Loki refuses a selector that every stream fits."""
    for query in every(workspace, boards, "loki"):
        found = re.search(r"\{(.*?)\}", query.text)
        assert found, query.text
        pairs = re.findall(r'\w+(=~?)"([^"]*)"', found[1])
        assert any(value and (sign == "=" or not re.fullmatch(value, "")) for sign, value in pairs)


LOGQL = """
  import { parser } from '@grafana/lezer-logql';
  import { readFileSync } from 'fs';
  for (const [place, text] of JSON.parse(readFileSync(0))) {
    parser.parse(text).iterate({ enter: (node) => {
      if (node.type.isError) console.log(`${place}: at ${node.from}: ${text}`);
    }});
  }
"""


def logql(asked: list[tuple[str, str]], folder: Path) -> str:
    """What Grafana's LogQL grammar does not take."""
    script = folder / "logql.mjs"
    script.write_text(LOGQL, "utf-8")
    (folder / "node_modules").symlink_to(NODE)
    done = subprocess.run(
        ["node", str(script)], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    return done.stdout


@needs_npm
def test_logql_is_logql(workspace: Path, boards: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    asked = [(q.place, q.text) for q in every(workspace, boards, "loki")]
    assert len(asked) > 9
    assert logql(asked, tmp_path) == ""


@needs_npm
@pytest.mark.parametrize("text", ['{a="b"', '{a="b"} | c==="d"', "sum by (a) (rate({b=~`c`}))"])
def test_broken_logql_is_found(text: str, tmp_path: Path) -> None:
    assert "here" in logql([("here", text)], tmp_path)


def type_errors(documents: dict[str, dict[str, Any]], folder: Path) -> str:
    """What TypeScript finds wrong with `documents`, as literals of the type of a dashboard."""
    (folder / "node_modules").symlink_to(NODE)
    shutil.copy(Path(__file__).with_name("board.ts"), folder)
    for path, document in documents.items():
        text = json.dumps(document, indent=1)
        file = folder / f"{Path(path).stem}.ts"
        file.write_text(
            f"import type {{ Board }} from './board';\nexport const x: Board = {text};\n"
        )
    options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022"]
    options += ["--module", "esnext", "--moduleResolution", "bundler"]
    command = ["node", str(NODE / "typescript/bin/tsc"), *options]
    files = [str(path) for path in sorted(folder.glob("*.ts"))]
    done = subprocess.run(
        [*command, *files], capture_output=True, text=True, cwd=folder, check=False
    )
    return done.stdout + done.stderr


@needs_npm
def test_dashboards_are_of_grafanas_own_types(
    boards: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    assert type_errors(boards, tmp_path) == ""


@needs_npm
def test_what_grafana_does_not_know_is_found(
    boards: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    text = json.dumps(boards["Overview/fleet.json"])
    broken = {
        "key": text.replace('"graphTooltip"', '"grafTooltip"'),
        "option": text.replace('"colorMode"', '"colourMode"'),
        "value": text.replace('"drawStyle": "line"', '"drawStyle": "lines"'),
    }
    assert all(changed != text for changed in broken.values())
    found = type_errors({name: json.loads(changed) for name, changed in broken.items()}, tmp_path)
    for name in broken:
        assert f"{name}.ts(" in found, found
