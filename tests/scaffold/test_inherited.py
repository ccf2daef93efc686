"""What copies inherit or are decorated with, and names that are defined one way or the other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from migrator.analyze.pipeline import analyze
from migrator.model.plan import Cut, Plan, Service
from migrator.plan.closure import close
from migrator.plan.resolve import assign
from migrator.scaffold.carve import carve_services
from migrator.scaffold.source import read_source

FILES = {
    "shop/__init__.py": "",
    "shop/compat.py": """
import sys

NEW = sys.version_info > (3,)

if NEW:
    text_type = str
    number = int
else:
    text_type = unicode
    number = long

try:
    import fast
    speed = 2
except ImportError:
    speed = 1
""",
    "shop/base.py": """
from sqlalchemy import Column, ForeignKey, Integer
from sqlalchemy.orm import DeclarativeBase, declared_attr, relationship


class Base(DeclarativeBase):
    pass


def comparable(cls):
    return cls


class Authored:
    @declared_attr
    def author_id(cls):
        return Column(Integer, ForeignKey("users.id"))

    @declared_attr
    def author(cls):
        return relationship("User", foreign_keys=[cls.author_id])
""",
    "shop/users.py": """
from sqlalchemy.orm import Mapped, mapped_column

from shop.base import Base


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
""",
    "shop/notes.py": """
from sqlalchemy import Column, ForeignKey, Integer, Table
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.base import Authored, Base, comparable
from shop.compat import text_type
from shop.users import User

marks = Table(
    "marks", Base.metadata,
    Column("note_id", ForeignKey("notes.id")), Column("label_id", ForeignKey("labels.id")),
)


class Label(Base):
    __tablename__ = "labels"
    id: Mapped[int] = mapped_column(primary_key=True)
    maker = Column(ForeignKey(User.id))


@comparable
class Note(Authored, Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    labels = relationship(Label, secondary=marks)

    def shown(self):
        labels = sorted(self.text)
        return text_type(labels)
""",
    "shop/report.py": """
from sqlalchemy import select

from shop.compat import speed
from shop.notes import Note


def count(session):
    return speed * len(session.scalars(select(Note)).all())
""",
}
OWNED = {
    "users": (("users",), ("shop.users:*",)),
    "notes": (("notes", "labels", "marks"), ("shop.notes:*",)),
    "reports": ((), ("shop.report:*",)),
    "tools": ((), ("shop.base:comparable", "shop.compat:speed")),
}


def carved(folder: Path, files: dict[str, str], *cuts: Cut) -> dict[str, dict[str, str]]:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    graph = analyze(folder)
    plan = Plan(
        glue=("shop.base:Base", "shop.base:Authored"),
        shared=("shop.compat:text_type", "shop.compat:number", "shop.compat:NEW"),
        services=tuple(Service(name, "", *about) for name, about in OWNED.items()),
        cuts=cuts,
    )
    assignment = assign(plan, graph)
    needs = {name: close(name, plan, assignment, graph) for name in ("notes", "reports")}
    made = carve_services(read_source(folder, graph).texts, needs, graph)
    for about in made.values():
        assert not [p for p in about.problems if "not defined" in p]
    return {name: about.files for name, about in made.items()}


CUTS = (
    Cut("reports", "notes", "notes", "read", "replicate", ""),
    Cut("reports", "tools", "shop.compat:speed", "code", "share", ""),
    Cut("notes", "tools", "shop.base:comparable", "code", "share", ""),
)


@pytest.fixture
def services(tmp_path: Path) -> dict[str, dict[str, str]]:
    return carved(tmp_path, FILES, *CUTS)


def named(text: str) -> dict[str, str]:
    return {
        node.name: ast.unparse(node)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }


def test_a_copy_keeps_what_decorates_it(services: dict[str, dict[str, str]]) -> None:
    files = services["reports"]
    assert "@comparable" in named(files["shop/notes.py"])["Note"]
    assert "comparable" in named(files["shop/base.py"])


def test_a_local_may_have_the_name_of_a_relationship(services: dict[str, dict[str, str]]) -> None:
    shown = named(services["reports"]["shop/notes.py"])["shown"]
    assert "labels = sorted(self.text)" in shown


@pytest.mark.parametrize("service", ["notes", "reports"])
def test_a_key_in_a_mixin_goes_where_it_leaves_the_service(
    services: dict[str, dict[str, str]], service: str
) -> None:
    base = services[service]["shop/base.py"]
    assert "ForeignKey(" not in named(base)["Authored"]
    assert "# points to users.id" in base
    assert "relationship" not in named(base)["Authored"]


def test_a_key_that_names_a_class_goes_too(services: dict[str, dict[str, str]]) -> None:
    label = named(services["notes"]["shop/notes.py"])["Label"]
    assert "maker = Column()" in label


def test_names_of_both_branches_come_with_what_is_asked(
    services: dict[str, dict[str, str]],
) -> None:
    assert "if " not in services["notes"]["shop/compat.py"]
    assert "text_type as text_type" in services["notes"]["shop/compat.py"]
    reports = services["reports"]["shop/compat.py"]
    assert "speed = 2" in reports and "speed = 1" in reports


def test_a_relationship_of_a_mixin_joins_by_the_column(tmp_path: Path) -> None:
    people = "\n\ndef people(session):\n    return session.scalars(select(User)).all()\n"
    report = "from shop.users import User\n" + FILES["shop/report.py"] + people
    cut = Cut("reports", "users", "users", "read", "replicate", "")
    files = carved(tmp_path, FILES | {"shop/report.py": report}, *CUTS, cut)["reports"]
    authored = named(files["shop/base.py"])["Authored"]
    assert "foreign({cls.__name__}.author_id) == User.id" in authored
    assert "viewonly=True" in authored
