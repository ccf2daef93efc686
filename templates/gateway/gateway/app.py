"""The reverse proxy: streams a request to its service and the answer back, in one trace."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from chassis import telemetry
from opentelemetry import metrics, propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route as Endpoint

from gateway.routing import Match, Table, read_routes

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
# The proxy's own client writes these for its own span.
_TRACE = frozenset((b"traceparent", b"tracestate"))
# Calls between services: never for the world outside.
_INTERNAL = re.compile(r"/+internal(/|$)")
# What the chassis adds to a service, for those who run it.
_OWN_PAGES = re.compile(r"/+(healthz|readyz|metrics)/*")

Headers = list[tuple[bytes, bytes]]

_log = logging.getLogger("gateway")
_tracer = trace.get_tracer("gateway")


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Base URLs: of each service by name, and of the monolith for what has not moved."""

    services: Mapping[str, str]
    monolith: str | None = None


def upstreams_from(environ: Mapping[str, str], services: tuple[str, ...]) -> Upstreams:
    """The upstreams that ``SERVICE_URL_<NAME>`` and ``MONOLITH_URL`` name."""
    urls = {
        name: environ[variable].rstrip("/")
        for name in services
        if (variable := f"SERVICE_URL_{name.upper().replace('-', '_')}") in environ
    }
    return Upstreams(urls, environ.get("MONOLITH_URL", "").rstrip("/") or None)


def create_app(table: Table, upstreams: Upstreams, *, timeout: float = 30.0) -> Starlette:
    """The gateway application for `table`."""
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=50)
    client = httpx.AsyncClient(timeout=httpx.Timeout(timeout, connect=3.0), limits=limits)
    proxy = _Proxy(table, upstreams, client)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        watching = asyncio.create_task(telemetry.watch_event_loop())
        async with client:
            yield
        watching.cancel()

    return Starlette(
        routes=[
            Endpoint("/healthz", _health),
            Endpoint("/metrics", _metrics),
            Endpoint("/{path:path}", proxy.handle, methods=_METHODS),
        ],
        lifespan=lifespan,
    )


def from_environment() -> Starlette:
    """The gateway of this process: routes from a file, upstreams from the environment."""
    telemetry.setup("gateway", "gateway")
    table = Table(read_routes(Path(os.environ.get("GATEWAY_ROUTES", "routes.json"))))
    timeout = float(os.environ.get("GATEWAY_TIMEOUT", "30"))
    return create_app(table, upstreams_from(os.environ, table.services), timeout=timeout)


