"""What billing serves."""

from __future__ import annotations

import os

import sqlalchemy as sa

from shop.models import Applied, session

# When the module is imported, before anyone makes the session.
session.configure(bind=sa.create_engine(os.environ["DATABASE_URL"]))


def apply(order_id: int) -> None:
    """Commits itself, as a monolith's functions do."""
    session.add(Applied(id=order_id))
    session.commit()
