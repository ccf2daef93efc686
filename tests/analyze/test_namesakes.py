"""A parameter called after a model is its object only where no other class could be meant."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from migrator.analyze.pipeline import analyze

MODELS = """
from sqlalchemy import Column, ForeignKey, Integer, String
from sqlalchemy.orm import declarative_base, relationship

Base = declarative_base()

class Goal(Base):
    __tablename__ = "goals"
    id = Column(Integer, primary_key=True)

class Plan(Base):
    __tablename__ = "plans"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    goal_id = Column(ForeignKey("goals.id"))
    goal = relationship("Goal")
"""

WORK = """
def rename(plan):
    plan.name = "x"
    return plan.goal
"""

ANOTHER = {
    "none": ("", {("goals", "read"), ("plans", "update")}),
    "of a base outside": (
        "from wire.objects import Message\nclass Plan(Message):\n    fields = {}", set(),
    ),
    "with all that is asked": ("class Plan:\n    name = goal = None", set()),
    "of plain data, without it": (
        "from pydantic import BaseModel\nclass Plan(BaseModel):\n    name: str",
        {("goals", "read"), ("plans", "update")},
    ),
    "with another name": (
        "from wire.objects import Message\nclass Plans(Message): ...",
        {("goals", "read"), ("plans", "update")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("other", ANOTHER)
def test_a_class_of_the_same_name(tmp_path: Path, other: str) -> None:
    source, expected = ANOTHER[other]
    (tmp_path / "models.py").write_text(MODELS)
    (tmp_path / "objects.py").write_text(source)
    (tmp_path / "work.py").write_text(dedent(WORK))
    found = {(a.table, a.mode) for a in analyze(tmp_path).accesses if a.definition == "work:rename"}
    assert found == expected
