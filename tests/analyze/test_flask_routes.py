"""Routes of Flask: blueprints, rules that helpers add, resources, and views that are classes."""

from __future__ import annotations

from pathlib import Path

from tests.analyze.entry_points import graph_of, routes, told


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
    assert routes(graph) == {("GET", "${shop.app.bp}/x/y", "y")}
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
        ("GET", "/pets/${rule}", "feed"),
        ("GET", "/pets/walk", "walk"), ("GET", "/pets/wash", "wash"),
        ("GET", "/pets/one/walk/now", "walk"), ("GET", "/pets/two/walk/now", "walk"),
        ("GET", "/pets/${prefix}/wash", "wash"),
    }  # fmt: skip
    assert {(u.path, u.what, u.why) for u in graph.unresolved} == {
        ("shop/helpers.py", "route", "its view function is not known"),
        ("shop/pets.py", "route", "its view function is not known"),
        ("shop/pets.py", "route of feed", "its URL rule is computed"),
        ("shop/pets.py", "route of wash", "its URL rule is computed"),
    }


def test_flask_rules_of_a_list_that_a_helper_is_given(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        helpers="""
            def configure(blueprint, rules, decorators=None):
                views = {}
                for rule, resource in rules:
                    view = views.get(resource)
                    if view is None:
                        view = resource.as_view(resource.__name__)
                        for decorator in decorators or []:
                            view = decorator(view)
                        views[resource] = view
                    blueprint.add_url_rule(rule, view_func=view)
                return blueprint
        """,
        cats="""
            from flask import Blueprint
            from flask.views import MethodView
            from shop.helpers import configure

            class Cats(MethodView):
                def get(self): ...

            class Cat(MethodView):
                def put(self, id): ...

            rules = [("/cats", Cats), ("/cats/<id>", Cat)]
            cats = Blueprint("cats", __name__)
            api = configure(cats, rules)
        """,
        app="""
            from flask import Flask
            from shop.cats import cats
            app = Flask(__name__)
            app.register_blueprint(cats, url_prefix="/api")
        """,
    )
    assert routes(graph) == {("GET", "/api/cats", "Cats"), ("PUT", "/api/cats/<id>", "Cat")}
    assert told(graph) == set()


def test_defaults_of_a_helper_and_helpers_of_helpers(tmp_path: Path) -> None:
    chain = "".join(f"def h{n}(rule, view):\n    h{n - 1}(rule, view)\n\n" for n in range(1, 6))
    graph = graph_of(
        tmp_path,
        app="""
            from flask import Flask
            app = Flask(__name__)
            BOTH = ["GET", "POST"]

            def add(rule, view, methods=("GET", "POST"), at="/ping"):
                app.add_url_rule(at + rule, view_func=view, methods=methods)

            def ping(): ...

            add("/a", ping)
            add("/b", ping, ["PUT"], at="/pong")
        """,
        deep="from shop.app import app, ping\n\n"
        "def h0(rule, view):\n    app.add_url_rule(rule, view_func=view)\n\n"
        + chain + "h2('/near', ping)\nh5('/far', ping)\n",
    )  # fmt: skip
    assert routes(graph) == {
        ("GET", "/ping/a", "ping"), ("POST", "/ping/a", "ping"), ("PUT", "/pong/b", "ping"),
        ("GET", "/near", "ping"),
    }  # fmt: skip
    # Deeper than is followed: told, not left out.
    assert ("route", "its view function is not known") in told(graph)


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
        ("GET", "/ping/now", "Ping"), ("GET", "${app.config['AT']}/pong", "pong"),
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
