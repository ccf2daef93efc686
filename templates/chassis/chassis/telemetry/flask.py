"""Spans, durations and the access line of a Flask application."""

from __future__ import annotations

import logging
import time
from typing import Any

from opentelemetry.trace import Span

from .redaction import REDACTED, is_secret

EXCLUDED = "/healthz,/readyz,/metrics"
STARTED = "chassis.started"

_log = logging.getLogger("chassis.access")


def instrument_flask(app: Any) -> None:
    """Spans and ``http.server.request.duration`` for every request of `app`."""
    from opentelemetry.instrumentation.flask import FlaskInstrumentor

    instrumentor: Any = FlaskInstrumentor()
    instrumentor.instrument_app(
        app, excluded_urls=EXCLUDED, request_hook=_hide_secret_path, enable_commenter=False
    )
    app.after_request(log_access)


def log_access(response: Any) -> Any:
    """Log one line for the request that `response` answers."""
    from flask import request

    started = request.environ.get(STARTED, time.perf_counter())
    fields = {
        "method": request.method,
        "path": safe_path(request),
        "route": request.url_rule.rule if request.url_rule else None,
        "status": response.status_code,
        "duration_ms": round((time.perf_counter() - started) * 1000, 2),
    }
    _log.info("request", extra=fields)
    return response


def safe_path(request: Any) -> str:
    """The path of `request`, without the parameters whose names tell of a secret."""
    path: str = request.path
    for name, value in (request.view_args or {}).items():
        if is_secret(name) and value:
            path = path.replace(str(value), REDACTED)
    return path


def _hide_secret_path(span: Span, _environ: dict[str, Any]) -> None:
    from flask import request

    if span and span.is_recording() and any(map(is_secret, request.view_args or ())):
        span.set_attribute("url.path", safe_path(request))
