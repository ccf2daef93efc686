"""Log lines as JSON, joined to their trace, without secrets."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
from typing import Any

from opentelemetry import trace

REDACTED = "[redacted]"

_SECRET_NAME = re.compile(
    r"authorization|cookie|passw(or)?d|passwd|secret|token|api[_-]?key|credential", re.IGNORECASE
)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]+", re.IGNORECASE), rf"\1 {REDACTED}"),
    (
        re.compile(
            r"\b((?:set-)?cookie|authorization)(['\"]?\s*[:=]\s*)[^\r\n'\"]+", re.IGNORECASE
        ),
        rf"\1\2{REDACTED}",
    ),
    (
        re.compile(
            r"([\w-]*(?:password|passwd|secret|token|api[_-]?key)[\w-]*)"
            r"(['\"]?\s*[:=]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&'\"}\])]+)",
            re.IGNORECASE,
        ),
        rf"\1\2{REDACTED}",
    ),
    # The password of a URL: postgresql://user:password@host
    (re.compile(r"(\w+://[^\s:/@]*:)[^\s/@]+@"), rf"\1{REDACTED}@"),
    (re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"), REDACTED),
)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Written by the formatter from the active span; an instrumentor may add its own copies.
_OWN = frozenset({"otelTraceID", "otelSpanID", "otelServiceName", "otelTraceSampled"})


def redact(text: str) -> str:
    """`text` without credentials, tokens and mail addresses."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redact_value(name: str, value: object) -> object:
    """`value` of the field `name`, redacted by its name or, within, by its content."""
    if _SECRET_NAME.search(name):
        return REDACTED
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {str(key): redact_value(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value("", item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value))


class RedactingFilter(logging.Filter):
    """Redacts a record in place, so that every handler after it, also OTLP, sees no secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the message and the extra fields; no record is dropped."""
        record.msg, record.args = redact(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
        for name in vars(record).keys() - _STANDARD:
            setattr(record, name, redact_value(name, getattr(record, name)))
        return True


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
            "message": record.getMessage(),
        }
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            line["trace_id"] = trace.format_trace_id(context.trace_id)
            line["span_id"] = trace.format_span_id(context.span_id)
        extra = vars(record).keys() - _STANDARD - _OWN
        line.update((name, getattr(record, name)) for name in sorted(extra))
        if record.exc_text or record.exc_info:
            assert record.exc_text or record.exc_info
            line["exception"] = record.exc_text or self.formatException(record.exc_info or ())  # type: ignore[arg-type]
        return json.dumps(line, default=str, ensure_ascii=False)
