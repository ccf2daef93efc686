"""Tables, columns and keys of SQLAlchemy by the ways that real applications declare them."""

from __future__ import annotations

from pathlib import Path

from tests.analyze.sqlalchemy import graph_of, touched


def test_tables_and_schemas_by_other_ways(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        def merged(cls, **more):
            return more

        class Noted:
            has_note = True

            @declared_attr
            def __table_args__(cls):
                return merged(cls)

            @declared_attr
            def note(cls):
                if not cls.has_note:
                    return
                return mapped_column(Integer)

        class A(Noted, Base):
            __tablename__ = "a"
            __a_table_args = {"schema": "x"}
            id: Mapped[int] = mapped_column(primary_key=True)

        class B(Noted, Base):
            __tablename__ = "b"
            has_note = False

            @declared_attr
            def __table_args__(cls):
                return merged(cls, schema="y")

            id: Mapped[int] = mapped_column(primary_key=True)

        Table("nameless", Base.metadata, Column("id", Integer, primary_key=True))
        """,
    )
    columns = {t.id: {c.name for c in t.columns} for t in graph.tables}
    assert columns["x.a"] == {"id", "note"}
    assert columns["y.b"] == {"id"}
    assert columns["nameless"] == {"id"}


def test_names_of_a_star_import_from_elsewhere(tmp_path: Path) -> None:
    models = """
from sqlalchemy import *
from sqlalchemy.orm import *
class Base(DeclarativeBase): ...
class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
    graph = graph_of(tmp_path, "def work(s: Session):\n    s.add(User())\n", models)
    assert [t.id for t in graph.tables] == ["users"]
    assert touched(graph, "work") == {("users", "insert")}


def test_sqlmodel(tmp_path: Path) -> None:
    models = """
from sqlmodel import Field, Relationship, Session, SQLModel, select

class Shared(SQLModel):
    name: str

class Team(Shared, table=True):
    id: int | None = Field(default=None, primary_key=True)
    heroes: list["Hero"] = Relationship(back_populates="team")

class Hero(Shared, table=True):
    __tablename__ = "heroes"
    id: int | None = Field(default=None, primary_key=True)
    team_id: int | None = Field(default=None, foreign_key="team.id")
    team: Team | None = Relationship(back_populates="heroes")
"""
    graph = graph_of(
        tmp_path,
        """
        def work(s: Session):
            hero = s.exec(select(Hero).where(Team.id == 1)).first()
            hero.name = "x"
            return hero.team.heroes
        """,
        models,
    )
    columns = {t.id: {c.name for c in t.columns} for t in graph.tables}
    assert columns == {"team": {"id", "name"}, "heroes": {"id", "name", "team_id"}}
    assert {(k.source, k.target) for k in graph.foreign_keys} == {("heroes", "team")}
    assert touched(graph, "work") == {("heroes", "read"), ("team", "read"), ("heroes", "update")}


def test_columns_that_a_declared_attr_makes_only_for_some_classes(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from enum import Enum

        class Kind(Enum):
            one = 1
            two = 2

        class Flags:
            shown = False
            modes = {Kind.one}
            kinds = frozenset({Kind.one})

            @declared_attr
            def flag(cls):
                if not cls.shown:
                    return
                return Column(Integer)

            @declared_attr
            def mode(cls):
                if len(cls.modes) > 1:
                    return Column(Integer)
                else:
                    return cls.modes

            @declared_attr
            def two_id(cls):
                if Kind.two in cls.kinds:
                    return Column(Integer)

            @declared_attr
            def other(cls):
                if unknown(cls):
                    return Column(Integer)

        class Few(Flags, Base):
            __tablename__ = "few"
            id = Column(Integer, primary_key=True)

        class Many(Flags, Base):
            __tablename__ = "many"
            id = Column(Integer, primary_key=True)
            shown = True
            modes = {Kind.one, Kind.two}
            kinds = [Kind.one, Kind.two]
        """,
    )
    columns = {t.name: {c.name for c in t.columns} for t in graph.tables}
    assert columns["few"] == {"id", "other"}
    assert columns["many"] == {"id", "flag", "mode", "two_id", "other"}


NAMED = """
import re
from sqlalchemy import Column, Integer, MetaData
from sqlalchemy.ext.declarative import as_declarative, declarative_base, declared_attr
from sqlalchemy.orm import DeclarativeMeta, Mapped, mapped_column, registry, relationship
from sqlalchemy import ForeignKey

@as_declarative()
class Decorated:
    id = Column(Integer, primary_key=True)

    @declared_attr
    def __tablename__(cls):
        return cls.__name__.lower()

class Named:
    @declared_attr
    def __tablename__(cls) -> str:
        return re.sub("(?<!^)(?=[A-Z])", "_", cls.__name__).lower() + "s"

Prefixed = declarative_base(metadata=MetaData(
    schema="app", naming_convention={"pk": "pk_%(table_name)s"}
))

class Counter(Decorated): ...

class UserAccount(Named, Prefixed):
    id = Column(Integer, primary_key=True)

class Other(Prefixed):
    @declared_attr
    def __tablename__(cls):
        return f"t_{cls.__name__.lower()}"
    id = Column(Integer, primary_key=True)

class ByMetaclass(metaclass=DeclarativeMeta):
    __abstract__ = True
    registry = registry()

class Meta(DeclarativeMeta): ...
class ByOwnMetaclass(metaclass=Meta):
    __abstract__ = True

class Shared:
    owner: Mapped["Tree"]

class Tree(Shared, ByMetaclass):
    __tablename__ = "trees"
    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int] = mapped_column("parent", ForeignKey(id))
    owner: Mapped["Tree"] = relationship()

class Leaf(ByOwnMetaclass):
    __tablename__ = "leaves"
    id: Mapped[int] = mapped_column(primary_key=True)

class Odd(Prefixed):
    @declared_attr
    def __tablename__(cls):
        return names_of(cls)
    id = Column(Integer, primary_key=True)
"""


def test_tables_named_by_decorated_bases_and_functions(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "", NAMED)
    assert {t.id for t in graph.tables} == {
        "counter", "app.user_accounts", "app.t_other", "trees", "leaves",
    }  # fmt: skip
    trees = next(t for t in graph.tables if t.name == "trees")
    assert {c.name for c in trees.columns} == {"id", "parent"}
    assert [(k.columns, k.target, k.referred_columns) for k in graph.foreign_keys] == [
        (("parent",), "trees", ("id",))
    ]
    assert [(u.what, u.why) for u in graph.unresolved] == [
        ("model app:Odd", "its table's name is computed")
    ]


def test_a_base_under_another_name(tmp_path: Path) -> None:
    models = """
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Column, Integer
db = SQLAlchemy()
Model: type = db.Model
Again = Model
class User(Again):
    __tablename__ = "people"
    id = Column(Integer, primary_key=True)
class BlogPost(Model):
    id = Column(Integer, primary_key=True)
"""
    graph = graph_of(tmp_path, "def work():\n    db.session.add(User())\n", models)
    assert {t.id for t in graph.tables} == {"people", "blog_post"}
    assert touched(graph, "work") == {("people", "insert")}


def test_tables_named_by_a_compiled_pattern(tmp_path: Path) -> None:
    models = """
import re
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
HUMP = re.compile("(?<!^)(?=[A-Z])")
class Base(DeclarativeBase):
    @declared_attr.directive
    def __tablename__(cls) -> str:
        return HUMP.sub("_", cls.__name__).lower()
    id: Mapped[int] = mapped_column(primary_key=True)
class FlowRun(Base): ...
"""
    assert [t.id for t in graph_of(tmp_path, "", models).tables] == ["flow_run"]


def test_a_table_of_flask_sqlalchemy_may_leave_its_metadata_out(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from flask_sqlalchemy import SQLAlchemy
        db = SQLAlchemy()
        likes = db.Table(
            "likes", db.Column("post_id", db.ForeignKey("posts.id")), db.Column("by", db.Integer)
        )
        """,
    )
    likes = next(t for t in graph.tables if t.name == "likes")
    assert [c.name for c in likes.columns] == ["post_id", "by"]
    assert ("likes", "posts") in {(k.source, k.target) for k in graph.foreign_keys}


