"""What is done with rows that hang on others: relations, eager loading, mixins."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from migrator.analyze.pipeline import analyze
from tests.analyze.sqlalchemy import graph_of, reads, touched


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
