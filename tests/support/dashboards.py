"""What the tests of dashboards share: every panel, query and variable of a workspace."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

Document = dict[str, Any]

# What Grafana puts into a query before it asks, as something that the same query may hold.
_BUILT_IN = {"__rate_interval": "5m", "__interval": "1m", "__auto": "1m", "__range": "1h"}
# `$1` belongs to label_replace, not to Grafana.
VARIABLE = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)[^}]*\}|(?P<plain>[A-Za-z_]\w*))")


@dataclass(frozen=True)
class Asked:
    """A query, and where it stands."""

    place: str
    text: str
    kind: str


def dashboards(workspace: Path) -> dict[str, Document]:
    """Every dashboard below `workspace`, by its path."""
    folder = workspace / "observability/grafana/dashboards"
    return {
        path.relative_to(folder).as_posix(): json.loads(path.read_text("utf-8"))
        for path in sorted(folder.rglob("*.json"))
    }


def panels(dashboard: Document) -> Iterator[Document]:
    """Rows and panels, those of closed rows too."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", ())


def queries(path: str, dashboard: Document) -> Iterator[Asked]:
    """Every query of panels, variables and annotations, with all choices on All."""
    chosen = {v["name"]: v["allValue"] for v in dashboard["templating"]["list"]}
    for asked in _written(path, dashboard):
        yield replace(asked, text=filled(asked.text, chosen))


def _written(path: str, dashboard: Document) -> Iterator[Asked]:
    for panel in panels(dashboard):
        for target in panel.get("targets", ()):
            if "expr" in target:
                where = f"{path}: {panel['title']}: {target['refId']}"
                yield Asked(where, target["expr"], target["datasource"]["type"])
    for variable in dashboard["templating"]["list"]:
        # label_values(SELECTOR, LABEL): the selector is PromQL, the label one of its series.
        selector, _, label = variable["query"]["query"][13:-1].rpartition(", ")
        text = f"count by ({label}) ({selector})"
        yield Asked(f"{path}: variable {variable['name']}", text, "prometheus")
    for annotation in dashboard["annotations"]["list"]:
        yield Asked(f"{path}: annotation", annotation["expr"], annotation["datasource"]["type"])


def correlations(workspace: Path) -> Iterator[Asked]:
    """The queries that lead from a trace to metrics and logs, with its tags filled in."""
    file = "observability/grafana/provisioning/datasources/datasources.yaml"
    document = YAML(typ="safe").load((workspace / file).read_text("utf-8"))
    kinds = {source["uid"]: source["type"] for source in document["datasources"]}
    for source in document["datasources"]:
        for name in ("tracesToLogsV2", "tracesToMetrics"):
            settings = source["jsonData"].get(name)
            if settings is None:
                continue
            tags = ",".join(f'{tag["value"]}="x"' for tag in settings["tags"])
            for query in settings.get("queries", [settings]):
                text = query["query"].replace("$${__tags}", tags).replace("$$__tags", tags)
                text = text.replace("$${__trace.traceId}", "abc")
                where = f"{source['name']}: {name}: {query.get('name', '')}"
                yield Asked(where, text, kinds[settings["datasourceUid"]])


def written_labels(text: str) -> set[str]:
    """The labels that label_replace and label_join write: no series needs to have them."""
    return set(re.findall(r'label_(?:replace|join)\(.*?, "(\w+)", "', text))


def filled(text: str, chosen: Mapping[str, str]) -> str:
    """`text` as Grafana sends it; what is not `chosen` stays."""
    values = {**_BUILT_IN, **chosen}
    return VARIABLE.sub(lambda m: values.get(m["braced"] or m["plain"], m[0]), text)


def used_variables(dashboard: Document) -> set[str]:
    """The variables that anything of `dashboard` names, without those of Grafana itself."""
    found = {m["braced"] or m["plain"] for m in VARIABLE.finditer(json.dumps(dashboard))}
    return {name for name in found if not name.startswith("__")}
