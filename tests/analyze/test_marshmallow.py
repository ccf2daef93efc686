"""Schemas of marshmallow read the rows that they are given."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from migrator.analyze.pipeline import analyze

SOURCE = """
from marshmallow import Schema, fields
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

class Base(DeclarativeBase): ...

class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    posts: Mapped[list["Post"]] = relationship(back_populates="author")

class Tag(Base):
    __tablename__ = "tags"
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))

class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    author: Mapped[User] = relationship(back_populates="posts")
    tags: Mapped[list[Tag]] = relationship()

class PostSchema(Schema):
    title = fields.String()
    labels = fields.List(fields.String(), attribute="tags")

class UserSchema(Schema):
    entries = fields.Nested(PostSchema, attribute="posts", many=True)

class NameSchema(Schema):
    by = fields.Function(lambda post: post.author.id)
    tags = fields.List(fields.String(), load_only=True)

def nested(user: User):
    return UserSchema().dump(user)

def many(session: Session):
    return PostSchema(many=True).dump(session.query(Post).all())

def computed(post: Post):
    return NameSchema().dump(post)
"""


def test_a_schema_reads_what_its_fields_name(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(dedent(SOURCE))
    found: dict[str, set[str]] = {}
    for access in analyze(tmp_path).accesses:
        found.setdefault(access.definition, set()).add(access.table)
    assert found == {
        "app:nested": {"posts", "tags"},
        "app:many": {"posts", "tags"},
        "app:computed": {"users"},
    }
