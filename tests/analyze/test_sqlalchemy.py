"""What SQLAlchemy's constructs mean, one by one: tables, and who touches them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

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


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("s.scalars(select(User).where(User.busy)).all()", {"users read", "posts read"}),
        ("s.bulk_insert_mappings(User, [{}])", {"users insert"}),
        (
            "s.execute(select(post_tags.c.tag_id))\n    s.execute(post_tags.insert())",
            {"post_tags read", "post_tags insert"},
        ),
        (
            "s.execute(post_tags.delete().where(post_tags.c.tag_id == 1))",
            {"post_tags delete"},
        ),
        ("s.bulk_save_objects([Tag()])", {"tags insert"}),
        ("s.execute(insert(Post), [{}])", {"posts insert"}),
        (
            "s.execute(update(User).where(User.id.in_(select(Post.user_id))))",
            {"users update", "posts read"},
        ),
        (
            "s.query(User).filter(Post.id == 1).update({})",
            {"users update", "posts read"},
        ),
        ("s.merge(User())", {"users insert"}),
        (
            "for u in s.query(User):\n        s.delete(u)",
            {"users read", "users delete", "posts read", "posts delete", "post_tags read",
             "post_tags delete", "tags read"},
        ),
        ("for k in d:\n        setattr(s.get(User, 1), k, 1)", {"users read", "users update"}),
        ("p = s.get(Post, 1)\n    p.tags.append(Tag())", {
            "posts read", "tags read", "tags insert", "post_tags read", "post_tags insert",
        }),
        ("s.query(Post).join(Post.author).all()", {"posts read", "users read"}),
        ("s.query(Post).join(Post.tags).all()", {"posts read", "tags read", "post_tags read"}),
        ("clauses = [Tag.id == 1]\n    s.query(Post).filter(*clauses).all()", {
            "posts read", "tags read",
        }),
    ],
)  # fmt: skip
def test_what_a_session_is_told(tmp_path: Path, body: str, expected: set[str]) -> None:
    graph = graph_of(tmp_path, f"def work(s: Session, d):\n    {body}\n")
    assert {f"{table} {mode}" for table, mode in touched(graph, "work")} == expected
    assert not graph.unresolved


def test_a_clause_is_read_by_who_runs_it(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        def clause(name):
            return [Tag.id == name]

        def work(s: Session):
            return s.query(Post).filter(*clause(1)).all()
        """,
    )
    assert touched(graph, "clause") == set()
    assert touched(graph, "work") == {("posts", "read"), ("tags", "read")}


def test_what_only_sounds_like_a_session_is_no_proof(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        def sets(session_ids, db_users, seen, user: User):
            session_ids.add(user)
            db_users.add(user)
            seen.add(user)

        def named(session, user: User):
            session.add(user)

        def known(it: Session, user: User):
            it.add(user)
        """,
    )
    found = {(a.definition[4:], a.table, a.mode, a.confidence) for a in graph.accesses}
    assert {f for f in found if f[0] in ("sets", "named", "known")} == {
        ("named", "users", "insert", "likely"),
        ("known", "users", "insert", "certain"),
    }


def test_text_that_nobody_runs_is_no_statement(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        '''
        def work(log):
            """Delete from users."""
            log.info("delete from users")
            raise ValueError("select id from users failed")
        ''',
    )
    assert touched(graph, "work") == set()
    assert not graph.unresolved


def test_inheritance(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        class Manager(User):
            __tablename__ = "managers"
            __mapper_args__ = {"concrete": True}
            id: Mapped[int] = mapped_column(primary_key=True)
            level: Mapped[int]

        class Boss(User):
            __tablename__ = "bosses"
            id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)

        class Guest(User):
            shoe: Mapped[int]

        def concrete(s: Session):
            return s.get(Manager, 1)

        def joined(s: Session):
            return s.get(Boss, 1)

        def single(s: Session):
            return s.get(Guest, 1)
        """,
    )
    columns = {t.id: {c.name for c in t.columns} for t in graph.tables}
    assert columns["managers"] == {"id", "name", "level"}
    assert columns["bosses"] == {"id"}
    assert columns["users"] == {"id", "name", "shoe"}
    assert touched(graph, "concrete") == {("managers", "read")}
    assert touched(graph, "joined") == {("bosses", "read"), ("users", "read")}
    assert touched(graph, "single") == {("users", "read")}


def test_imperative_mapping(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        reg = registry()

        class Thing: ...

        things = Table(
            "things", reg.metadata,
            Column("id", Integer, primary_key=True), Column("u", ForeignKey("users.id")),
        )
        reg.map_imperatively(Thing, things, properties={"user": relationship(User)})

        def work(s: Session):
            s.add(Thing())
            return s.query(Thing).join(Thing.user).all()
        """,
    )
    assert touched(graph, "work") == {
        ("things", "insert"), ("things", "read"), ("users", "read"),
    }  # fmt: skip


def test_events_do_what_they_do(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        @event.listens_for(Session, "before_flush")
        def audit(session, context, instances):
            session.add(Tag())

        @event.listens_for(User, "after_insert")
        def made(mapper, connection, target):
            connection.execute(post_tags.insert())
        """,
    )
    assert touched(graph, "audit") == {("tags", "insert")}
    assert touched(graph, "made") == {("post_tags", "insert")}


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


