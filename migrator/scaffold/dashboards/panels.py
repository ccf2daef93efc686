"""The panels that dashboards are made of; one look for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

# Title and address of a link from a service's name to its dashboard, `service.uid`.
OPEN_SERVICE = ("Open the service", "/d/service-${__value.raw}?${__url_time_range}")
# The same where a name is too long to be part of an identifier: Grafana's search.
FIND_SERVICE = "/dashboards?query=${__value.raw}"
PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}
LOKI = {"type": "loki", "uid": "loki"}
JAEGER = {"type": "jaeger", "uid": "jaeger"}

GREEN, YELLOW, ORANGE, RED = "green", "yellow", "orange", "red"
BLUE, PURPLE, GREY = "blue", "purple", "#8e8e8e"

# The same thing has the same colour everywhere.
COLOURS: Mapping[str, str] = {
    "p50": GREEN, "p95": YELLOW, "p99": RED,
    "2xx": GREEN, "3xx": BLUE, "4xx": YELLOW, "5xx": RED,
    "applied": GREEN, "stale": BLUE, "duplicate": GREY, "failed": ORANGE, "dead": RED,
    "published": GREEN, "retrying": ORANGE,
    "INFO": BLUE, "WARN": YELLOW, "WARNING": YELLOW, "ERROR": RED, "CRITICAL": PURPLE,
    "monolith": GREY, "services": GREEN,
}  # fmt: skip

RESULTS = ("applied", "stale", "duplicate", "failed", "dead")
SEVERITIES = ("INFO", "WARN", "WARNING", "ERROR", "CRITICAL")

Steps = Sequence[tuple[float | None, str]]
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """One query; `legend` may use ``{{label}}``. A `table` query is asked once, for now."""

    text: str
    legend: str = ""
    exemplars: bool = False
    table: bool = False
    source: Mapping[str, str] = field(default_factory=lambda: PROMETHEUS)
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel, `width` of 24 columns and `height` rows of 30 pixels."""

    title: str
    description: str
    kind: str
    queries: Sequence[Query]
    unit: str = "short"
    width: int = 8
    height: int = 8
    options: Mapping[str, Any] = field(default_factory=dict)
    custom: Mapping[str, Any] = field(default_factory=dict)
    steps: Steps = ((None, GREEN),)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    overrides: Sequence[Document] = ()
    transformations: Sequence[Document] = ()
    source: Mapping[str, str] = field(default_factory=lambda: PROMETHEUS)

    def sized(self, width: int, height: int = 8) -> Panel:
        """The same panel in another size."""
        return replace(self, width=width, height=height)

    def asked_of(self, source: Mapping[str, str]) -> Panel:
        """The same panel with another data source."""
        return replace(self, source=source)

    def floating(self) -> Panel:
        """The same panel with a scale that may go below zero."""
        return replace(self, defaults={k: v for k, v in self.defaults.items() if k != "min"})

    def document(self, number: int, x: int, y: int) -> Document:
        """The panel as Grafana reads it."""
        defaults: Document = {
            "unit": self.unit,
            "thresholds": {"mode": "absolute", "steps": _steps(self.steps)},
            "mappings": [],
            **self.defaults,
        }
        if self.custom:
            defaults["custom"] = dict(self.custom)
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "datasource": dict(self.source),
            "fieldConfig": {"defaults": defaults, "overrides": list(self.overrides)},
            "options": dict(self.options),
            "targets": [_target(query, index) for index, query in enumerate(self.queries)],
            "transformations": list(self.transformations),
        }


