"""The application factory."""

import importlib
import logging
from typing import Any

from flask import Flask, Response, jsonify
from sqlalchemy.exc import DataError, IntegrityError
from werkzeug.exceptions import HTTPException

from jobmarket.accounts.admin import bp as admin_bp
from jobmarket.accounts.routes import bp as accounts_bp
from jobmarket.applications.routes import bp as applications_bp
from jobmarket.billing.routes import bp as billing_bp
from jobmarket.companies.routes import bp as companies_bp
from jobmarket.config import settings
from jobmarket.db import session
from jobmarket.errors import AppError, Conflict, ValidationFailed
from jobmarket.jobs.routes import bp as jobs_bp
from jobmarket.notifications.routes import bp as notifications_bp

# Loaded by name, so that an installation can leave one out.
PLUGINS = [
    "jobmarket.messaging.routes",
    "jobmarket.reporting.routes",
    "jobmarket.search.routes",
]

HANDLERS = [
    "jobmarket.billing.handlers",
    "jobmarket.notifications.handlers",
    "jobmarket.reporting.handlers",
    "jobmarket.search.handlers",
]


def create_app(config: dict[str, Any] | None = None) -> Flask:
    logging.basicConfig(level=settings.log_level)
    app = Flask("jobmarket")
    app.config.update(SECRET_KEY=settings.secret_key, **(config or {}))
    app.json.sort_keys = False
    register_blueprints(app)
    register_plugins(app)
    register_handlers()
    register_errors(app)
    register_commands(app)

    @app.get("/api/ping")
    def ping() -> dict[str, str]:
        return {"status": "ok"}

    @app.teardown_appcontext
    def remove_session(exception: BaseException | None = None) -> None:
        session.remove()

    return app


def register_blueprints(app: Flask) -> None:
    app.register_blueprint(accounts_bp)
    app.register_blueprint(admin_bp)
    app.register_blueprint(companies_bp)
    app.register_blueprint(jobs_bp)
    app.register_blueprint(applications_bp)
    app.register_blueprint(billing_bp)
    app.register_blueprint(notifications_bp)


def register_plugins(app: Flask) -> None:
    for name in PLUGINS:
        app.register_blueprint(importlib.import_module(name).bp)


def register_handlers() -> None:
    """Importing a module of handlers connects them."""
    for name in HANDLERS:
        importlib.import_module(name)


def register_errors(app: Flask) -> None:
    @app.errorhandler(AppError)
    def app_error(error: AppError) -> tuple[Response, int]:
        session.rollback()
        return jsonify(error.to_dict()), error.status

    @app.errorhandler(DataError)
    def data_error(error: DataError) -> tuple[Response, int]:
        return app_error(ValidationFailed("a value is too long, too large or of another type"))

    @app.errorhandler(IntegrityError)
    def integrity_error(error: IntegrityError) -> tuple[Response, int]:
        return app_error(Conflict("this does not fit to what is stored"))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> tuple[Response, int]:
        code = (error.name or "error").lower().replace(" ", "_")
        return jsonify({"error": {"code": code, "message": error.description}}), error.code or 500


def register_commands(app: Flask) -> None:
    from jobmarket.seed import seed_command
    from jobmarket.tasks import tasks_cli

    app.cli.add_command(seed_command)
    app.cli.add_command(tasks_cli)