def test_nested_functions_that_call_themselves_and_one_another(tmp_path: Path) -> None:
    calls = "\n".join(f"        walk(node.c{i}); jump(node.c{i})" for i in range(9))
    graph = graph_of(
        tmp_path,
        f"def work(s: Session):\n"
        f"    def walk(node):\n        s.add(Tag())\n{calls}\n"
        f"    def jump(node):\n        s.add(User())\n{calls}\n"
        f"    walk(None)\n",
    )
    assert touched(graph, "work") == {("tags", "insert"), ("users", "insert")}


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


def test_a_parameter_called_after_a_model_is_likely_its_object(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        def titles(post, tags):
            return [t.id for t in post.tags], tags.id

        def rename(user):
            user.name = "x"
            isinstance(user, (set, list))
            find(set)

        def other(post):
            return post.tags, post.colour

        def bound(post):
            post = find(post)
            return post.tags

        def typed(user: int):
            return user.posts
        """,
    )
    likely = {(a.definition[4:], a.table, a.mode, a.confidence) for a in graph.accesses}
    names = ("titles", "rename", "other", "bound", "typed")
    assert {a for a in likely if a[0] in names} == {
        ("titles", "tags", "read", "likely"), ("titles", "post_tags", "read", "likely"),
        ("rename", "users", "update", "likely"),
    }  # fmt: skip


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


def test_association_proxies(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from sqlalchemy.ext.associationproxy import association_proxy

        class Link(Base):
            __tablename__ = "links"
            id: Mapped[int] = mapped_column(primary_key=True)
            box_id: Mapped[int] = mapped_column(ForeignKey("boxes.id"))
            tag_id: Mapped[int] = mapped_column(ForeignKey("tags.id"))
            note: Mapped[str]
            tag: Mapped[Tag] = relationship()

        class Box(Base):
            __tablename__ = "boxes"
            id: Mapped[int] = mapped_column(primary_key=True)
            links: Mapped[list[Link]] = relationship()
            tags = association_proxy("links", "tag")
            notes = association_proxy("links", "note")

        def tags(s: Session, box: Box):
            for tag in box.tags:
                tag.id = 2

        def notes(s: Session, box: Box):
            return list(box.notes)

        def more(s: Session, box: Box, tag: Tag):
            box.tags.append(tag)
        """,
    )
    assert touched(graph, "tags") == {("links", "read"), ("tags", "read"), ("tags", "update")}
    assert touched(graph, "notes") == {("links", "read")}
    assert touched(graph, "more") >= {("links", "insert")}


def test_what_a_mixin_does_is_done_to_the_rows_of_its_heirs(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        class Owned:
            def rename(self, name):
                self.label = name

            def first_owner(self):
                return [o.id for o in self.owners]

            def nothing(self):
                return 1

        class House(Owned, Base):
            __tablename__ = "houses"
            id: Mapped[int] = mapped_column(primary_key=True)
            label: Mapped[str]
            owners: Mapped[list[User]] = relationship()

        class Car(Owned, Base):
            __tablename__ = "cars"
            id: Mapped[int] = mapped_column(primary_key=True)
            label: Mapped[str]
            owners: Mapped[list[Tag]] = relationship()
        """,
    )
    assert touched(graph, "House") == {("houses", "update"), ("users", "read")}
    assert touched(graph, "Car") == {("cars", "update"), ("tags", "read")}
    assert touched(graph, "Owned") == set()


def test_a_prefix_that_grows_as_a_function_calls_itself(tmp_path: Path) -> None:
    calls = "\n".join(
        f'    walk(s, node.c{i}, prefix=f"{{prefix}}{i}", other=f"{{other}}_{i}")' for i in range(6)
    )
    graph = graph_of(
        tmp_path,
        f"def walk(s: Session, node, prefix, other):\n    s.add(Tag())\n{calls}\n"
        f"def work(s: Session, name):\n    walk(s, None, name, name)\n",
    )
    assert touched(graph, "walk") == {("tags", "insert")}


def test_relations_that_a_loader_names_by_strings(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from sqlalchemy.orm import Load, joinedload

        def one(session: Session):
            return session.query(User).options(joinedload("posts").joinedload("tags")).all()

        def dotted(session: Session):
            return session.query(User).options(joinedload("posts.tags")).all()

        def bound(session: Session):
            return session.query(User).options(Load(User).joinedload("posts")).all()

        def other(session: Session):
            return session.query(Tag).options(joinedload("posts")).all()
        """,
    )
    every = {"users", "posts", "post_tags", "tags"}
    assert reads(graph, "one") == every
    assert reads(graph, "dotted") == every
    assert reads(graph, "bound") == {"users", "posts"}
    assert reads(graph, "other") == {"tags"}


