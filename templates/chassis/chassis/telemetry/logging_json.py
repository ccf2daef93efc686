"""Log lines as JSON, joined to their trace, without secrets."""

from __future__ import annotations

import datetime as dt
import json
import logging
from typing import Any

from opentelemetry import trace

from .redaction import redact, redact_value

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Written by the formatter from the active span; an instrumentor may add its own copies.
_OWN = frozenset({"otelTraceID", "otelSpanID", "otelServiceName", "otelTraceSampled"})
# `json.dumps` makes one anew for each call whose options are not the default.
_encode = json.JSONEncoder(default=str, ensure_ascii=False).encode


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, severity, logger, message, service and trace."""

    def __init__(self, service: str, role: str) -> None:
        super().__init__()
        self._service = service
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        """The line of `record`."""
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
        line: dict[str, Any] = {
            "timestamp": moment.isoformat(timespec="milliseconds"),
            "severity": record.levelname,
            "service.name": self._service,
            "service.role": self._role,
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            line["trace_id"] = trace.format_trace_id(context.trace_id)
            line["span_id"] = trace.format_span_id(context.span_id)
        # What a record brings along never overwrites what the line says of itself.
        for name in sorted(vars(record).keys() - _STANDARD - _OWN - line.keys()):
            line[name] = redact_value(name, getattr(record, name))
        if exception := record.exc_text or (
            record.exc_info and self.formatException(record.exc_info)
        ):
            line["exception"] = redact(exception)
        return _encode(line)
