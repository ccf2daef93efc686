"""What conditions on a name's class tell below them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from migrator.analyze.pipeline import analyze

HEAD = """
from sqlalchemy import Column, Integer, String
from sqlalchemy.orm import Session, declarative_base

Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)


class Group(Base):
    __tablename__ = "groups"
    id = Column(Integer, primary_key=True)
    name = Column(String)


def either() -> User | Group: ...
"""


def written(folder: Path, body: str) -> set[str]:
    source = HEAD + "\n\ndef act(s: Session):\n" + dedent(body).replace("\n", "\n    ")
    (folder / "app.py").write_text(source)
    return {a.table for a in analyze(folder).accesses if a.definition == "app:act" and a.writes}


@pytest.mark.parametrize(
    "leaving", ["return", "return None", "raise", "raise ValueError", "continue", "break"]
)
@pytest.mark.parametrize(
    "test", ["isinstance(x, Group)", "type(x) is Group", "not isinstance(x, User)"]
)
def test_what_a_branch_that_leaves_tells(tmp_path: Path, test: str, leaving: str) -> None:
    body = f"""
    for x in [either()]:
        if {test}:
            {leaving}
        x.name = ""
    """
    assert written(tmp_path, body) == {"users"}


def test_a_branch_that_stays_tells_nothing(tmp_path: Path) -> None:
    body = """
    x = either()
    if isinstance(x, Group):
        pass
    x.name = ""
    """
    assert written(tmp_path, body) == {"users", "groups"}


def test_each_branch_has_its_own(tmp_path: Path) -> None:
    body = """
    x = either()
    if isinstance(x, Group):
        s.delete(x)
    else:
        x.name = ""
    """
    (tmp_path / "a").mkdir()
    assert written(tmp_path / "a", body) == {"users", "groups"}
    modes = {(a.mode, a.table) for a in analyze(tmp_path / "a").accesses if a.writes}
    assert modes == {("delete", "groups"), ("update", "users")}


def test_what_is_assigned_before_leaving_a_loop_is_known_below(tmp_path: Path) -> None:
    body = """
    found = None
    for x in s.query(User).all():
        if x.id:
            found = x
            break
    found.name = ""
    """
    assert written(tmp_path, body) == {"users"}


@pytest.mark.parametrize("test", ["M in (Group,)", "M is Group", "M == Group"])
def test_a_class_is_told_by_name(tmp_path: Path, test: str) -> None:
    body = f"""
    for M in (User, Group):
        if {test}:
            pass
        else:
            s.query(M).delete()
    """
    assert written(tmp_path, body) == {"users"}


@pytest.mark.parametrize(
    ("test", "tables"),
    [
        ("isinstance(x, User) or isinstance(x, Group)", {"users", "groups"}),
        ("isinstance(x, Group) and x.id", {"groups"}),
        ("x.id and type(x) is User", {"users"}),
    ],
)
def test_parts_of_a_condition_tell_together(tmp_path: Path, test: str, tables: set[str]) -> None:
    body = f"""
    x = either()
    if {test}:
        x.name = ""
    """
    assert written(tmp_path, body) == tables
