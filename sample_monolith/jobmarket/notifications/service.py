from sqlalchemy import delete, update

from jobmarket.db import session
from jobmarket.errors import NotFound
from jobmarket.notifications.models import Notification
from jobmarket.notifications.preferences import wants
from jobmarket.utils import utcnow


def notify(user_id: int, kind: str, title: str, body: str, reference: str) -> None:
    """Tell somebody something, unless they do not want to hear it. Does not commit."""
    if not wants(user_id, kind):
        return
    session.add(
        Notification(user_id=user_id, kind=kind, title=title[:200], body=body, reference=reference)
    )
    session.flush()


def _own(user_id: int, notification_id: int) -> Notification:
    found = session.get(Notification, notification_id)
    # Whose it is, is nobody else's business.
    if found is None or found.user_id != user_id:
        raise NotFound("no such notification")
    return found


def mark_read(user_id: int, notification_id: int) -> Notification:
    notification = _own(user_id, notification_id)
    if notification.read_at is None:
        notification.read_at = utcnow()
        session.commit()
    return notification


def mark_all_read(user_id: int) -> int:
    done = session.execute(
        update(Notification)
        .where(Notification.user_id == user_id, Notification.read_at.is_(None))
        .values(read_at=utcnow())
    )
    session.commit()
    return done.rowcount


def remove(user_id: int, notification_id: int) -> None:
    _own(user_id, notification_id)
    session.execute(delete(Notification).where(Notification.id == notification_id))
    session.commit()
