"""A small SQLAlchemy application, and what of its graph tests compare."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from migrator.analyze.pipeline import analyze
from migrator.model.graph import Graph

MODELS = """
from sqlalchemy import Column, ForeignKey, Integer, Table, event, func, insert, select, update
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase, Mapped, Session, declared_attr, mapped_column, registry, relationship,
)

class Base(DeclarativeBase): ...

post_tags = Table(
    "post_tags", Base.metadata,
    Column("post_id", ForeignKey("posts.id")), Column("tag_id", ForeignKey("tags.id")),
)

class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    posts: Mapped[list["Post"]] = relationship(
        back_populates="author", cascade="all, delete-orphan"
    )

    @hybrid_property
    def busy(self):
        return len(self.posts) > 3

    @busy.expression
    def busy(cls):
        return select(func.count(Post.id)).where(Post.user_id == cls.id).scalar_subquery()

class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    author: Mapped[User] = relationship(back_populates="posts")
    tags: Mapped[list["Tag"]] = relationship(secondary=post_tags)

class Tag(Base):
    __tablename__ = "tags"
    id: Mapped[int] = mapped_column(primary_key=True)
"""


def graph_of(tmp_path: Path, source: str, models: str = MODELS) -> Graph:
    (tmp_path / "app.py").write_text(models + dedent(source))
    return analyze(tmp_path)


def touched(graph: Graph, name: str) -> set[tuple[str, str]]:
    return {(a.table, a.mode) for a in graph.accesses if a.definition == f"app:{name}"}


def reads(graph: Graph, name: str) -> set[str]:
    return {a.table for a in graph.accesses if a.definition == f"app:{name}" and a.mode == "read"}
