"""A constant that a call hands over chooses branches; what others do is not told of the caller."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from migrator.analyze.pipeline import analyze

MODELS = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase): ...

class Share(Base):
    __tablename__ = "shares"
    id: Mapped[int] = mapped_column(primary_key=True)

class Code(Base):
    __tablename__ = "codes"
    id: Mapped[int] = mapped_column(primary_key=True)
"""


def _of_caller(root: Path, helper: str, call: str) -> set[str]:
    work = f"""
from shop.models import Share, Code

{dedent(helper)}

def other(session, kind):
    return query(session, kind).all()

def caller(session):
    return {call}
"""
    for name, source in (("__init__", ""), ("models", MODELS), ("work", work)):
        path = root / "shop" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
    accesses = analyze(root).accesses
    assert {a.table for a in accesses if a.definition == "shop.work:other"} == {"shares", "codes"}
    return {a.table for a in accesses if a.definition == "shop.work:caller"}


ASSIGNS = """
def query(session, kind="share"):
    if kind == "share":
        cls = Share
    else:
        cls = Code
    return session.query(cls)
"""
RETURNS = """
def query(session, kind="share"):
    if kind != "share":
        return session.query(Code)
    return session.query(Share)
"""
ELIFS = """
def query(session, kind="share"):
    if kind in ("code", "token"):
        cls = Code
    elif kind == "share":
        cls = Share
    else:
        raise ValueError(kind)
    return session.query(cls)
"""


@pytest.mark.parametrize("helper", [ASSIGNS, RETURNS, ELIFS])
@pytest.mark.parametrize(
    ("call", "tables"),
    [
        ("query(session, 'code').all()", {"codes"}),
        ("query(session, kind='share').all()", {"shares"}),
        ("query(session).all()", {"shares"}),
        ("query(session, *session.kinds).all()", {"shares", "codes"}),
    ],
)
def test_a_text_chooses(tmp_path: Path, helper: str, call: str, tables: set[str]) -> None:
    assert _of_caller(tmp_path, helper, call) == tables


FLAG = """
def inner(session, codes=False):
    if not codes:
        return session.query(Share)
    return session.query(Code)

def query(session, kind=None, codes=False):
    return inner(session, codes)
"""
CHANGED = """
def query(session, kind="share"):
    kind = session.info.get(kind)
    if kind == "share":
        return session.query(Share)
    return session.query(Code)
"""


@pytest.mark.parametrize(
    ("call", "tables"),
    [
        ("query(session, codes=True).all()", {"codes"}),
        ("query(session).all()", {"shares"}),
        ("query(session, codes=session.info).all()", {"shares", "codes"}),
    ],
)
def test_a_flag_that_is_handed_on_chooses(tmp_path: Path, call: str, tables: set[str]) -> None:
    helper = FLAG.replace("return inner(session, codes)", "return inner(session, codes or kind)")
    assert _of_caller(tmp_path, helper, call) == {"shares", "codes"}
    work = tmp_path / "shop/work.py"
    work.write_text(work.read_text().replace("codes or kind", "codes"))
    found = {a.table for a in analyze(tmp_path).accesses if a.definition == "shop.work:caller"}
    assert found == tables


def test_a_parameter_that_is_changed_chooses_nothing(tmp_path: Path) -> None:
    assert _of_caller(tmp_path, CHANGED, "query(session, 'code').all()") == {"shares", "codes"}
