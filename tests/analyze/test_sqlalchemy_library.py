"""What bases, mixins and modules of libraries bring to models and queries."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from migrator.analyze.pipeline import analyze
from tests.analyze.sqlalchemy import graph_of, touched


def test_what_a_mixin_asks_of_its_class(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from sqlalchemy import ForeignKeyConstraint
        from helpers import merged

        class Placed:
            @property
            def __auto_table_args(cls):
                keys = [ForeignKeyConstraint(["user_id"], ["users.id"])]
                return tuple(keys)

        class Rated:
            rated = None
            target = None

            @declared_attr
            def rated_id(cls):
                return Column(Integer, ForeignKey(f"{cls.rated.__table__.fullname}.id"))

            @declared_attr
            def other_id(cls):
                return Column(Integer, ForeignKey(cls.target + ".id"))

            @declared_attr
            def it(cls):
                return relationship(cls.rated)

        class Rating(Rated, Placed, Base):
            __tablename__ = "ratings"
            id = Column(Integer, primary_key=True)
            user_id = Column(Integer)
            target = "tags"

            @declared_attr
            def __table_args__(cls):
                return merged(cls)

        Rating.rated = None

        class Again(Rated, Base):
            __tablename__ = "again"
            id = Column(Integer, primary_key=True)
            rated = Post
            target = "tags"

        def work(s: Session):
            return s.get(Again, 1).it.tags
        """,
    )
    keys = {(k.source, k.columns, k.target) for k in graph.foreign_keys}
    assert keys >= {
        ("ratings", ("user_id",), "users"),
        ("ratings", ("other_id",), "tags"),
        ("again", ("rated_id",), "posts"),
        ("again", ("other_id",), "tags"),
    }
    assert touched(graph, "work") == {
        ("again", "read"), ("posts", "read"), ("tags", "read"), ("post_tags", "read"),
    }  # fmt: skip


def test_what_a_module_gives_to_a_class_after_its_body(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        class Note(Base):
            __tablename__ = "notes"
            id: Mapped[int] = mapped_column(primary_key=True)

        Note.tag_id = Column(ForeignKey("tags.id"))
        Tag.notes = relationship(Note, backref="tag")

        def of(tag: Tag):
            return [note.tag.name for note in tag.notes]
        """,
    )
    columns = {t.id: {c.name for c in t.columns} for t in graph.tables}
    assert columns["notes"] == {"id", "tag_id"}
    assert ("notes", "tags") in {(k.source, k.target) for k in graph.foreign_keys}
    assert touched(graph, "of") == {("notes", "read"), ("tags", "read")}


def test_a_module_behind_a_chosen_backend(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from oslo_db.api import DBAPI

        IMPL = DBAPI("sqlalchemy", backend_mapping={"sqlalchemy": "app"}, lazy=True)

        def user_get(session, id):
            return session.get(User, id)

        def work(session):
            return IMPL.user_get(session, 1).posts
        """,
    )
    assert touched(graph, "work") == {("posts", "read")}
    assert ("app:work", "app:user_get") in {(e.source, e.target) for e in graph.dependencies}


def test_methods_of_a_library_s_base_of_models(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from oslo_db.sqlalchemy.models import ModelBase

        class Node(ModelBase, Base):
            __tablename__ = "nodes"
            id: Mapped[int] = mapped_column(primary_key=True)

        def change(session: Session, values):
            session.get(Node, 1).update(values)

        def make(session):
            Node().save(session=session)
        """,
    )
    assert touched(graph, "change") == {("nodes", "read"), ("nodes", "update")}
    assert touched(graph, "make") == {("nodes", "insert")}


def test_columns_and_names_of_mixins_from_elsewhere(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from fastapi_users.db import SQLAlchemyBaseUserTableUUID
        from oslo_db.sqlalchemy import models
        from sqlalchemy import Column, Integer
        from sqlalchemy.orm import DeclarativeBase, declarative_base

        class Shared(models.SoftDeleteMixin, models.TimestampMixin, models.ModelBase): ...

        Old = declarative_base(cls=Shared)

        class Goal(Old):
            __tablename__ = "goals"
            id = Column(Integer, primary_key=True)
            deleted = None

        class Base(DeclarativeBase): ...

        class Member(SQLAlchemyBaseUserTableUUID, Base): ...

        class Named(SQLAlchemyBaseUserTableUUID, Base):
            __tablename__ = "named"
        """,
        models="",
    )
    columns = {t.name: [c.name for c in t.columns] for t in graph.tables}
    account = ["id", "email", "hashed_password", "is_active", "is_superuser", "is_verified"]
    assert {n: sorted(c) for n, c in columns.items()} == {
        "goals": ["created_at", "deleted_at", "id", "updated_at"],
        "user": sorted(account), "named": sorted(account),
    }  # fmt: skip


def test_queries_of_oslo_db(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from oslo_db.sqlalchemy import utils

        def rename(session, name):
            found = utils.model_query(User, session).filter(User.name == name).one()
            found.name = "x"

        def page(session):
            query = utils.paginate_query(session.query(Tag), Tag, 10, ["id"])
            return query.all()
        """,
    )
    assert touched(graph, "rename") == {("users", "read"), ("users", "update")}
    assert touched(graph, "page") == {("tags", "read")}


def test_sessions_that_an_object_of_an_unknown_class_stands_for(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(
        dedent("""
        from sqlalchemy import Column, Integer, inspect
        from sqlalchemy.orm import declarative_base, object_session
        from traitlets import Any, HasTraits

        Base = declarative_base()

        class Group(Base):
            __tablename__ = "groups"
            id = Column(Integer, primary_key=True)

        class Metrics(HasTraits):
            db = Any(help="the session")

            def count(self):
                return self.db.query(Group).count()

            def write(self):
                return self.db.write(Group)

        class Wrapper:
            db = None

            def __init__(self, row, db=None):
                self.db = db or inspect(row).session

            def first(self):
                return self.db.query(Group).first()

        def beside(row):
            return object_session(row).query(Group).all()
        """)
    )
    found = {(a.definition, a.line) for a in analyze(tmp_path).accesses if a.table == "groups"}
    assert found == {("work:Metrics", 16), ("work:Wrapper", 28), ("work:beside", 31)}


def test_a_query_that_another_function_made_is_deleted(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        def chosen(session: Session, model, name):
            return session.query(model).filter(model.name == name)

        def drop(session: Session):
            chosen(session, User, "x").delete()

        def show(session: Session):
            return chosen(session, User, "x").all()

        def count(session: Session):
            return chosen(session, Tag, "x").count()
        """,
    )
    assert touched(graph, "drop") == {("users", "delete")}
    assert touched(graph, "show") == {("users", "read")}
