"""What reaches a function by other ways than its callers."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from migrator.analyze.pipeline import analyze
from migrator.model.graph import Graph

MODELS = """
from sqlalchemy import Column, ForeignKey, Integer, String
from sqlalchemy.orm import declarative_base, relationship
Base = declarative_base()
class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    seen = Column(String)
    posts = relationship("Post")
class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("users.id"))
"""


def graph_of(tmp_path: Path, source: str) -> Graph:
    (tmp_path / "models.py").write_text(MODELS)
    (tmp_path / "app.py").write_text("from models import Post, User\n" + dedent(source))
    return analyze(tmp_path)


def touched(graph: Graph, name: str) -> set[tuple[str, str]]:
    return {(a.table, a.mode) for a in graph.accesses if a.definition == f"app:{name}"}


def test_the_current_user_is_what_the_loader_gives(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from flask_login import LoginManager, current_user
        import flask
        def configure(app):
            manager = LoginManager(app)
            @manager.user_loader
            def load(id):
                return User.query.get(id)
        def posts():
            return list(current_user.posts)
        def mark():
            current_user.seen = "now"
        """,
    )
    assert touched(graph, "posts") == {("posts", "read")}
    assert touched(graph, "mark") == {("users", "update")}


def test_the_current_user_is_of_the_data_store(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from flask_security import Security, SQLAlchemyUserDatastore, current_user
        from flask import Flask
        store = SQLAlchemyUserDatastore(None, User, None)
        def posts():
            return list(current_user.posts)
        """,
    )
    assert touched(graph, "posts") == {("posts", "read")}


def test_what_is_put_on_g_is_found_there(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from flask import Blueprint, g
        from werkzeug.local import LocalProxy
        main = Blueprint("main", __name__)
        me = LocalProxy(lambda: g.user)
        @main.before_request
        def before():
            user = User.query.get(1)
            g.user = user
            g.other = 1
        def posts():
            return list(g.user.posts)
        def again():
            return list(me.posts)
        def other():
            return list(g.other.posts)
        """,
    )
    assert touched(graph, "posts") == {("posts", "read")}
    assert touched(graph, "again") == {("posts", "read")}
    assert touched(graph, "other") == set()


def test_a_decorator_hands_rows_to_what_it_is_put_on(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from functools import wraps
        def with_user(function):
            @wraps(function)
            def wrapper(user_id, *args, **kwargs):
                user = User.query.get(user_id)
                return function(user, *args, **kwargs)
            return wrapper
        def with_post(required=True):
            def decorator(function):
                @wraps(function)
                def wrapper(*args, **kwargs):
                    kwargs["post"] = Post.query.get(kwargs.pop("id"))
                    return function(*args, **kwargs)
                return wrapper
            return decorator
        def plain(function):
            def wrapper(*args):
                User.query.get(1)
                return function(*args)
            return wrapper
        @with_user
        def posts(user):
            return list(user.posts)
        @with_post(required=False)
        def move(post, to):
            post.user_id = to
        @plain
        def nothing(user_, x):
            return list(user_.posts)
        """,
    )
    assert touched(graph, "posts") == {("posts", "read")}
    assert touched(graph, "move") == {("posts", "update")}
    assert touched(graph, "nothing") == set()


def test_a_view_class_names_decorators_for_its_methods(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from flask_restful import Resource
        def with_user(function):
            def wrapper(*args, **kwargs):
                return function(*args, user=User.query.get(kwargs.pop("id")), **kwargs)
            return wrapper
        class Base(Resource):
            method_decorators = [with_user]
        class View(Base):
            def get(self, user):
                return list(user.posts)
            def other(self, user):
                return list(user.posts)
        class Plain(Resource):
            def get(self, user_):
                return list(user_.posts)
        """,
    )
    assert touched(graph, "View") == {("posts", "read")}
    assert touched(graph, "Plain") == set()
