"""Receives what the services of one run export by OTLP over HTTP: spans, and which metrics."""

from __future__ import annotations

import gzip
import threading
from collections import defaultdict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from migrator.run.journey import Span
from migrator.run.ports import HOST
from migrator.run.startable import Startable

_KEPT_TRACES = 2000


class OtlpReceiver(Startable):
    """An OTLP endpoint on this machine that remembers the newest traces.

    `seen` is called with each span as it arrives, in the receiver's thread. `metrics` holds the
    attribute names of every metric by (service, metric), `exemplars` the trace ids that its
    exemplars lead to.
    """

    def __init__(self, seen: Callable[[Span], None] | None = None) -> None:
        self._seen = seen
        self._traces: dict[str, list[Span]] = {}
        self._lock = threading.Lock()
        self.metrics: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.exemplars: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.logs: list[str] = []
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def start(self) -> None:
        """Answer, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """For ``OTEL_EXPORTER_OTLP_ENDPOINT``."""
        return f"http://{HOST}:{self._server.server_address[1]}"

    def traces(self) -> dict[str, list[Span]]:
        """The spans by trace id, oldest trace first."""
        with self._lock:
            return {trace: list(spans) for trace, spans in self._traces.items()}

    def receive(self, path: str, body: bytes) -> None:
        """Take in one request's protobuf `body`."""
        if path == "/v1/traces":
            self._receive_traces(body)
        elif path == "/v1/metrics":
            self._receive_metrics(body)
        elif path == "/v1/logs":
            self._receive_logs(body)

    def _receive_traces(self, body: bytes) -> None:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )

        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = _attributes(resource.resource.attributes)
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self._add(_span(span, about))

    def _add(self, span: Span) -> None:
        with self._lock:
            self._traces.setdefault(span.trace, []).append(span)
            while len(self._traces) > _KEPT_TRACES:
                del self._traces[next(iter(self._traces))]
        if self._seen:
            self._seen(span)

    def _receive_metrics(self, body: bytes) -> None:
        from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
            ExportMetricsServiceRequest,
        )

        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            service = str(_attributes(resource.resource.attributes).get("service.name", ""))
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    self._note(service, metric)

    def _note(self, service: str, metric: Any) -> None:
        data = getattr(metric, metric.WhichOneof("data") or "gauge")
        for point in data.data_points:
            self.metrics[service, metric.name] |= {pair.key for pair in point.attributes}
            for exemplar in getattr(point, "exemplars", ()):
                self.exemplars[service, metric.name].add(exemplar.trace_id.hex())

    def _receive_logs(self, body: bytes) -> None:
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

        for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
            for scope in resource.scope_logs:
                self.logs += [record.trace_id.hex() for record in scope.log_records]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receive = self.receive

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                receive(self.path, body)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        return Handler


def _span(span: Any, about: dict[str, Any]) -> Span:
    return Span(
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex() or None,
        links=tuple(link.span_id.hex() for link in span.links),
        service=str(about.get("service.name", "")),
        role=str(about.get("service.role", "")),
        name=span.name,
        kind=_KINDS.get(span.kind, "internal"),
        start=span.start_time_unix_nano / 1e9,
        end=span.end_time_unix_nano / 1e9,
        failed=span.status.code == 2,
        attributes=_attributes(span.attributes),
    )


_KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value")
            for pair in pairs}  # fmt: skip