def test_the_rows_between_go_with_either_side(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        def drop(session: Session, post: Post):
            session.delete(post)
        """,
    )
    assert {
        (a.table, a.how)
        for a in graph.accesses
        if a.mode == "delete" and a.definition == "app:drop"
    } == {("posts", "orm"), ("post_tags", "cascade")}


def reads(graph: Graph, name: str) -> set[str]:
    return {a.table for a in graph.accesses if a.definition == f"app:{name}" and a.mode == "read"}


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


def test_what_a_row_does_with_related_rows_is_its_class_s_affair(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        class Titled:
            def titles(self, wanted):
                return [one.name for one in self.tags]

            def save(self, session: Session):
                session.add(self)

        class Page(Titled, Base):
            __tablename__ = "pages"
            id: Mapped[int] = mapped_column(primary_key=True)
            tags: Mapped[list[Tag]] = relationship()

        class Card(Titled, Base):
            __tablename__ = "cards"
            id: Mapped[int] = mapped_column(primary_key=True)
            tags: Mapped[list[Post]] = relationship()

        def show(page: Page, user: User):
            return page.titles(user)

        def keep(card: Card, session: Session):
            card.save(session)

        def keep_page(page: Page, session: Session):
            page.save(session)
        """,
    )
    assert touched(graph, "show") == set()
    assert touched(graph, "keep") == {("cards", "insert")}
    assert ("tags", "read") in touched(graph, "Page")
    assert ("posts", "read") in touched(graph, "Card")


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


def test_an_object_that_is_being_made_has_no_related_rows(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        class Note(Base):
            __tablename__ = "notes"
            id: Mapped[int] = mapped_column(primary_key=True)
            tags: Mapped[list[Tag]] = relationship()

            def __init__(self, names):
                for name in names:
                    self.tags.append(Tag(name=name))
        """,
    )
    assert ("tags", "read") not in touched(graph, "Note")
    assert ("tags", "insert") in touched(graph, "Note")


def test_a_relationship_is_compared_by_its_key(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        def by_row(s: Session, user):
            return s.scalars(select(Post).where(Post.author == user)).all()
        def by_name(s: Session):
            return s.scalars(select(Post).where(Post.author.has(name="x"))).all()
        def joined(s: Session):
            return s.scalars(select(Post).join(Post.author)).all()
        """,
    )
    assert touched(graph, "by_row") == {("posts", "read")}
    assert touched(graph, "by_name") == {("posts", "read"), ("users", "read")}
    assert touched(graph, "joined") == {("posts", "read"), ("users", "read")}


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


def test_eager_loading_does_not_turn_back(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from sqlalchemy.orm import Session

        def groups(session: Session):
            return session.query(Group).all()

        def links(session: Session):
            return session.query(Link).all()
        """,
        models="""
from sqlalchemy import Column, ForeignKey, Integer, Table
from sqlalchemy.orm import DeclarativeBase, relationship

class Base(DeclarativeBase): ...

members = Table("members", Base.metadata, Column("a", ForeignKey("groups.id")))

class Group(Base):
    __tablename__ = "groups"
    id = Column(Integer, primary_key=True)
    links = relationship("Link", lazy="selectin")

class Link(Base):
    __tablename__ = "links"
    id = Column(Integer, primary_key=True)
    group_id = Column(ForeignKey("groups.id"))
    group = relationship("Group", lazy="selectin")
    groups = relationship("Group", secondary=members, lazy="selectin")
""",
    )
    # From a group the links lead back to groups: those are there, or asked for later.
    assert touched(graph, "groups") == {("groups", "read"), ("links", "read")}
    assert touched(graph, "links") == {("groups", "read"), ("links", "read"), ("members", "read")}


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


def test_what_is_loaded_with_related_rows_does_not_lead_back(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(
        dedent("""
        from sqlalchemy import Column, ForeignKey, Integer
        from sqlalchemy.orm import declarative_base, relationship

        Base = declarative_base()

        class Folder(Base):
            __tablename__ = "folders"
            id = Column(Integer, primary_key=True)
            owner_id = Column(ForeignKey("owners.id"))
            owner = relationship("Owner", lazy="joined")
            files = relationship("File", back_populates="folder")

            def names(self):
                return [file.id for file in self.files]

        class File(Base):
            __tablename__ = "files"
            id = Column(Integer, primary_key=True)
            folder_id = Column(ForeignKey("folders.id"))
            folder = relationship("Folder", lazy="joined", back_populates="files")

        class Owner(Base):
            __tablename__ = "owners"
            id = Column(Integer, primary_key=True)

        def every(session):
            return session.query(File).all()
        """)
    )
    accesses = analyze(tmp_path).accesses
    assert {a.table for a in accesses if a.definition == "work:Folder"} == {"files"}
    every = {a.table for a in accesses if a.definition == "work:every"}
    assert every == {"files", "folders", "owners"}
