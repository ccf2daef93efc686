"""Objects that pass names on to a row, and functions that listen to a row's events."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from migrator.analyze.pipeline import analyze

HEAD = """
from sqlalchemy import Column, ForeignKey, Integer, String, event
from sqlalchemy.orm import Session, declarative_base, relationship

Base = declarative_base()


class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    title = Column(String)
    user_id = Column(ForeignKey("users.id"))


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    posts = relationship(Post)
"""

WRAPPER = """
class Wrapper:
    def __init__(self, row: User):
        self.row = row
        self.note = compute()

    def __getattr__(self, name):
        if hasattr(self.row, name):
            return getattr(self.row, name)
        raise AttributeError(name)

    def __setattr__(self, name, value):
        setattr(self.row, name, value)
"""


def accesses(folder: Path, source: str) -> set[str]:
    (folder / "app.py").write_text(HEAD + dedent(source))
    return {f"{a.definition[4:]} {a.mode} {a.table}" for a in analyze(folder).accesses}


def test_a_wrapper_reads_what_it_passes_on(tmp_path: Path) -> None:
    found = accesses(tmp_path, WRAPPER + "def titles(w: Wrapper): return [p for p in w.posts]\n")
    assert "Wrapper read posts" in found  # the code is the wrapper's, as all who call it agree


def test_a_wrapper_does_not_pass_on_what_it_has_itself(tmp_path: Path) -> None:
    source = WRAPPER.replace("self.note", "self.posts")
    source += "def titles(w: Wrapper): return [p for p in w.posts]\n"
    assert not any("read posts" in one for one in accesses(tmp_path, source))


def test_a_wrapper_writes_what_it_passes_on(tmp_path: Path) -> None:
    found = accesses(tmp_path, WRAPPER + "def rename(w: Wrapper): w.name = 'x'\n")
    assert "Wrapper update users" in found


def test_a_session_deletes_the_row_behind_a_wrapper(tmp_path: Path) -> None:
    found = accesses(tmp_path, WRAPPER + "def end(s: Session, w: Wrapper): s.delete(w)\n")
    assert "end delete users" in found


def test_the_setter_of_a_property_runs(tmp_path: Path) -> None:
    found = accesses(
        tmp_path,
        """
        class Holder:
            def __init__(self, row: User):
                self.row = row

            @property
            def kept(self):
                return None

            @kept.setter
            def kept(self, value):
                value.title = "kept"


        def keep(holder: Holder):
            holder.kept = Session().get(Post, 1)
        """,
    )
    assert {"Holder update posts", "keep update posts"} & found


def test_listeners_get_the_row_that_the_event_is_of(tmp_path: Path) -> None:
    found = accesses(
        tmp_path,
        """
        @event.listens_for(User.posts, "append")
        def appended(target, value, initiator):
            value.title = target.name

        @event.listens_for(User, "before_update")
        def updated(mapper, connection, target):
            connection.execute(Post.__table__.insert())
            target.name = "x"

        @event.listens_for(User.name, "set")
        def renamed(target, value, *others):
            target.posts[0].title = value

        def flushed(session, context, instances):
            session.query(Post).all()

        event.listen(Session, "before_flush", flushed)

        def register():
            @event.listens_for(User.posts, "remove")
            def removed(target, value, initiator):
                value.title = None
        """,
    )
    assert found >= {
        "appended update posts", "updated insert posts", "updated update users",
        "renamed update posts", "flushed read posts", "register update posts",
    }  # fmt: skip
    assert "appended update users" not in found