def curves(
    title: str,
    description: str,
    queries: Sequence[Query],
    unit: str,
    *,
    stacked: bool = False,
    values: Sequence[str] = (),
    steps: Steps = (),
    most: float | None = None,
) -> Panel:
    """Lines over time; `steps` draw their limits into the panel, `most` ends the scale.

    A line whose name is among ``COLOURS`` has that colour; `values` are names that a label brings.
    """
    custom = {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 1 if stacked else 2,
        "fillOpacity": 25 if stacked else 8,
        "gradientMode": "none" if stacked else "opacity",
        "showPoints": "never",
        # A pause of the exporter is no gap, a stopped process is.
        "spanNulls": 120_000,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "axisSoftMin": 0,
        "thresholdsStyle": {"mode": "dashed" if steps else "off"},
    }
    limits: Document = {"min": 0} if most is None else {"min": 0, "max": most}
    options = {
        "legend": {
            "showLegend": True, "displayMode": "table", "placement": "bottom",
            "calcs": ["lastNotNull", "max"], "sortBy": "Max", "sortDesc": True,
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    }  # fmt: skip
    return Panel(
        title, description, "timeseries", queries, unit, options=options, custom=custom,
        steps=steps or ((None, GREEN),),
        defaults={"color": {"mode": "palette-classic-by-name"}, **limits},
        overrides=[
            _coloured(name)
            for name in (*(query.legend for query in queries), *values)
            if name in COLOURS
        ]
    )  # fmt: skip


def number(
    title: str,
    description: str,
    query: str,
    unit: str,
    steps: Steps = ((None, GREEN),),
    *,
    calm: bool = False,
    none: str = "–",
) -> Panel:
    """One figure, now, with its course behind it; `calm` leaves the background as it is."""
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value" if calm else "background",
        "graphMode": "area",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "auto",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
    }
    return Panel(
        title, description, "stat", [Query(query, title)], unit, 4, 4, options, steps=steps,
        defaults={"color": {"mode": "thresholds"}, "noValue": none},
    )  # fmt: skip


