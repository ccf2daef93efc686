"""Monoliths of any size, alike in every thousand lines: what grows is only how many there are."""

from __future__ import annotations

import random
from pathlib import Path

_MODELS = '''"""Tables of {name}."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.base import Base


class {title}(Base):
    """One {name}."""

    __tablename__ = "{name}"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(20), default="new")
    lines: Mapped[list["{title}Line"]] = relationship(back_populates="parent", cascade="all")

    @property
    def is_open(self) -> bool:
        return self.state == "new" and bool(self.lines)


class {title}Line(Base):
    __tablename__ = "{name}_line"

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int] = mapped_column(ForeignKey("{name}.id", ondelete="CASCADE"))
    amount: Mapped[int] = mapped_column(default=0)
    parent: Mapped[{title}] = relationship(back_populates="lines")
'''
_SERVICE = '''
def {verb}_{name}(session, number: int, label: str = ""):
    """Find one, change it, and tell the other context."""
    found = session.get({title}, number)
    if found is None:
        found = {title}(label=label or "none")
        session.add(found)
    total = 0
    for line in found.lines:
        if line.amount > 10:
            total += line.amount
        elif line.amount < 0:
            session.delete(line)
    names = sorted(str(part) for part in label.split(",") if part.strip())
    try:
        found.state = "done" if total else "open"
        found.label = ", ".join(names) or found.label
    except (TypeError, ValueError) as error:
        log.warning("%s of %s failed: %s", "{verb}", number, error)
        return None
    rows = session.execute(
        select({title}Line).where({title}Line.parent_id == number).order_by({title}Line.id)
    ).scalars().all()
    return {other_module}.summary_of(session, len(rows)) if rows else found
'''
_SERVICES = '''"""Work on {name}."""

import logging

from sqlalchemy import func, select

from shop.base import BaseRepository
from {package}.models import {title}, {title}Line
from {other} import services as {other_module}

log = logging.getLogger(__name__)


class {title}Repository(BaseRepository[{title}]):
    model = {title}

    def opened(self):
        return self.session.query(self.model).filter_by(state="new").all()


def summary_of(session, count: int) -> dict[str, int]:
    total = session.execute(select(func.count({title}.id))).scalar()
    return {{"count": count, "all": total}}
'''
_VIEWS = '''"""Routes of {name}."""

from flask import Blueprint, jsonify, request

from shop.base import db
from {package} import services

bp = Blueprint("{name}", __name__, url_prefix="/{name}")
'''
_VIEW = """

@bp.route("/<int:number>/{verb}", methods=["POST"])
def {verb}(number: int):
    payload = request.get_json() or {{}}
    done = services.{verb}_{name}(db.session, number, payload.get("label", ""))
    db.session.commit()
    if done is None:
        return jsonify(error="failed"), 400
    return jsonify(id=number, opened=len(services.{title}Repository(db.session).opened()))
"""
_BASE = '''"""What all contexts share."""

from typing import Generic, TypeVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase

T = TypeVar("T")
db = SQLAlchemy()


class Base(DeclarativeBase):
    pass


class BaseRepository(Generic[T]):
    model: type[T]

    def __init__(self, session) -> None:
        self.session = session

    def get(self, number: int) -> T | None:
        return self.session.get(self.model, number)
'''
_VERBS = ("open", "close", "ship", "check", "merge", "split", "price", "audit", "retry", "review")
_KINDS = ("order", "invoice", "parcel", "ticket", "claim", "offer", "asset", "visit")


def generate(folder: Path, lines: int, seed: int = 7) -> int:
    """Write a package ``shop`` of about `lines` lines below `folder`; the lines written."""
    chance = random.Random(seed)
    written = _write(folder / "shop/base.py", _BASE) + _write(folder / "shop/__init__.py", "")
    written += _write(folder / "shop/contexts/__init__.py", "")
    packages: list[str] = []
    while written < lines:
        number = len(packages)
        name = f"{_KINDS[number % len(_KINDS)]}{number}"
        package = f"shop.contexts.{name}"
        # A context knows one of the last few: coupling does not grow with the size.
        near = packages[-20:]
        other = chance.choice(near) if near else package
        packages.append(package)
        names = {
            "name": name, "title": name.title(), "package": package, "other": other,
            "other_module": f"{other.rpartition('.')[2]}_services",
        }  # fmt: skip
        home = folder / package.replace(".", "/")
        services = _SERVICES.format(**names)
        views = _VIEWS.format(**names)
        for verb in _VERBS:
            services += "\n" + _SERVICE.format(verb=verb, **names)
            views += _VIEW.format(verb=verb, **names)
        written += _write(home / "__init__.py", "")
        written += _write(home / "models.py", _MODELS.format(**names))
        written += _write(home / "services.py", services)
        written += _write(home / "views.py", views)
    return written


def _write(path: Path, text: str) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return text.count("\n")