class _Proxy:
    def __init__(self, table: Table, upstreams: Upstreams, client: httpx.AsyncClient) -> None:
        self._table = table
        self._upstreams = upstreams
        self._client = client
        self._duration = telemetry.request_duration()
        # Who answers: how much of the traffic has left the monolith.
        self._answered_by = metrics.get_meter("gateway").create_counter(
            "gateway.requests", unit="{request}", description="Requests by who answers them."
        )

    async def handle(self, request: Request) -> Response:
        found = self._table.match(request.method, request.url.path)
        rule = found.route.rule if found.route else None
        labels: dict[str, str | int] = {
            "http.request.method": request.method,
            "url.scheme": request.url.scheme,
        }
        if rule:
            labels["http.route"] = rule
        started = time.perf_counter()
        with _tracer.start_as_current_span(
            f"{request.method} {rule}" if rule else request.method,
            context=propagate.extract(dict(request.headers)),
            kind=SpanKind.SERVER,
            attributes={**labels, "url.path": request.url.path},
        ) as span:
            response = await self._answer(request, found)
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 500:
                span.set_status(Status(StatusCode.ERROR))
            elapsed = time.perf_counter() - started
            counted = {**labels, "http.response.status_code": response.status_code}
            self._duration.record(elapsed, tuple(counted.items()), telemetry.sampled(span))
            _log_access(request, found, response.status_code, elapsed)
            trace_id = trace.format_trace_id(span.get_span_context().trace_id)
            response.headers["x-trace-id"] = trace_id
            return response

    async def _answer(self, request: Request, found: Match) -> Response:
        if _INTERNAL.match(request.url.path):
            return _error(404, "not_found", "no such route")
        name, upstream = self._upstream(found, request.url.path)
        self._answered_by.add(1, {"upstream": name})
        if upstream is not None:
            return await self._forward(request, upstream)
        if found.route is not None:
            name = found.route.service
            return _error(502, "bad_gateway", f"no address is known for the service {name}")
        if found.allowed:
            response = _error(405, "method_not_allowed", "the route has no such method")
            response.headers["allow"] = ", ".join(found.allowed)
            return response
        return _error(404, "not_found", "no such route")

    def _upstream(self, found: Match, path: str) -> tuple[str, str | None]:
        """Who answers, and its base URL; ``none`` where nobody does."""
        services = self._upstreams.services
        if found.route is not None:
            return found.route.service, services.get(found.route.service)
        if self._upstreams.monolith is not None:
            return "monolith", self._upstreams.monolith
        if _OWN_PAGES.fullmatch(path):
            return "none", None
        # Every service holds the application's factory, with the routes that it makes itself and
        # its way to say that there is no such page: any of them answers as the monolith did.
        name = found.nearest or min(services, default="")
        return name or "none", services.get(name)

    async def _forward(self, request: Request, upstream: str) -> Response:
        outgoing = self._client.build_request(
            request.method,
            _target(request, upstream),
            headers=_request_headers(request),
            content=request.stream() if _has_body(request) else None,
        )
        try:
            answer = await self._client.send(outgoing, stream=True)
        except httpx.TimeoutException:
            return _error(504, "gateway_timeout", "the service did not answer in time")
        except httpx.HTTPError as error:
            _log.warning("upstream failed", extra={"upstream": upstream, "error": repr(error)})
            return _error(502, "bad_gateway", "the service cannot be reached")
        response = StreamingResponse(
            answer.aiter_raw(), answer.status_code, background=BackgroundTask(answer.aclose)
        )
        response.raw_headers = _kept(answer.headers.raw)
        return response


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _metrics(request: Request) -> Response:
    page, content_type = telemetry.metrics_page(request.headers.get("accept", ""))
    return Response(page, headers={"content-type": content_type})


def _target(request: Request, upstream: str) -> httpx.URL:
    # The path as it was sent: decoding and encoding again would change an escaped slash.
    path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    query: bytes = request.scope.get("query_string", b"")
    path = path.split(b"?", 1)[0]
    base = httpx.URL(upstream)
    prefix = base.raw_path.rstrip(b"/")
    return base.copy_with(raw_path=prefix + path + (b"?" + query if query else b""))


def _has_body(request: Request) -> bool:
    return "content-length" in request.headers or "transfer-encoding" in request.headers


def _request_headers(request: Request) -> Headers:
    client = request.client.host if request.client else "unknown"
    forwarded = request.headers.get("x-forwarded-for")
    headers = [
        (name, value)
        for name, value in _kept(request.headers.raw)
        if name not in _TRACE and not name.startswith(b"x-forwarded-")
    ]
    headers += [
        (b"x-forwarded-for", f"{forwarded}, {client}".encode() if forwarded else client.encode()),
        (b"x-forwarded-proto", request.url.scheme.encode()),
        (b"x-forwarded-host", request.headers.get("host", "").encode()),
    ]
    return headers


def _kept(headers: Headers) -> Headers:
    named = b",".join(value for name, value in headers if name.lower() == b"connection")
    dropped = _HOP_BY_HOP | {part.strip().lower() for part in named.split(b",")}
    return [(name.lower(), value) for name, value in headers if name.lower() not in dropped]


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status)


def _log_access(request: Request, found: Match, status: int, elapsed: float) -> None:
    fields = {
        "method": request.method,
        "path": request.url.path,
        "route": found.route.rule if found.route else None,
        "upstream": found.route.service if found.route else "monolith",
        "status": status,
        "duration_ms": round(elapsed * 1000, 2),
    }
    _log.info("request", extra=fields)