def test_tables_made_in_a_loop_and_by_a_function(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        for entity in ("user", "post"):
            table = Table(
                f"{entity}_notes", Base.metadata,
                Column(f"{entity}_id", ForeignKey(f"{entity}s.id")), Column("entity", Integer),
            )

        def between(left, right="tag"):
            name = f"{left}_{right}"
            return Table(name, Base.metadata, Column(left + "_id", ForeignKey(left + "s.id")))

        pairs = between("post")
        """,
    )
    columns = {t.id: {c.name for c in t.columns} for t in graph.tables}
    assert columns["user_notes"] == {"user_id", "entity"}
    assert columns["post_notes"] == {"post_id", "entity"}
    assert columns["post_tag"] == {"post_id"}
    keys = {(k.source, k.target) for k in graph.foreign_keys}
    assert {("user_notes", "users"), ("post_notes", "posts"), ("post_tag", "posts")} <= keys


def test_columns_that_a_function_makes(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        def key_to(target, column="id", **further):
            return Column(ForeignKey(f"{target}.{column}", ondelete="CASCADE"), **further)

        def numbered():
            return Column(Integer, primary_key=True)

        class Note(Base):
            __tablename__ = "notes"
            id = numbered()
            author_id = key_to(target=User.__tablename__, nullable=False)
            tag_id = key_to("tags")
        """,
    )
    notes = next(t for t in graph.tables if t.id == "notes")
    assert {c.name for c in notes.columns} == {"id", "author_id", "tag_id"}
    assert [c.name for c in notes.columns if c.primary_key] == ["id"]
    keys = {(k.source, k.columns[0], k.target, k.on_delete) for k in graph.foreign_keys}
    assert {
        ("notes", "author_id", "users", "CASCADE"),
        ("notes", "tag_id", "tags", "CASCADE"),
    } <= keys


