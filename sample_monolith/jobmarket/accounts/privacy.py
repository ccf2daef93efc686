"""What the law asks for: hand over everything, delete everything.

Reaches into every part's tables, because "everything" is in every part.
"""

from typing import Any

from sqlalchemy import delete, func, select, text, update

from jobmarket.accounts.serializers import profile_json, user_json
from jobmarket.db import session
from jobmarket.errors import Conflict
from jobmarket.models import (
    ApiToken,
    Application,
    Company,
    CompanyMember,
    Interview,
    Job,
    JobView,
    Profile,
    User,
)
from jobmarket.signals import user_deleted
from jobmarket.utils import get_or_404, iso


def export_user(user_id: int) -> dict[str, Any]:
    user = get_or_404(User, user_id)
    applications = session.execute(
        select(Application.id, Application.stage, Application.created_at, Job.title, Company.name)
        .join(Job, Job.id == Application.job_id)
        .join(Company, Company.id == Job.company_id)
        .where(Application.user_id == user_id)
        .order_by(Application.id)
    ).all()
    notifications = session.execute(
        text("SELECT kind, title, created_at FROM notifications WHERE user_id = :id ORDER BY id"),
        {"id": user_id},
    ).all()
    return {
        "user": user_json(user),
        "profile": profile_json(user.profile) if user.profile else None,
        "applications": [
            {
                "id": row.id,
                "stage": row.stage,
                "at": iso(row.created_at),
                "job": row.title,
                "company": row.name,
            }
            for row in applications
        ],
        "notifications": [
            {"kind": row.kind, "title": row.title, "at": iso(row.created_at)}
            for row in notifications
        ],
    }


def erase_user(user_id: int) -> None:
    """Delete a person from every table, in one transaction."""
    from jobmarket.notifications.models import Notification, NotificationPreference
    from jobmarket.search.models import SavedSearch, SearchLog

    get_or_404(User, user_id)
    owned = session.scalar(select(func.count(Company.id)).where(Company.owner_id == user_id))
    if owned:
        raise Conflict("hand over your companies first")
    session.execute(
        update(Interview).where(Interview.interviewer_id == user_id).values(interviewer_id=None)
    )
    session.execute(delete(Application).where(Application.user_id == user_id))
    session.execute(update(JobView).where(JobView.viewer_id == user_id).values(viewer_id=None))
    session.execute(delete(CompanyMember).where(CompanyMember.user_id == user_id))
    session.execute(delete(Notification).where(Notification.user_id == user_id))
    session.execute(delete(NotificationPreference).where(NotificationPreference.user_id == user_id))
    session.execute(delete(SavedSearch).where(SavedSearch.user_id == user_id))
    session.execute(update(SearchLog).where(SearchLog.user_id == user_id).values(user_id=None))
    session.execute(text("DELETE FROM quotas WHERE user_id = :id"), {"id": user_id})
    session.execute(delete(ApiToken).where(ApiToken.user_id == user_id))
    session.execute(delete(Profile).where(Profile.user_id == user_id))
    user_deleted.send("accounts", user_id=user_id)
    session.execute(delete(User).where(User.id == user_id))
    session.commit()
