"""The web process of a service: the carved application, with the endpoints that operate it."""

from __future__ import annotations

import importlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

# Before any module of the service: instrumentation must see the engine being made.
from chassis import telemetry  # isort: skip
from flask import Blueprint, Flask, Response
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from chassis import calls, capture
from chassis.manifest import Manifest, load
from chassis.telemetry.flask import STARTED

_log = logging.getLogger("chassis.web")

Start = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], Start], Iterable[bytes]]


def create_app(manifest: Manifest | None = None) -> Flask:
    """The application of ``service.toml``'s factory, with telemetry, capture and endpoints."""
    manifest = manifest or load()
    telemetry.setup(manifest.name, "web")
    capture.install(manifest)
    for module in manifest.models:
        importlib.import_module(module)
    app = _from_factory(manifest.factory)
    telemetry.instrument_flask(app)
    app.register_blueprint(calls.blueprint(frozenset(manifest.serves_calls), manifest.package))
    if os.environ.get("BROKER_URL", "").startswith("http"):
        app.register_blueprint(_deliveries(manifest, app))
    # In front of the application: its own hooks (authentication, say) must not decide whether
    # the process is alive.
    app.wsgi_app = _Operations(app.wsgi_app, manifest.name)  # type: ignore[method-assign, assignment]
    return app


def _deliveries(manifest: Manifest, app: Flask) -> Blueprint:
    from chassis import deliveries, settings
    from chassis.processor import Processor

    given = settings.load()
    engine = create_engine(given.database_url, pool_pre_ping=True)
    return deliveries.blueprint(Processor(manifest, engine, given, app.app_context, "http"))


def _from_factory(factory: str) -> Flask:
    module_name, _, name = factory.partition(":")
    made = getattr(importlib.import_module(module_name), name or "app")
    app = made if isinstance(made, Flask) else made()
    if not isinstance(app, Flask):
        raise TypeError(f"{factory} returned {type(app).__name__}, expected a Flask application")
    return app


class _Operations:
    """Answers /healthz, /readyz and /metrics; passes everything else on."""

    def __init__(self, application: Wsgi, service: str) -> None:
        self._application = application
        self._service = service
        self._engine: Engine | None = None
        self._pages: dict[str, Callable[[dict[str, Any]], Response]] = {
            "/healthz": self._health,
            "/readyz": self._ready,
            "/metrics": self._metrics,
        }

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        environ[STARTED] = time.perf_counter()
        page = self._pages.get(environ.get("PATH_INFO", ""))
        if page is None or environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
            return self._application(environ, start)
        return page(environ)(environ, start)

    def _health(self, _: dict[str, Any]) -> Response:
        return _json({"status": "ok", "service": self._service}, 200)

    def _ready(self, _: dict[str, Any]) -> Response:
        # An engine of its own: a service whose pool is busy is still ready.
        if self._engine is None:
            self._engine = create_engine(os.environ["DATABASE_URL"], poolclass=NullPool)
        try:
            with self._engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except Exception as error:
            _log.warning("not ready", extra={"error": type(error).__name__})
            return _json({"status": "unavailable", "database": "unreachable"}, 503)
        return _json({"status": "ok", "database": "ok"}, 200)

    def _metrics(self, environ: dict[str, Any]) -> Response:
        page, content_type = telemetry.metrics_page(environ.get("HTTP_ACCEPT", ""))
        return Response(page, content_type=content_type)


def _json(value: dict[str, str], status: int) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")
