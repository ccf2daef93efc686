"""Values and columns that a declaration names or unpacks, and what branches belong to."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from migrator.analyze.pipeline import analyze
from migrator.model.graph import Graph

HEAD = """
from sqlalchemy import Column, Enum, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import declarative_base

Base = declarative_base()
"""


def graph_of(folder: Path, source: str, **others: str) -> Graph:
    for name, text in others.items():
        (folder / f"{name}.py").write_text(dedent(text))
    (folder / "app.py").write_text(HEAD + dedent(source))
    return analyze(folder)


def types(graph: Graph) -> dict[str, str]:
    return {c.name: c.type for t in graph.tables for c in t.columns}


def test_values_of_enums_that_are_unpacked(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        KINDS = ["a", "b"]
        LOCAL = "local"

        class Thing(Base):
            __tablename__ = "things"
            STATES = (LOCAL, "far")
            id = Column(Integer, primary_key=True)
            kind = Column(Enum(*KINDS, name="kinds"))
            state = Column(Enum(*STATES, "near", name="states"))
            other = Column(Enum(*kinds_of(), name="others"))
        """,
    )
    found = types(graph)
    assert found["kind"] == "Enum('a', 'b', name='kinds')"
    assert found["state"] == "Enum('local', 'far', 'near', name='states')"
    # A type without values cannot be made: it is told, and a text holds what it may be.
    assert found["other"] == "String()"
    assert [u.why for u in graph.unresolved if "others" in u.what] == [
        "the values of this enum are computed"
    ]


def test_constraints_on_columns_by_name(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        class Thing(Base):
            __tablename__ = "things"
            id = Column(Integer, primary_key=True)
            ip = Column("address", String)
            name = Column(String)
            __table_args__ = (
                UniqueConstraint(ip, name, name="one"),
                Index("two", name, ip),
                UniqueConstraint(func.lower(name), name="three"),
            )
        """,
    )
    [table] = graph.tables
    found = {c.name: (c.kind, c.columns) for c in table.constraints}
    assert found == {"one": ("unique", ("address", "name")), "two": ("index", ("name", "address"))}
    assert [u.what for u in graph.unresolved] == ["constraint three"]


def test_a_key_stands_where_its_mixin_is(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        from mixins import Owned

        class User(Base):
            __tablename__ = "users"
            id = Column(Integer, primary_key=True)

        class Thing(Owned, Base):
            __tablename__ = "things"
            id = Column(Integer, primary_key=True)
            second = Column(ForeignKey("users.id"))
        """,
        mixins="""
        from sqlalchemy import Column, ForeignKey

        class Owned:
            owner = Column(ForeignKey("users.id"))
        """,
    )
    assert {(k.columns, k.path, k.line) for k in graph.foreign_keys} == {
        (("owner",), "mixins.py", 5),
        (("second",), "app.py", 16),
    }


def test_what_an_if_asks_belongs_to_what_it_defines(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import sys\nNEW = sys.version_info > (3,)\nDEEP = NEW\nOTHER = 1\n"
        "if NEW:\n    text = str\n    if DEEP:\n        deep = text\nelse:\n    text = bytes\n"
    )
    graph = analyze(tmp_path)
    edges = {(d.source, d.target) for d in graph.dependencies if d.source.startswith("app:")}
    assert edges == {
        ("app:DEEP", "app:NEW"), ("app:text", "app:NEW"), ("app:deep", "app:DEEP"),
        ("app:deep", "app:NEW"), ("app:deep", "app:text"),
    }  # fmt: skip
