"""Alembic revisions as a second account of the tables."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from migrator.analyze.pipeline import analyze
from migrator.model.graph import Graph

FIRST = """
from alembic import op
import sqlalchemy as sa

revision = "a"
down_revision = None

def upgrade():
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("mail", sa.String(80)),
    )
    op.create_table("old", sa.Column("id", sa.Integer()))
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer()),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id", ondelete="CASCADE")),
    )
"""
SECOND = """
from alembic import op
import sqlalchemy as sa

revision = "b"
down_revision = "a"

def upgrade():
    op.drop_table("old")
    op.rename_table("audit", "log")
    with op.batch_alter_table("users") as batch:
        batch.add_column(sa.Column("phone", sa.String()))
        batch.drop_column("mail")
"""
MODELS = """
from sqlalchemy import text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase): ...

class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
"""


def graph_of(tmp_path: Path, models: str, *revisions: str) -> Graph:
    versions = tmp_path / "alembic/versions"
    versions.mkdir(parents=True)
    for number, source in enumerate(revisions):
        # The order of names is not that of the revisions.
        (versions / f"{9 - number}.py").write_text(dedent(source))
    (tmp_path / "models.py").write_text(models)
    return analyze(tmp_path)


def test_revisions_are_replayed_where_no_model_tells_of_tables(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "x = 1\n", FIRST, SECOND)
    assert {(t.id, t.source, tuple(c.name for c in t.columns)) for t in graph.tables} == {
        ("users", "migration", ("id", "phone")),
        ("log", "migration", ("id", "user_id")),
    }
    [key] = graph.foreign_keys
    assert (key.source, key.target, key.columns, key.on_delete) == (
        "log", "users", ("user_id",), "CASCADE",
    )  # fmt: skip


def test_a_model_stands_and_what_differs_is_told(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, MODELS, FIRST, SECOND)
    assert [t.id for t in graph.tables] == ["users"]
    assert {(u.what, u.why) for u in graph.unresolved} == {
        ("table log", "revisions make it, no model declares it"),
        (
            "table users",
            "revisions and model differ: only revisions make phone; only the model has name",
        ),
    }


def test_sql_text_may_use_a_table_that_only_revisions_make(tmp_path: Path) -> None:
    work = "def work(session):\n    session.execute(text('DELETE FROM log'))\n"
    graph = graph_of(tmp_path, MODELS + work, FIRST, SECOND)
    assert ("models:work", "log", "delete") in {
        (a.definition, a.table, a.mode) for a in graph.accesses
    }
    assert {t.id: t.source for t in graph.tables}["log"] == "migration"


def test_what_revisions_compute_is_told_and_nothing_compared(tmp_path: Path) -> None:
    third = """
        from alembic import op
        revision, down_revision = "c", "b"
        revision = "c"
        down_revision = "b"

        def upgrade():
            for name in NAMES:
                op.drop_table(name)
    """
    graph = graph_of(tmp_path, MODELS, FIRST, SECOND, third)
    assert not [u for u in graph.unresolved if u.what == "table users"]
    assert any(u.what == "revision" and "not compared" in u.why for u in graph.unresolved)
