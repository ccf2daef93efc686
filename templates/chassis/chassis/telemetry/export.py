"""Sends spans and log records that were encoded as they ended: see `encode`.

Queues, threads, forks, flushes and the stop are OpenTelemetry's batch processors, retries and
headers its exporters. Two of their attributes that are not public are used; their versions are
pinned, and the tests fail where they are gone.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

from . import encode
from .durations import with_durations


class SpanProcessor(BatchSpanProcessor):
    """Encodes each sampled span as it ends, and sends them in batches."""

    def __init__(self, resource: Resource) -> None:
        super().__init__(_SpanExporter(resource))
        # It queues whatever its exporter takes.
        self.queue: Any = self._batch_processor

    def on_end(self, span: ReadableSpan) -> None:
        """Take the ended `span` in."""
        if span.context and span.context.trace_flags.sampled:
            self.queue.emit(encode.span(span))


class _SpanExporter(OTLPSpanExporter):
    def __init__(self, resource: Resource) -> None:
        super().__init__()
        self._resource = resource

    def export(self, spans: Sequence[Any]) -> SpanExportResult:
        sent = self._client.export(encode.request(self._resource, spans))
        return SpanExportResult.SUCCESS if sent.success else SpanExportResult.FAILURE


class LogHandler(logging.Handler):
    """Encodes each log record, and sends them in batches."""

    def __init__(self, resource: Resource) -> None:
        super().__init__()
        self._queue: Any = BatchLogRecordProcessor(_LogExporter(resource))._batch_processor

    def emit(self, record: logging.LogRecord) -> None:
        """Take `record` in."""
        # What the exporter itself logs, on its way out, would be sent again and again.
        if contexts.get_value(_SUPPRESS_INSTRUMENTATION_KEY):
            return
        try:
            within = trace.get_current_span().get_span_context()
            self._queue.emit(encode.log(record, within))
        except Exception:
            self.handleError(record)

    def stop(self) -> None:
        """Send what waits, and take no more. Not `close`: `logging.config` closes every handler
        that it knows whenever an application configures its logging anew."""
        self._queue.shutdown()


class _LogExporter(OTLPLogExporter):
    def __init__(self, resource: Resource) -> None:
        super().__init__()
        self._resource = resource

    def export(self, batch: Sequence[Any]) -> LogRecordExportResult:
        sent = self._client.export(encode.request(self._resource, batch))
        return LogRecordExportResult.SUCCESS if sent.success else LogRecordExportResult.FAILURE


class MetricExporter(OTLPMetricExporter):
    """Exports the histograms of `durations` along with OpenTelemetry's own metrics."""

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **more: Any
    ) -> MetricExportResult:
        """Send `metrics_data` and the durations."""
        data = with_durations(metrics_data, take_exemplars=True)
        return super().export(data, timeout_millis, **more)
