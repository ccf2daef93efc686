"""Log lines as JSON, joined to their trace, without secrets."""

from __future__ import annotations

import datetime as dt
import json
import logging
from typing import Any

from opentelemetry import trace

from .encode import extra_fields
from .redaction import redact, redact_kept

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
            "message": redact_kept("", record.getMessage()),
        }
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            line["trace_id"] = trace.format_trace_id(context.trace_id)
            line["span_id"] = trace.format_span_id(context.span_id)
        # What a record brings along never overwrites what the line says of itself.
        for name, value in sorted(extra_fields(record).items()):
            if name not in line:
                line[name] = redact_kept(name, value)
        if exception := record.exc_text or (
            record.exc_info and self.formatException(record.exc_info)
        ):
            line["exception"] = redact(exception)
        return _encode(line)
