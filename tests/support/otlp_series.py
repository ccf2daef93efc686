"""Metrics that processes export by OTLP, as the series that Prometheus makes of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from migrator.run.otlp import OtlpReceiver

# What prometheus.yml promotes to labels.
PROMOTED = {
    "service.name", "service.namespace", "service.role", "service.instance.id",
    "deployment.environment.name",
}  # fmt: skip
_UNITS = {"s": "_seconds", "By": "_bytes"}

Series = dict[str, list[dict[str, str]]]


class Exported(OtlpReceiver):
    """Also what has come so far of metrics, by the names that Prometheus gives."""

    def __init__(self) -> None:
        super().__init__()
        self.series: Series = {}
        self._keeping = threading.Lock()

    def receive(self, path: str, body: bytes) -> None:
        super().receive(path, body)
        if path == "/v1/metrics":
            with self._keeping:
                _keep(ExportMetricsServiceRequest.FromString(body), self.series)


def _keep(request: ExportMetricsServiceRequest, found: Series) -> None:
    for resource in request.resource_metrics:
        common = _labels(resource.resource.attributes, PROMOTED)
        for metric in (m for scope in resource.scope_metrics for m in scope.metrics):
            for name, point in _points(metric):
                row = common | _labels(point.attributes)
                if name.endswith("_bucket"):
                    row["le"] = "+Inf"
                rows = found.setdefault(name, [])
                if row not in rows:
                    rows.append(row)


def _points(metric: Any) -> Iterator[tuple[str, Any]]:
    kind = metric.WhichOneof("data")
    base = metric.name.replace(".", "_") + _UNITS.get(metric.unit, "")
    for point in getattr(metric, kind).data_points:
        if kind == "histogram":
            yield from ((base + ending, point) for ending in ("_bucket", "_count", "_sum"))
        else:
            counts = kind == "sum" and metric.sum.is_monotonic
            yield base + ("_total" if counts else ""), point


def _labels(attributes: Any, wanted: set[str] | None = None) -> dict[str, str]:
    return {
        pair.key.replace(".", "_"): str(getattr(pair.value, pair.value.WhichOneof("value")))
        for pair in attributes
        if wanted is None or pair.key in wanted
    }
