"""Units of work: by function, with callees, from where they start."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from migrator.analyze.pipeline import analyze

MODELS = """
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

class Base(DeclarativeBase): ...

class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)

class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)

class Log(Base):
    __tablename__ = "logs"
    id: Mapped[int] = mapped_column(primary_key=True)
"""


def units(tmp_path: Path, source: str) -> set[tuple[str, str | None, tuple[str, ...]]]:
    (tmp_path / "models.py").write_text(MODELS)
    (tmp_path / "work.py").write_text("from models import *\n" + dedent(source))
    return {
        (t.definition.partition(":")[2], t.entry_point, t.tables)
        for t in analyze(tmp_path).transactions
    }


def test_each_method_is_a_unit_of_its_own(tmp_path: Path) -> None:
    found = units(
        tmp_path,
        """
        class Manager:
            def __init__(self, session: Session):
                self.session = session

            def join(self):
                self.session.add(User())
                self._log()
                self.session.commit()

            def order(self):
                self.session.add(Order())
                self.session.commit()

            def _log(self):
                self.session.add(Log())
        """,
    )
    assert found == {
        ("Manager", None, ("logs", "users")),
        ("Manager", None, ("orders",)),
    }


def test_what_a_context_manager_commits_is_the_unit_of_who_enters_it(tmp_path: Path) -> None:
    found = units(
        tmp_path,
        """
        from contextlib import contextmanager

        @contextmanager
        def scope():
            session = Session()
            yield session
            session.commit()

        def save(session: Session, thing):
            session.add(thing)
            session.commit()

        def join():
            with scope() as session:
                session.add(User())
                session.add(Log())

        def order(session: Session):
            save(session, Order())

        def note(session: Session):
            save(session, Log())
        """,
    )
    assert found == {
        ("join", None, ("logs", "users")),
        ("order", None, ("orders",)),
        ("note", None, ("logs",)),
    }


def test_a_route_starts_the_unit_of_its_verb(tmp_path: Path) -> None:
    found = units(
        tmp_path,
        """
        from flask import Flask
        from flask.views import MethodView
        app = Flask(__name__)

        class Users(MethodView):
            def post(self):
                join(Session())

            def delete(self):
                leave(Session())

        def join(session: Session):
            session.add(User())
            session.commit()

        def leave(session: Session):
            with session.begin():
                session.delete(session.get(Order, 1))

        app.add_url_rule("/users", view_func=Users.as_view("users"))
        """,
    )
    assert found == {("join", "POST /users", ("users",)), ("leave", "DELETE /users", ("orders",))}
