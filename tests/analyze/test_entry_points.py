"""Where work begins, by framework: full paths, the unknown told, no name taken for a library."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from migrator.analyze.pipeline import analyze
from migrator.model.graph import Graph


def graph_of(tmp_path: Path, **files: str) -> Graph:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for name, source in files.items():
        (package / f"{name}.py").write_text(dedent(source))
    return analyze(tmp_path)


def routes(graph: Graph) -> set[tuple[str | None, str | None, str]]:
    return {
        (p.method, p.path, p.definition.rpartition(":")[2])
        for p in graph.entry_points
        if p.kind == "route"
    }


def points(graph: Graph, kind: str) -> set[tuple[str, str]]:
    return {(p.name, p.definition.rpartition(":")[2]) for p in graph.entry_points if p.kind == kind}


def told(graph: Graph) -> set[tuple[str, str]]:
    return {(u.what, u.why) for u in graph.unresolved}


def test_fastapi_routers_within_routers(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        users="""
            from fastapi import APIRouter, Depends
            from shop.db import get_db
            router = APIRouter(prefix="/users")

            @router.get("/{id}")
            def show(id: int, db=Depends(get_db)): ...

            @router.api_route("/", methods=["GET", "POST"])
            def listed(): ...
        """,
        orders="""
            from fastapi import APIRouter
            router = APIRouter()

            @router.post("/orders")
            def order(): ...

            unused = APIRouter()

            @unused.get("/nowhere")
            def nowhere(): ...
        """,
        db="def get_db(): ...",
        settings="""
            class Settings:
                API = "/api"
            settings = Settings()
        """,
        app="""
            from fastapi import FastAPI, APIRouter
            from shop import users, orders
            from shop.settings import settings

            api = APIRouter()
            api.include_router(users.router)
            api.include_router(orders.router, prefix="/v1")

            def make():
                app = FastAPI()
                app.include_router(api, prefix=settings.API)
                app.add_api_route("/ping", ping, methods=["GET"])

                @app.get("/health")
                def health(): ...

                return app

            def ping(): ...
        """,
    )
    assert routes(graph) == {
        ("GET", "/api/users/{id}", "show"),
        ("GET", "/api/users/", "listed"),
        ("POST", "/api/users/", "listed"),
        ("POST", "/api/v1/orders", "order"),
        ("GET", "/ping", "ping"),
        ("GET", "/health", "make"),
    }
    assert ("route /nowhere", "its router is never included") in told(graph)
    assert ("shop.users:show", "shop.db:get_db", "calls") in {
        (d.source, d.target, d.kind) for d in graph.dependencies
    }


def test_fastapi_routers_that_a_list_holds(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        users="""
            from fastapi import APIRouter
            router = APIRouter(prefix="/users")
            @router.get("/{id}")
            def show(id: int): ...
        """,
        app="""
            from fastapi import FastAPI
            from shop import users
            ROUTERS = (users.router,)
            app = FastAPI()

            def hang(routers):
                for router in routers:
                    app.include_router(router, prefix="/api")

            hang(ROUTERS)
        """,
    )
    assert routes(graph) == {("GET", "/api/users/{id}", "show")}
    assert not told(graph)


def test_a_computed_prefix_is_shown_as_such(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        app="""
            import os
            from fastapi import APIRouter, FastAPI
            router = APIRouter()
            app = FastAPI()
            app.include_router(router, prefix=os.environ["PREFIX"])

            @router.get("/x")
            def x(): ...
        """,
    )
    [point] = graph.entry_points
    assert point.path is not None
    assert point.path.startswith("{")
    assert point.path.endswith("}/x")
    assert any(u.why == "it is computed" for u in graph.unresolved)


def test_a_session_from_depends(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        app="""
            from typing import Annotated
            from fastapi import Depends, FastAPI
            from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

            class Base(DeclarativeBase): ...

            class User(Base):
                __tablename__ = "users"
                id: Mapped[int] = mapped_column(primary_key=True)

            Local = sessionmaker()

            def get_db():
                with Local() as session:
                    yield session

            Db = Annotated[Session, Depends(get_db)]
            app = FastAPI()

            @app.post("/a")
            def a(it=Depends(get_db)):
                it.add(User())

            @app.post("/b")
            def b(it: Db):
                it.delete(it.get(User, 1))
        """,
    )
    found = {(a.definition, a.table, a.mode) for a in graph.accesses}
    assert ("shop.app:a", "users", "insert") in found
    assert ("shop.app:b", "users", "delete") in found
    assert not graph.unresolved


def test_starlette_lists(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        app="""
            from starlette.applications import Starlette
            from starlette.routing import Mount, Route

            async def home(request): ...
            async def users(request): ...

            app = Starlette(routes=[
                Route("/", home),
                Mount("/api", routes=[Route("/users", users, methods=["POST"])]),
            ])
        """,
    )
    assert routes(graph) == {("GET", "/", "home"), ("POST", "/api/users", "users")}


def test_pyramid(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        app="""
            from pyramid.config import Configurator

            def main(settings):
                config = Configurator(settings=settings)
                config.include("shop.api", route_prefix="/api")
                config.add_route("home", "/")
                config.add_view("shop.views.home", route_name="home")
                config.scan()
        """,
        api="""
            def includeme(config):
                config.add_route("user", "/users/{id}")
        """,
        views="""
            from pyramid.view import view_config, view_defaults

            def home(request): ...

            @view_config(route_name="user", request_method="GET")
            def user(request): ...

            @view_defaults(route_name="user")
            class UserViews:
                @view_config(request_method="DELETE")
                def gone(self): ...

            @view_config(route_name="lost")
            def lost(request): ...
        """,
    )
    assert routes(graph) == {
        ("ANY", "/", "home"),
        ("GET", "/api/users/{id}", "user"),
        ("DELETE", "/api/users/{id}", "UserViews"),
    }
    assert ("view lost", "no route lost that could be read") in told(graph)


def test_pyramid_includes_within_includes(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        app="""
            from pyramid.config import Configurator

            def main(settings, where):
                config = Configurator(settings=settings)
                config.include("shop.outer", route_prefix="/api")
                config.include(".inner", route_prefix=where)
                config.scan()
        """,
        outer="""
            def includeme(config):
                config.include("shop.inner", route_prefix="v1/")
                config.include("shop.outer")
                config.add_route("root", "")
        """,
        inner="""
            def includeme(config):
                config.add_route("user", "/users/{id}")
        """,
        views="""
            from pyramid.view import view_config

            @view_config(route_name="user")
            @view_config(route_name="root")
            def show(request): ...
        """,
    )
    assert routes(graph) == {
        ("ANY", "/api/", "show"), ("ANY", "/api/v1/users/{id}", "show"),
        ("ANY", "/users/{id}", "show"),
    }  # fmt: skip
    assert ("include shop.inner:includeme", "its prefix is computed") in told(graph)


def test_a_route_of_a_blueprint_that_nothing_known_registers_is_told(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        app="""
            from flask import Blueprint, Flask
            import importlib

            bp = Blueprint("bp", __name__, url_prefix="/x")

            @bp.route("/y")
            def y(): ...

            def make(names):
                app = Flask(__name__)
                for name in names:
                    app.register_blueprint(importlib.import_module(name).bp)
        """,
    )
    assert routes(graph) == {("GET", "{shop.app.bp}/x/y", "y")}
    assert ("blueprint shop.app.bp", "no call that could be resolved registers it") in told(graph)
    assert any(u.what == "register_blueprint" for u in graph.unresolved)


def test_a_blueprint_that_nothing_registers_answers_nothing(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        app="""
            from flask import Blueprint, Flask
            app = Flask(__name__)
            bp = Blueprint("bp", __name__)

            @bp.route("/y")
            def y(): ...
        """,
    )
    assert routes(graph) == set()
    assert ("blueprint shop.app.bp", "nothing registers it") in told(graph)


def test_flask_resources_below_blueprints_that_a_list_holds(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        views="""
            from flask import Blueprint
            from flask_restful import Api, Resource
            mod = Blueprint("users", __name__)
            api = Api(mod)

            class Users(Resource):
                def get(self): ...
                def post(self): ...

            class Own(Users): ...

            api.add_resource(Users, "/users", "/people")
            api.add_resource(Own, "/own", endpoint="own")
        """,
        factory="""
            from flask import Flask
            from shop.views import mod
            VERSION = 1
            MORE = ()

            def create(blueprints=None):
                app = Flask(__name__)
                hang(app, MORE + blueprints)

            def hang(app, blueprints):
                for blueprint in blueprints:
                    app.register_blueprint(blueprint, url_prefix=f"/api/{VERSION}")

            app = create([mod])
        """,
    )
    assert routes(graph) == {
        ("GET", "/api/1/users", "Users"), ("POST", "/api/1/users", "Users"),
        ("GET", "/api/1/people", "Users"), ("POST", "/api/1/people", "Users"),
        ("GET", "/api/1/own", "Own"), ("POST", "/api/1/own", "Own"),
    }  # fmt: skip
    assert not told(graph)


def test_flask_namespaces_and_resources(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        app="""
            from flask import Flask
            from flask_restx import Api, Namespace, Resource
            app = Flask(__name__)
            api = Api(prefix="/api")
            api.init_app(app)
            cats = Namespace("cats", path="/felines")
            dogs = api.namespace("dogs")
            api.add_namespace(cats)

            @cats.route("/<id>")
            class Cat(Resource):
                def get(self, id): ...

            @dogs.route("/")
            class Dogs(Resource):
                def post(self): ...
        """,
    )
    assert routes(graph) == {
        ("GET", "/api/felines/<id>", "Cat"), ("POST", "/api/dogs/", "Dogs"),
    }  # fmt: skip


def test_flask_rules_added_by_a_helper(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        helpers="""
            def add_view(app_or_bp, rules, view_func, *args, **kwargs):
                for rule in rules:
                    app_or_bp.add_url_rule(rule, view_func=view_func, *args, **kwargs)

            def nobody_calls(bp, rule, view):
                bp.add_url_rule(rule, view_func=view)
        """,
        pets="""
            from flask import Blueprint, Flask
            from flask.views import MethodView
            from shop.helpers import add_view
            import shop.helpers as helpers

            class Cat(MethodView):
                def get(self): ...
                def post(self): ...

            class Dog(MethodView):
                def get(self): ...

            def feed(): ...
            def walk(): ...
            def wash(): ...

            PREFIXES = {"a": "/one", "b": "/two"}
            WORK = [("/walk", walk), ("/wash", wash)]

            def make(rules):
                app = Flask(__name__)
                pets = Blueprint("pets", __name__)
                add_view(pets, rules=["/cat", "/kitty"], view_func=Cat.as_view("cat"))
                helpers.add_view(pets, ["/dog"], Dog.as_view("dog"))
                add_view(pets, ["/feed"], view_func=feed, methods=["PUT"])
                add_view(pets, rules, feed)
                add_view(pets, ["/lost"], unknown())
                for rule, view in WORK:
                    pets.add_url_rule(rule, view_func=view)
                for kind, prefix in PREFIXES.items():
                    pets.add_url_rule(f"{prefix}/walk" + "/now", view_func=walk)
                for prefix in ["/one", "/two"]:
                    prefix = changed(prefix)
                    pets.add_url_rule(prefix + "/wash", view_func=wash)
                app.register_blueprint(pets, url_prefix="/pets")
        """,
    )
    assert routes(graph) == {
        ("GET", "/pets/cat", "Cat"), ("POST", "/pets/cat", "Cat"),
        ("GET", "/pets/kitty", "Cat"), ("POST", "/pets/kitty", "Cat"),
        ("GET", "/pets/dog", "Dog"), ("PUT", "/pets/feed", "feed"),
        ("GET", "/pets/{rule}", "feed"),
        ("GET", "/pets/walk", "walk"), ("GET", "/pets/wash", "wash"),
        ("GET", "/pets/one/walk/now", "walk"), ("GET", "/pets/two/walk/now", "walk"),
        ("GET", "/pets/{prefix}/wash", "wash"),
    }  # fmt: skip
    assert {(u.path, u.what, u.why) for u in graph.unresolved} == {
        ("shop/helpers.py", "route", "its view function is not known"),
        ("shop/pets.py", "route", "its view function is not known"),
        ("shop/pets.py", "route of feed", "its URL rule is computed"),
        ("shop/pets.py", "route of wash", "its URL rule is computed"),
    }


def test_flask_blueprints_made_in_functions(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        ping="""
            from flask import Blueprint
            from flask.views import MethodView

            class Ping(MethodView):
                def get(self): ...

            def blueprint():
                bp = Blueprint("ping", __name__, url_prefix="/ping")
                view = Ping.as_view("ping")
                bp.add_url_rule("/now", view_func=view)
                return bp
        """,
        pong="""
            from flask import Blueprint
            blueprint = Blueprint("pong", __name__)

            @blueprint.get("/pong")
            def pong(): ...
        """,
        app="""
            import importlib
            from flask import Flask
            from shop import ping
            NAMES = ["pong"]

            def make():
                app = Flask(__name__)
                app.register_blueprint(ping.blueprint())
                for name in NAMES:
                    module = importlib.import_module(f"shop.{name}")
                    app.register_blueprint(module.blueprint, url_prefix=app.config["AT"])
        """,
    )
    assert routes(graph) == {
        ("GET", "/ping/now", "Ping"), ("GET", "{app.config['AT']}/pong", "pong"),
    }  # fmt: skip
    assert told(graph) == {("prefix app.config['AT']", "it is computed")}


def test_views_of_flask_appbuilder(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        app="""
            from flask_appbuilder import (
                AppBuilder, BaseView, IndexView, ModelRestApi, ModelView, expose,
            )

            class Methods:
                GET = "get"
                READING = {GET, "get_list"}

            class Base(BaseView):
                @expose("/list/")
                def list(self): ...

            class Reports(Base):
                @expose("/run/<pk>", methods=["POST"])
                def run(self, pk): ...

            class Charts(ModelRestApi):
                resource_name = "chart"
                @expose("/", methods=("GET",))
                def get_list(self): ...

            class Notes(ModelRestApi):
                include_route_methods = Methods.READING | {"own"}
                @expose("/own")
                def own(self): ...
                @expose("/left_out")
                def left_out(self): ...

            class Pages(ModelView):
                include_route_methods = frozenset(["list", "add", "edit"])
                exclude_route_methods = {"edit"}

            class Home(IndexView):
                @expose("/home")
                def home(self): ...

            class Lost(BaseView):
                @expose("/")
                def at(self): ...

            appbuilder = AppBuilder()
            appbuilder.add_view(Reports, "Reports")
            appbuilder.add_api(Charts)
            appbuilder.add_api(Notes)
            appbuilder.add_view(Pages)
            appbuilder.indexview = Home
        """,
    )
    assert routes(graph) == {
        ("GET", "/reports/list/", "Reports"), ("POST", "/reports/run/<pk>", "Reports"),
        ("GET", "/api/v1/chart/", "Charts"), ("POST", "/api/v1/chart/", "Charts"),
        ("GET", "/api/v1/chart/<int:pk>", "Charts"), ("PUT", "/api/v1/chart/<pk>", "Charts"),
        ("DELETE", "/api/v1/chart/<pk>", "Charts"), ("GET", "/api/v1/chart/_info", "Charts"),
        ("GET", "/api/v1/notes/<int:pk>", "Notes"), ("GET", "/api/v1/notes/", "Notes"),
        ("GET", "/api/v1/notes/own", "Notes"),
        ("GET", "/pages/list/", "Pages"),
        ("GET", "/pages/add", "Pages"), ("POST", "/pages/add", "Pages"),
        ("GET", "/home", "Home"),
    }  # fmt: skip
    assert {what for what, _ in told(graph)} == {"route Lost.at"}


def test_views_of_flask_classful(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        app="""
            from flask import Blueprint, Flask
            from flask_classful import FlaskView, route
            api = Blueprint("api", __name__)

            class Base(FlaskView):
                route_prefix = "/v3/"
                def index(self): ...

            class AgentView(Base):
                def get(self, name): ...

                @route("/<id>/run", methods=["POST"])
                def run(self, id): ...

            AgentView.register(api)
            app = Flask(__name__)
            app.register_blueprint(api, url_prefix="/x")
        """,
    )
    assert routes(graph) == {
        ("GET", "/x/v3/agent/", "AgentView"), ("GET", "/x/v3/agent/<name>", "AgentView"),
        ("POST", "/x/v3/agent/<id>/run", "AgentView"),
    }  # fmt: skip


COMMANDS = """
    import click, typer
    from celery import Celery, shared_task
    from apscheduler.schedulers.background import BackgroundScheduler
    from rq import Queue
    from rq.decorators import job
    from shop.own import registry, wrapped

    queue = Celery("shop")
    cli = typer.Typer()
    clock = BackgroundScheduler()

    @click.group()
    def main(): ...

    @main.command("import-all")
    def import_all(): ...

    @click.command()
    def alone_it_is(): ...

    @cli.command()
    def greet(): ...

    @queue.task(name="shop.mail")
    def mail(): ...

    @shared_task
    def count(): ...

    @clock.scheduled_job("cron", hour=3)
    def nightly(): ...

    @job("low")
    def low(): ...

    @wrapped
    def through_own(): ...

    @registry.command("no")
    def not_a_command(): ...

    @registry.task
    def not_a_task(): ...

    def start():
        clock.add_job(hourly, "interval", hours=1)
        Queue().enqueue_in(60, later)
        Queue().enqueue("shop.app.by_name", 1)

    def hourly(): ...
    def later(): ...
    def by_name(): ...
"""
OWN = """
    from celery import shared_task

    class Registry:
        def command(self, name): return lambda f: f
        def task(self, f): return f

    registry = Registry()

    def wrapped(f):
        return shared_task(f)
"""


def test_commands_and_tasks_by_their_library(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, app=COMMANDS, own=OWN)
    assert points(graph, "cli") == {
        ("import-all", "import_all"),
        ("alone-it-is", "alone_it_is"),
        ("greet", "greet"),
    }
    assert points(graph, "task") == {
        ("shop.mail", "mail"), ("count", "count"), ("nightly", "nightly"), ("low", "low"),
        ("hourly", "hourly"), ("later", "later"), ("by_name", "by_name"),
    }  # fmt: skip


@pytest.mark.parametrize("library", ["celery", "invoke"])
def test_a_local_object(tmp_path: Path, library: str) -> None:
    made = "celery.Celery()" if library == "celery" else "invoke.Collection()"
    graph = graph_of(
        tmp_path,
        app=f"""
            import {library}

            def make():
                it = {made}

                @it.task
                def inner(): ...
        """,
    )
    assert points(graph, "task") == ({("inner", "make")} if library == "celery" else set())
