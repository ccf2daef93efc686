"""Indico's application as its tests make it."""

from __future__ import annotations

from typing import Any


def create() -> Any:
    from indico.web.flask.app import make_app

    given = {
        "BASE_URL": "http://localhost",
        "SECRET_KEY": "no secret, for a test",
        "SQLALCHEMY_DATABASE_URI": "",
    }
    return make_app(testing=True, config_override=given)
