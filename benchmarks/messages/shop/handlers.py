"""What billing serves."""

from __future__ import annotations

import os
from functools import cache

import sqlalchemy as sa

from shop.models import Applied, session


@cache
def _bound() -> None:
    session.configure(bind=sa.create_engine(os.environ["DATABASE_URL"]))


def apply(order_id: int) -> None:
    """Commits itself, as a monolith's functions do."""
    _bound()
    session.add(Applied(id=order_id))
    session.commit()
