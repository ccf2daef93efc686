"""Spans, durations and the access line of a Flask application.

Our own, by Flask's signals, not the instrumentor's, which costs each request about twice as much.
Names and attributes are those of the stable HTTP conventions.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from opentelemetry import context, metrics, propagate, trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context

from .durations import Labels, Place, sampled
from .metrics import request_duration
from .redaction import REDACTED, is_secret

STARTED = "chassis.started"

_REQUEST = "chassis.request"
_EXCLUDED = frozenset(("/healthz", "/readyz", "/metrics"))
_METHODS = frozenset(
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
)
_log = logging.getLogger("chassis.access")
_tracer = trace.get_tracer("chassis.flask")

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def instrument_flask(app: Any) -> None:
    """Spans and ``http.server.request.duration`` for every request of `app`."""
    from flask import got_request_exception, request_started

    app.wsgi_app = _Requests(app.wsgi_app)
    # Signals hold their receivers weakly: these two are this module's and stay.
    request_started.connect(_started, app)
    got_request_exception.connect(_raised, app)


def safe_path(request: Any) -> str:
    """The path of `request`, without the parameters whose names tell of a secret."""
    path: str = request.path
    for name, value in (request.view_args or {}).items():
        if value and is_secret(name):
            path = path.replace(str(value), REDACTED)
    return path


class _Requests:
    """Around the WSGI application: from the first byte read to the answer."""

    def __init__(self, application: Wsgi) -> None:
        self._application = application
        self._duration = request_duration()
        self._active: Counter[tuple[str, str]] = Counter()
        metrics.get_meter("chassis").create_observable_up_down_counter(
            "http.server.active_requests",
            [self._observe],
            unit="{request}",
            description="Requests that are being served.",
        )

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if environ.get("PATH_INFO") in _EXCLUDED:
            return self._application(environ, start_response)
        request = _Request(environ)
        environ[_REQUEST] = request
        kind = (request.method, request.scheme)
        self._active[kind] += 1
        try:
            return self._application(environ, request.answered_by(start_response))
        finally:
            self._active[kind] -= 1
            self._finish(request)

    def _finish(self, request: _Request) -> None:
        labels = request.end()
        seconds = time.perf_counter() - request.started
        self._duration.record(seconds, labels, request.sampled())

    def _observe(self, _: CallbackOptions) -> Iterator[Observation]:
        for (method, scheme), count in list(self._active.items()):
            yield Observation(count, {"http.request.method": method, "url.scheme": scheme})


class _Request:
    """What is known of one request while it is served."""

    __slots__ = (
        "environ", "error", "method", "path", "route", "scheme", "span", "started", "started_at",
        "status", "token",
    )  # fmt: skip

    def __init__(self, environ: dict[str, Any]) -> None:
        self.started = time.perf_counter()
        self.started_at = time.time_ns()
        self.environ = environ
        given = environ.get("REQUEST_METHOD", "")
        # A closed set, as the convention asks: anybody may send any word.
        self.method = given if given in _METHODS else "_OTHER"
        self.scheme = environ.get("wsgi.url_scheme", "http")
        self.status = 0
        self.path = ""
        self.route: str | None = None
        self.span: Span | None = None
        self.token: Any = None
        self.error: str | None = None

    def answered_by(self, start_response: Callable[..., Any]) -> Callable[..., Any]:
        """`start_response`, and the status is noted."""

        def start(status: str, *rest: Any, **more: Any) -> Any:
            self.status = int(status[:3])
            return start_response(status, *rest, **more)

        return start

    def begin(self, request: Any) -> None:
        """The route is known: the span begins, as of when the request came."""
        rule = request.url_rule
        self.route = rule.rule if rule else None
        self.path = safe_path(request)
        self.span = _tracer.start_span(
            f"{self.method} {self.route}" if self.route else self.method,
            context=propagate.extract(self.environ, getter=_HEADERS),
            kind=SpanKind.SERVER,
            attributes=self._attributes(),
            start_time=self.started_at,
        )
        self.token = context.attach(set_span_in_context(self.span))

    def _attributes(self) -> dict[str, str | int]:
        environ = self.environ
        known = {
            "http.request.method": self.method,
            "http.route": self.route,
            "url.scheme": self.scheme,
            "url.path": self.path,
            "url.query": environ.get("QUERY_STRING") or None,
            "server.address": environ.get("SERVER_NAME"),
            "client.address": environ.get("REMOTE_ADDR"),
            "user_agent.original": environ.get("HTTP_USER_AGENT"),
        }
        return {name: value for name, value in known.items() if value is not None}

    def end(self) -> Labels:
        """Log the access line and end the span; the labels of the request's duration."""
        # Without an answer there was an exception that Flask let through: the server says 500.
        status = self.status or 500
        if self.span is not None:
            self._log_access(status)
            self.span.set_attribute("http.response.status_code", status)
            if status >= 500:
                self.span.set_attribute("error.type", str(status))
                self.span.set_status(Status(StatusCode.ERROR, self.error))
            context.detach(self.token)
            self.span.end()
        found = (
            ("http.request.method", self.method),
            ("url.scheme", self.scheme),
            ("http.response.status_code", status),
        )
        return (*found, ("http.route", self.route)) if self.route else found

    def _log_access(self, status: int) -> None:
        if not _log.isEnabledFor(logging.INFO):
            return
        # Not by `info`, which would look through the stack for its caller.
        line = logging.LogRecord(_log.name, logging.INFO, __file__, 0, "request", None, None)
        started = self.environ.get(STARTED, self.started)
        vars(line).update(
            method=self.environ.get("REQUEST_METHOD"),
            path=self.path,
            route=self.route,
            status=status,
            duration_ms=round((time.perf_counter() - started) * 1000, 2),
        )
        _log.handle(line)

    def sampled(self) -> Place | None:
        """Where the span is, if it is sampled."""
        return sampled(self.span) if self.span else None


def _started(_sender: Any, **_: Any) -> None:
    from flask import request

    # The proxy would look the request up anew for each attribute.
    given = request._get_current_object()  # type: ignore[attr-defined]
    if found := given.environ.get(_REQUEST):
        found.begin(given)


def _raised(_sender: Any, exception: BaseException, **_: Any) -> None:
    from flask import request

    found = request.environ.get(_REQUEST)
    if found and found.span:
        found.span.record_exception(exception)
        found.error = f"{type(exception).__name__}: {exception}"


class _Headers(Getter[Mapping[str, Any]]):
    """Reads headers from a WSGI environment."""

    def get(self, carrier: Mapping[str, Any], key: str) -> list[str] | None:
        value = carrier.get("HTTP_" + key.upper().replace("-", "_"))
        return None if value is None else [value]

    def keys(self, carrier: Mapping[str, Any]) -> list[str]:
        return [k[5:].lower().replace("_", "-") for k in carrier if k.startswith("HTTP_")]


_HEADERS = _Headers()
