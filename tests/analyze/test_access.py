"""Who reads and writes what, from small sources: never a wrong edge, the unknown told."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from migrator.analyze.pipeline import analyze
from migrator.model.graph import Graph

MODELS = """
from sqlalchemy import ForeignKey, Table, Column, Integer
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


tags = Table(
    "post_tags", Base.metadata, Column("post_id", ForeignKey("posts.id"), primary_key=True)
)


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    posts: Mapped[list["Post"]] = relationship(back_populates="author")


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    author: Mapped[User] = relationship(back_populates="posts")
"""


def graph_of(tmp_path: Path, source: str) -> Graph:
    package = tmp_path / "blog"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "models.py").write_text(MODELS)
    head = "from sqlalchemy import select, text, delete\nfrom blog.models import User, Post, tags\n"
    (package / "work.py").write_text(head + dedent(source))
    return analyze(tmp_path)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("session.get(User, 1)", {("users", "read")}),
        ("session.scalars(select(Post).join(User))", {("posts", "read"), ("users", "read")}),
        (
            "session.query(User).filter_by(name='x').delete()",
            {("users", "delete")},
        ),
        ("session.add(User(name='x'))", {("users", "insert")}),
        (
            "user = session.get(User, 1)\n    user.name = 'y'",
            {("users", "read"), ("users", "update")},
        ),
        ("session.execute(delete(Post))", {("posts", "delete")}),
        ("session.execute(tags.insert())", {("post_tags", "insert")}),
        (
            "session.execute(text('WITH u AS (SELECT * FROM users) DELETE FROM posts p USING u'))",
            {("users", "read"), ("posts", "delete")},
        ),
        (
            "post = session.get(Post, 1)\n    return post.author.name",
            {("posts", "read"), ("users", "read")},
        ),
        (
            "for user in session.scalars(select(User)):\n        session.delete(user)",
            {("users", "read"), ("users", "delete"), ("posts", "read")},
        ),
        ("users = 'select a seat'\n    return users", set()),
    ],
)
def test_accesses(tmp_path: Path, body: str, expected: set[tuple[str, str]]) -> None:
    graph = graph_of(tmp_path, f"def work(session):\n    {body}\n")
    assert {(a.table, a.mode) for a in graph.accesses} == expected
    assert {a.definition for a in graph.accesses} <= {"blog.work:work"}


def test_statement_in_a_constant_counts_where_it_is_used(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path, "ALL = text('SELECT * FROM users')\ndef work(s):\n    return s.execute(ALL)\n"
    )
    assert [(a.definition, a.table, a.how) for a in graph.accesses] == [
        ("blog.work:work", "users", "sql")
    ]


def test_what_is_not_known_is_told(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        def work(session, thing, name):
            session.add(thing)
            session.execute(text(f"SELECT * FROM {name}"))
        """,
    )
    assert graph.accesses == ()
    assert {(u.path, u.what) for u in graph.unresolved} == {
        ("blog/work.py", "session.add(thing)"),
        ("blog/work.py", "SQL text"),
    }


def test_broken_files_are_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes(b"x = '\xe9'\n")
    (tmp_path / "broken.py").write_text("def (:\n")
    (tmp_path / "loop").symlink_to(tmp_path)
    graph = graph_of(tmp_path, "def work(s):\n    return s.get(User, 1)\n")
    assert {u.path for u in graph.unresolved} == {"latin.py", "broken.py"}
    assert len(graph.accesses) == 1


@pytest.mark.parametrize("base", ["flask_sqlalchemy.SQLAlchemy", "somewhere.Unknown"])
def test_the_session_of_a_subclass_and_of_an_object_of_another_package(
    tmp_path: Path, base: str
) -> None:
    module, _, name = base.rpartition(".")
    (tmp_path / "app.py").write_text(
        f"""
from sqlalchemy import Column, Integer
from sqlalchemy.orm import declarative_base
from {module} import {name}

Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)


class Own({name}):
    pass


own, others = Own(), {name}()


def of_own():
    return own.session.query(User.id).all()


def of_others():
    return others.session.query(User.id).all()
"""
    )
    found = {a.definition for a in analyze(tmp_path).accesses if a.table == "users"}
    assert found == {"app:of_own", "app:of_others"}


def test_what_comes_along_with_rows_is_read_where_they_are_fetched(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        """
from sqlalchemy import Column, ForeignKey, Integer
from sqlalchemy.orm import Session, declarative_base, relationship

Base = declarative_base()


class Tag(Base):
    __tablename__ = "tags"
    id = Column(Integer, primary_key=True)
    post_id = Column(ForeignKey("posts.id"))


class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    tags = relationship(Tag, lazy="joined")


def counts(s: Session):
    return s.query(Post).filter(Post.id > 1).count()


def fetches(s: Session):
    return s.query(Post).filter(Post.id > 1).first()


def makes(s: Session):
    return s.query(Post)


def fetches_what_is_made(s: Session):
    return makes(s).all()


def counts_what_it_joins(s: Session):
    return s.query(Post).join(Post.tags).count()


def asks_inside(s: Session):
    return s.query(Tag.id).filter(Tag.post_id.in_(s.query(Post))).all()
"""
    )
    found: dict[str, set[str]] = {}
    for access in analyze(tmp_path).accesses:
        found.setdefault(access.definition[4:], set()).add(access.table)
    assert found == {
        "counts": {"posts"},
        "fetches": {"posts", "tags"},
        "makes": {"posts"},
        "fetches_what_is_made": {"posts", "tags"},
        "counts_what_it_joins": {"posts", "tags"},
        "asks_inside": {"posts", "tags"},
    }
