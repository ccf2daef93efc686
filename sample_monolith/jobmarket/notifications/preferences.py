from sqlalchemy import select

from jobmarket.db import session
from jobmarket.errors import NotFound
from jobmarket.notifications.models import NotificationPreference

KINDS = (
    "welcome",
    "application_received",
    "application_confirmed",
    "application_moved",
    "application_withdrawn",
    "application_offer",
    "job_closed",
    "interview_scheduled",
    "interview_cancelled",
    "message_received",
    "search_alert",
    "company_invited",
    "company_verified",
    "invoice_issued",
    "invoice_paid",
)


def preference_of(user_id: int, kind: str) -> NotificationPreference | None:
    return session.scalar(
        select(NotificationPreference).where(
            NotificationPreference.user_id == user_id, NotificationPreference.kind == kind
        )
    )


def wants(user_id: int, kind: str, channel: str = "in_app") -> bool:
    found = preference_of(user_id, kind)
    return True if found is None else bool(getattr(found, channel))


def preferences_of(user_id: int) -> list[dict[str, object]]:
    rows = session.scalars(
        select(NotificationPreference).where(NotificationPreference.user_id == user_id)
    )
    chosen = {row.kind: row for row in rows}
    result = []
    for kind in KINDS:
        row = chosen.get(kind)
        result.append(
            {
                "kind": kind,
                "in_app": row.in_app if row else True,
                "email": row.email if row else True,
            }
        )
    return result


def set_preference(user_id: int, kind: str, in_app: bool, email: bool) -> NotificationPreference:
    if kind not in KINDS:
        raise NotFound(f"no kind {kind}")
    found = preference_of(user_id, kind)
    if found is None:
        found = NotificationPreference(user_id=user_id, kind=kind)
        session.add(found)
    found.in_app = in_app
    found.email = email
    session.commit()
    return found