def bars(
    title: str, description: str, query: Query, unit: str, steps: Steps, *, most: float
) -> Panel:
    """A bar for each row of a table query, on one scale."""
    options = {
        "displayMode": "basic", "orientation": "horizontal", "valueMode": "text",
        "namePlacement": "auto", "showUnfilled": True, "sizing": "auto",
        "minVizWidth": 8, "minVizHeight": 16, "maxVizHeight": 300,
        "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []},
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }  # fmt: skip
    return Panel(
        title, description, "bargauge", [query], unit, 12, 9, options, steps=steps,
        defaults={"color": {"mode": "thresholds"}, "min": 0, "max": most},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A column of figures: `query` gives one number a row."""

    title: str
    query: str
    unit: str
    steps: Steps = ()


def table(
    title: str,
    description: str,
    keys: Mapping[str, str],
    columns: Sequence[Column],
    *,
    links: Mapping[str, tuple[str, str]] | None = None,
    sort: str = "",
) -> Panel:
    """Rows told apart by the labels `keys` (label to heading), with one figure a column.

    `links` gives a key's cells a title and URL.
    """
    queries = [
        Query(column.query, column.title, table=True, ref=chr(ord("A") + index))
        for index, column in enumerate(columns)
    ]
    # Grafana numbers the columns of several queries and does not number that of one.
    names = [f"Value #{q.ref}" if len(queries) > 1 else "Value" for q in queries]
    renamed = {**keys, **{name: c.title for name, c in zip(names, columns, strict=True)}}
    transformations: list[Document] = [
        {"id": "merge", "options": {}},
        {
            "id": "organize",
            "options": {
                "excludeByName": {"Time": True},
                "indexByName": {name: index for index, name in enumerate(renamed)},
                "renameByName": renamed,
            },
        },
    ]
    overrides = [_column(column) for column in columns]
    overrides += [_linked(keys[key], *link) for key, link in (links or {}).items()]
    options = {
        "showHeader": True,
        "cellHeight": "sm",
        "frameIndex": 0,
        "sortBy": [{"displayName": sort or columns[0].title, "desc": True}],
    }
    return Panel(
        title, description, "table", queries, "short", 24, 10, options,
        custom={"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True},
        defaults={"noValue": "–"}, overrides=overrides, transformations=transformations,
    )  # fmt: skip


def logs(title: str, description: str, query: str) -> Panel:
    """Lines of Loki, newest first; a click on one opens its fields and its trace."""
    options = {
        "showTime": True, "showLabels": False, "showCommonLabels": False, "wrapLogMessage": True,
        "prettifyLogMessage": False, "enableLogDetails": True, "dedupStrategy": "none",
        "sortOrder": "Descending", "showLogContextToggle": True,
    }  # fmt: skip
    return Panel(
        title, description, "logs", [Query(query, source=LOKI)], "short", 24, 10, options,
        source=LOKI,
    )  # fmt: skip


def traces(title: str, description: str, service: str, *, errors: bool = False) -> Panel:
    """The last traces of `service`; a click on an identifier opens the trace."""
    options = {"showHeader": True, "cellHeight": "sm", "frameIndex": 0, "sortBy": []}
    asked = Query(service, source=JAEGER, ref="errors" if errors else "")
    return Panel(
        title, description, "table", [asked], "short", 12, 10, options,
        custom={"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False},
        source=JAEGER,
    )  # fmt: skip


def graph(title: str, description: str, edges: str) -> Panel:
    """Who calls whom: each row of `edges` has ``id``, ``source``, ``target``, ``color``, a rate.

    Grafana makes the nodes of the edges, and adds up in each what comes in.
    """
    options = {
        "nodes": {"mainStatUnit": "reqps"},
        "edges": {"mainStatUnit": "reqps"},
        "layoutAlgorithm": "layered",
        "zoomMode": "cooperative",
    }
    named: Document = {
        "id": "organize",
        "options": {
            "excludeByName": {"Time": True},
            "indexByName": {},
            "renameByName": {"Value": "mainstat"},
        },
    }
    return Panel(
        title, description, "nodeGraph", [Query(edges, table=True, ref="edges")], "reqps", 24, 14,
        options, transformations=[named],
    )  # fmt: skip


def words(title: str, description: str, markdown: str, width: int = 24, height: int = 5) -> Panel:
    """Text, as Markdown."""
    return Panel(
        title, description, "text", (), "short", width, height,
        {"mode": "markdown", "content": markdown},
    )  # fmt: skip


def _target(query: Query, index: int) -> Document:
    ref = query.ref or chr(ord("A") + index)
    base: Document = {"refId": ref, "datasource": dict(query.source)}
    if query.source == JAEGER:
        tags = {"tags": "error=true"} if query.ref == "errors" else {}
        return base | {"queryType": "search", "service": query.text, "limit": 20, **tags}
    if query.source == LOKI:
        return base | {
            "editorMode": "code", "expr": query.text, "queryType": "range",
            "legendFormat": query.legend,
        }  # fmt: skip
    return base | {
        "editorMode": "code",
        "expr": query.text,
        "legendFormat": query.legend or "__auto",
        "range": not query.table,
        "instant": query.table,
        "format": "table" if query.table else "time_series",
        "exemplar": query.exemplars,
    }


def _steps(steps: Steps) -> list[Document]:
    first = [] if steps and steps[0][0] is None else [(None, GREEN)]
    return [{"value": value, "color": colour} for value, colour in (*first, *steps)]


def _coloured(name: str) -> Document:
    return _override(name, color={"mode": "fixed", "fixedColor": COLOURS[name]})


def _column(column: Column) -> Document:
    properties: Document = {"unit": column.unit}
    if column.steps:
        properties |= {
            "thresholds": {"mode": "absolute", "steps": _steps(column.steps)},
            "custom.cellOptions": {"type": "color-text"},
            "color": {"mode": "thresholds"},
        }
    return _override(column.title, **properties)


def _linked(name: str, title: str, url: str) -> Document:
    return _override(name, links=[{"title": title, "url": url}])


def _override(name: str, **properties: Any) -> Document:
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties.items()],
    }
