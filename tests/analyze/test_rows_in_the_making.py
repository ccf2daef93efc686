"""What a model's own methods do to its row, and which end of a relationship has the key."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from migrator.analyze.frameworks.sqlalchemy.columns import is_call
from migrator.analyze.frameworks.sqlalchemy.direction import leads_to_many
from migrator.analyze.infer.annotations import parsed
from migrator.analyze.pipeline import analyze

HEAD = """
from sqlalchemy import Column, ForeignKey, Integer, String, Table
from sqlalchemy.orm import declarative_base, relationship

Base = declarative_base()

marks = Table("marks", Base.metadata, Column("order_id", ForeignKey("orders.id")),
              Column("label_id", ForeignKey("labels.id")))


class Label(Base):
    __tablename__ = "labels"
    id = Column(Integer, primary_key=True)


class Buyer(Base):
    __tablename__ = "buyers"
    id = Column(Integer, primary_key=True)
"""


def writes(folder: Path, source: str) -> set[str]:
    (folder / "app.py").write_text(HEAD + dedent(source))
    return {f"{a.definition[4:]} {a.mode} {a.table}" for a in analyze(folder).accesses if a.writes}


def test_a_row_that_is_made_is_not_updated(tmp_path: Path) -> None:
    found = writes(
        tmp_path,
        """
        class Order(Base):
            __tablename__ = "orders"
            id = Column(Integer, primary_key=True)
            state = Column(String)
            buyer_id = Column(ForeignKey("buyers.id"))
            buyer = relationship(Buyer)
            labels = relationship(Label, secondary=marks)

            def __init__(self, buyer, labels):
                self.state = "new"
                self.buyer = buyer
                self.labels = labels
        """,
    )
    assert found == {"Order insert marks"}


def test_an_heir_is_made_by_what_it_inherits(tmp_path: Path) -> None:
    found = writes(
        tmp_path,
        """
        class Stamped(Base):
            __abstract__ = True
            state = Column(String)

            def __init__(self):
                self.state = "new"

        class Order(Stamped):
            __tablename__ = "orders"
            id = Column(Integer, primary_key=True)
        """,
    )
    assert found == set()


def test_another_row_is_updated_all_the_same(tmp_path: Path) -> None:
    found = writes(
        tmp_path,
        """
        class Order(Base):
            __tablename__ = "orders"
            id = Column(Integer, primary_key=True)
            state = Column(String)

            def __init__(self, before: "Order"):
                self.state = "new"

            def close(self):
                self.state = "closed"

        class Copy(Base):
            __tablename__ = "copies"
            id = Column(Integer, primary_key=True)

            def __init__(self, order: Order):
                order.state = "copied"
        """,
    )
    assert found == {"Order update orders", "Copy update orders"}


def test_the_end_with_the_key_is_the_one_that_is_written(tmp_path: Path) -> None:
    found = writes(
        tmp_path,
        """
        class Order(Base):
            __tablename__ = "orders"
            id = Column(Integer, primary_key=True)
            buyer_id = Column(Integer)
            buyer = relationship(Buyer, primaryjoin="foreign(Order.buyer_id) == Buyer.id")

        def give(order: Order, buyer: Buyer):
            order.buyer = buyer
        """,
    )
    assert found == {"give update orders"}


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ('r("B", primaryjoin="foreign(A.b_id) == B.id")', False),
        ('r("B", primaryjoin="and_(A.id == foreign(B.a_id), B.gone == False)")', True),
        ('r("B", primaryjoin=lambda: A.id == foreign(remote(m.B.a_id)))', True),
        ('r("B", foreign_keys="[B.a_id]")', True),
        ('r("B", foreign_keys="A.b_id")', False),
        ('r("B", foreign_keys=[b_id])', False),
        ('r("B", foreign_keys=[A.x, B.y])', None),
        ('r("B", foreign_keys="link.c.a_id")', None),
        ('r("B", primaryjoin="A.id == B.a_id")', None),
        ('r("B", foreign_keys=keys())', None),
        ('r("B")', None),
    ],
)
def test_direction(call: str, expected: bool | None) -> None:
    written = parsed(call)
    assert is_call(written)
    assert leads_to_many(written, "A", "B") is expected


def test_a_relation_to_its_own_kind_is_not_told_by_names() -> None:
    written = parsed('r("A", foreign_keys="A.parent_id")')
    assert is_call(written)
    assert leads_to_many(written, "A", "A") is None