def test_keys_over_columns_that_are_named(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from sqlalchemy import ForeignKeyConstraint

        class Note(Base):
            __tablename__ = "notes"
            id: Mapped[int] = mapped_column(primary_key=True)
            writer = mapped_column("writer_id", Integer)
            tag_id = mapped_column(Integer)
            __table_args__ = (
                ForeignKeyConstraint((writer,), [User.id], ondelete="CASCADE"),
                ForeignKeyConstraint(columns=(tag_id,), refcolumns=["tags.id"]),
            )
        """,
    )
    keys = {(k.source, k.columns, k.target, k.referred_columns) for k in graph.foreign_keys}
    assert {
        ("notes", ("writer_id",), "users", ("id",)),
        ("notes", ("tag_id",), "tags", ("id",)),
    } <= keys


def test_table_arguments_that_a_base_takes_of_its_heirs(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from sqlalchemy import ForeignKeyConstraint

        class Kept:
            @declared_attr
            def __table_args__(cls):
                return cls._table_args + ({"mysql_engine": "InnoDB"},)

        class Note(Kept, Base):
            __tablename__ = "notes"
            _table_args = (ForeignKeyConstraint(["tag_id"], ["tags.id"]),)
            id: Mapped[int] = mapped_column(primary_key=True)
            tag_id: Mapped[int]
        """,
    )
    assert ("notes", ("tag_id",), "tags", ("id",)) in {
        (k.source, k.columns, k.target, k.referred_columns) for k in graph.foreign_keys
    }


def test_none_in_place_of_a_column_of_a_base_takes_it_away(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        class Numbered(Base):
            __abstract__ = True
            id: Mapped[int] = mapped_column(primary_key=True)
        class Between(Numbered):
            __tablename__ = "between"
            id = None
            user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
        class Kept(Numbered):
            __tablename__ = "kept"
        """,
    )
    columns = {t.name: {c.name for c in t.columns} for t in graph.tables}
    assert columns["between"] == {"user_id"}
    assert columns["kept"] == {"id"}


def test_a_base_that_is_made_over_an_own_class(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from flask_sqlalchemy import SQLAlchemy
        from sqlalchemy.orm import declarative_base

        class Own:
            @classmethod
            def find(cls, oid):
                return cls.query.get(oid)

        db = SQLAlchemy(model_class=declarative_base(cls=Own, name="Model"))
        Other = declarative_base(cls=Own)

        class Thing(db.Model):
            id = db.Column(db.Integer, primary_key=True)

        class Kind(Other):
            __tablename__ = "kinds"
            id = db.Column(db.Integer, primary_key=True)

        def one():
            return Thing.find(1)

        def other():
            return Kind.find(1)
        """,
    )
    assert touched(graph, "one") == {("thing", "read")}
    assert touched(graph, "other") == {("kinds", "read")}
