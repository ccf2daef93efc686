"""Grafana's dashboard JSON (schema 42, as Grafana 13 writes it), laid out from rows of panels."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from migrator.scaffold.dashboards.panels import Panel

WIDTH = 24
TAG = "migrator"
SCHEMA_VERSION = 42


@dataclass(frozen=True, slots=True)
class Row:
    """A heading and the panels below it, from left to right; a `collapsed` one opens by a click."""

    title: str
    panels: Sequence[Panel]
    collapsed: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top: the values of `label` in the series of `selector`.

    `everything` is the pattern of All: Loki refuses one that the empty text fits.
    """

    name: str
    label: str
    selector: str
    title: str
    everything: str = ".+"


@dataclass(frozen=True, slots=True)
class Link:
    """A way to another dashboard, kept with the time range."""

    title: str
    uid: str


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard; `folder` is where Grafana shows it."""

    uid: str
    title: str
    description: str
    folder: str
    rows: Sequence[Row]
    variables: Sequence[Variable] = ()
    links: Sequence[Link] = ()
    time: str = "now-1h"
    refresh: str = "30s"
    annotations: Sequence[dict[str, Any]] = field(default_factory=tuple)

    @property
    def path(self) -> str:
        """The file below the folder of dashboards; the folder becomes Grafana's."""
        return f"{self.folder}/{self.uid}.json"


def dump(board: Board) -> str:
    """The JSON text of `board`."""
    return json.dumps(document(board), indent=1, ensure_ascii=False) + "\n"


def document(board: Board) -> dict[str, Any]:
    """The dashboard as Grafana reads it."""
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.description,
        "tags": [TAG],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        # The crosshair of one panel shows in all: what happened at that moment elsewhere.
        "graphTooltip": 1,
        "timezone": "browser",
        "weekStart": "",
        "time": {"from": board.time, "to": "now"},
        "timepicker": {},
        "refresh": board.refresh,
        "links": [*(_link(link) for link in board.links), _every_board()],
        "annotations": {"list": list(board.annotations)},
        "templating": {"list": [_variable(variable) for variable in board.variables]},
        "panels": list(_placed(board.rows)),
    }


def _placed(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    number, y = 0, 0
    for row in rows:
        number += 1
        heading = {
            "id": number, "type": "row", "title": row.title, "collapsed": row.collapsed,
            "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": y}, "panels": [],
        }  # fmt: skip
        y += 1
        below: list[dict[str, Any]] = []
        x, height = 0, 0
        for panel in row.panels:
            if x + panel.width > WIDTH:
                x, y, height = 0, y + height, 0
            number += 1
            below.append(panel.document(number, x, y))
            x, height = x + panel.width, max(height, panel.height)
        yield heading | {"panels": below if row.collapsed else []}
        if row.collapsed:
            # What a closed row holds takes no room until it opens.
            y = heading["gridPos"]["y"] + 1  # type: ignore[index]
            continue
        yield from below
        y += height


def _variable(variable: Variable) -> dict[str, Any]:
    query = f"label_values({variable.selector}, {variable.label})"
    every = {"text": ["All"], "value": ["$__all"], "selected": True}
    return {
        "name": variable.name,
        "label": variable.title,
        "type": "query",
        "datasource": {"type": "prometheus", "uid": "prometheus"},
        "definition": query,
        "query": {"qryType": 1, "query": query, "refId": f"variable-{variable.name}"},
        # A new value shows with the next change of the time range, not only on a new visit.
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": variable.everything,
        "current": every,
        "options": [],
    }


def _link(link: Link) -> dict[str, Any]:
    return _shown(link.title, "link", f"/d/{link.uid}", "dashboard", [], False)


def _every_board() -> dict[str, Any]:
    return _shown("All dashboards", "dashboards", "", "external link", [TAG], True)


def _shown(
    title: str, kind: str, url: str, icon: str, tags: list[str], dropdown: bool
) -> dict[str, Any]:
    return {
        "title": title, "type": kind, "url": url, "icon": icon, "tags": tags, "tooltip": "",
        "asDropdown": dropdown, "includeVars": False, "keepTime": True, "targetBlank": False,
    }  # fmt: skip
