"""Flask-AppBuilder serves models by itself; related rows come along with eager loading."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from migrator.analyze.pipeline import analyze
from migrator.model.graph import Graph

MODELS = """
from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import Column, ForeignKey, Integer, Table
from sqlalchemy.orm import Session, backref, joinedload, relationship

post_owner = Table(
    "post_owner", Model.metadata,
    Column("post_id", ForeignKey("posts.id")), Column("user_id", ForeignKey("ab_user.id")),
)

class Tag(Model):
    __tablename__ = "tags"
    id = Column(Integer, primary_key=True)
    post_id = Column(ForeignKey("posts.id"))

class Note(Model):
    __tablename__ = "notes"
    id = Column(Integer, primary_key=True)
    post_id = Column(ForeignKey("posts.id"))
    post = relationship("Post", backref=backref("notes", lazy="joined"))

class Post(Model):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    tags = relationship(Tag, lazy="subquery")
    owners = relationship(User, secondary=post_owner)
"""


def graph_of(root: Path, source: str) -> Graph:
    (root / "app.py").write_text(MODELS + dedent(source))
    return analyze(root)


def touched(graph: Graph, name: str) -> set[str]:
    return {f"{a.table} {a.mode}" for a in graph.accesses if a.definition == f"app:{name}"}


def test_related_rows_come_along(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        def whole(s: Session):
            return s.query(Post).all()

        def loaded(s: Session):
            return s.query(Tag.id).options(joinedload(Note.post)).all()

        def part(s: Session):
            return s.query(Post.id).all()

        def own(post: Post):
            post.owners = []

        def owners(post: Post):
            return post.owners

        def joined(s: Session):
            return s.query(Tag.id).join(Post, Post.owners).all()
        """,
    )
    assert touched(graph, "whole") == {"posts read", "tags read", "notes read"}
    assert touched(graph, "loaded") == {"tags read", "notes read", "posts read"}
    assert touched(graph, "part") == {"posts read"}
    assert touched(graph, "own") == {"post_owner insert"}
    assert touched(graph, "owners") == {"post_owner read"}
    assert touched(graph, "joined") == {"tags read", "posts read", "post_owner read"}


def test_an_api_serves_its_model(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from flask_appbuilder import ModelRestApi, ModelView
        from flask_appbuilder.models.sqla.interface import SQLAInterface

        def timed(function, *args):
            return function(*args)

        class BaseApi(ModelRestApi):
            def get_list_headless(self, **kwargs):
                return timed(super().get_list_headless, **kwargs)

            def post_headless(self):
                return timed(super().post_headless)

        class TagApi(BaseApi):
            datamodel = SQLAInterface(Tag)
            include_route_methods = {"get_list", "put"}

            def post(self): ...
            def post_headless(self): ...

            def delete(self, pk):
                tag = self.datamodel.get(pk)
                self.datamodel.delete(tag)

        class NoteApi(BaseApi):
            datamodel = SQLAInterface(Note)
            list_columns = ["id", "post.id"]

        class NoteView(ModelView):
            datamodel = SQLAInterface(Note)
            def add(self): ...
        """,
    )
    assert touched(graph, "TagApi") == {"tags read", "tags update", "tags delete"}
    assert touched(graph, "NoteApi") == {
        "notes read", "notes insert", "notes update", "notes delete", "posts read",
    }  # fmt: skip
    assert touched(graph, "NoteView") == {"notes read", "notes update", "notes delete"}
    assert touched(graph, "BaseApi") == touched(graph, "timed") == set()
