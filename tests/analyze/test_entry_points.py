"""Where work begins, by framework: full paths, the unknown told, no name taken for a library."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.analyze.entry_points import graph_of, points, routes, told


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
    assert point.path.startswith("${")
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
