from typing import Any

from sqlalchemy import Select, func, select

from jobmarket.db import session
from jobmarket.models import User
from jobmarket.notifications.models import Notification


def notifications_query(user_id: int, kind: str | None = None, unread: bool = False) -> Select[Any]:
    query = (
        select(Notification).where(Notification.user_id == user_id).order_by(Notification.id.desc())
    )
    if kind:
        query = query.where(Notification.kind == kind)
    if unread:
        query = query.where(Notification.read_at.is_(None))
    return query


def count_unread(user_id: int) -> int:
    query = select(func.count(Notification.id)).where(
        Notification.user_id == user_id, Notification.read_at.is_(None)
    )
    return session.scalar(query) or 0


def waiting_for_mail() -> list[tuple[Notification, str]]:
    """What is unread and was not mailed, with the address: a join into accounts."""
    query = (
        select(Notification, User.email)
        .join(User, User.id == Notification.user_id)
        .where(
            Notification.read_at.is_(None),
            Notification.emailed_at.is_(None),
            User.is_active.is_(True),
        )
        .order_by(Notification.user_id, Notification.id)
    )
    return [(row[0], row[1]) for row in session.execute(query)]
