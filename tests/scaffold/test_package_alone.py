"""A monolith that was analysed from inside its package, with templates, settings that only the
framework reads, and lists of blueprints: its services start as it did."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from migrator.analyze.pipeline import analyze
from migrator.model.plan import Pin
from migrator.plan.propose import propose
from migrator.plan.resolve import assign
from migrator.scaffold.source import read_source
from migrator.scaffold.workspace import Workspace, build

FILES = {
    "__init__.py": "",
    "db.py": "from flask_sqlalchemy import SQLAlchemy\n\ndb = SQLAlchemy()\n",
    "defaults.py": """
        SQLALCHEMY_DATABASE_URI = "sqlite://"
        SHOP_NAME = "Corner"
        PAGE_SIZE = 20
        """,
    "health.py": """
        from flask import Blueprint

        health = Blueprint("health", __name__)


        @health.route("/health")
        def healthy():
            return "ok"
        """,
    "orders/__init__.py": "",
    "orders/models.py": """
        from shop.db import db


        class Order(db.Model):
            id = db.Column(db.Integer, primary_key=True)
            total = db.Column(db.Integer)
        """,
    "orders/views.py": """
        from flask import Blueprint, render_template

        from shop.db import db
        from shop.orders.models import Order

        orders = Blueprint("orders", __name__, url_prefix="/orders")


        @orders.route("/")
        def listed():
            db.session.add(Order(total=3))
            db.session.commit()
            return render_template("orders.html", orders=Order.query.all())
        """,
    "people/__init__.py": "",
    "people/models.py": """
        from shop.db import db


        class Person(db.Model):
            id = db.Column(db.Integer, primary_key=True)
            name = db.Column(db.String(80))
        """,
    "people/views.py": """
        import json
        from pathlib import Path

        from flask import Blueprint

        from shop.db import db
        from shop.people.models import Person

        people = Blueprint("people", __name__, url_prefix="/people")


        @people.route("/")
        def listed():
            first = json.loads((Path(__file__).parent / "first.json").read_text())
            db.session.add(Person(name=first["name"]))
            db.session.commit()
            return ", ".join(p.name for p in Person.query)
        """,
    "people/first.json": '{"name": "Ada"}',
    "people/photo.bin": b"\xff\xfe\x00\xff",
    "app.py": """
        from flask import Flask

        from shop.db import db
        from shop.health import health
        from shop.orders.views import orders
        from shop.people.views import people

        BLUEPRINTS = (health, orders, people)


        def create_app():
            app = Flask("shop")
            app.config.from_object("shop.defaults")
            db.init_app(app)
            for blueprint in BLUEPRINTS:
                app.register_blueprint(blueprint)
            with app.app_context():
                db.create_all()
            return app
        """,
    "templates/layout.html": "{{ config.SHOP_NAME }}: {% block inner %}{% endblock %}",
    "templates/orders.html": (
        "{% extends 'layout.html' %}{% block inner %}{{ orders[0].total }}{% endblock %}"
    ),
    "templates/unused.html": "nobody",
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("monolith") / "shop"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        data = text if isinstance(text, bytes) else dedent(text).lstrip().encode()
        (root / name).write_bytes(data)
    graph = analyze(root)
    pins = (
        Pin("order", "orders"),
        Pin("shop.orders.views.*", "orders"),
        Pin("person", "people"),
        Pin("shop.people.views.*", "people"),
        Pin("shop.health.*", "people"),
    )
    plan = propose(graph, pins=pins)
    assert {s.name for s in plan.services} == {"orders", "people"}
    return build(plan, assign(plan, graph), graph, read_source(root, graph))


def answer(workspace: Workspace, service: str, route: str, folder: Path) -> str:
    for path, text in workspace.files.items():
        for home, to in ((f"services/{service}/shop/", "shop/"), ("libs/shared/", "")):
            if path.startswith(home):
                target = folder / to / path.removeprefix(home)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, "utf-8")
    code = f"from shop.app import create_app\nc = create_app().test_client().get({route!r})"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nprint(c.status_code, c.text)"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_service_renders_the_templates_that_it_names(
    workspace: Workspace, tmp_path: Path
) -> None:
    assert answer(workspace, "orders", "/orders/", tmp_path) == "200 Corner: 3"
    assert answer(workspace, "orders", "/health", tmp_path).startswith("404")


def test_a_service_reads_the_data_beside_its_modules(workspace: Workspace, tmp_path: Path) -> None:
    assert answer(workspace, "people", "/people/", tmp_path) == "200 Ada"
    assert answer(workspace, "people", "/health", tmp_path) == "200 ok"


def test_what_no_code_names_stays_behind(workspace: Workspace) -> None:
    assert "services/orders/shop/templates/layout.html" in workspace.files
    assert not [path for path in workspace.files if path.endswith("unused.html")]
    assert not [p for p in workspace.files if p.startswith("services/people/shop/templates/")]
    assert "services/orders/shop/people/first.json" not in workspace.files


def test_a_list_keeps_the_blueprints_that_are_there(workspace: Workspace) -> None:
    assert "BLUEPRINTS = (orders, )" in workspace.files["services/orders/shop/app.py"]
    assert "BLUEPRINTS = (health, people)" in workspace.files["services/people/shop/app.py"]
    assert workspace.problems == ()
