"""Alerts: a job goes out, those who wait for it hear of it."""

from typing import Any

from sqlalchemy import select

from jobmarket.db import session
from jobmarket.models import Job
from jobmarket.notifications.service import notify
from jobmarket.search.models import SavedSearch
from jobmarket.search.service import matches
from jobmarket.signals import job_published
from jobmarket.utils import utcnow


@job_published.connect
def alert_saved_searches(sender: Any, job: Job, **extra: Any) -> None:
    """Runs inside the transaction that publishes the job."""
    waiting = session.scalars(
        select(SavedSearch).where(SavedSearch.alerts.is_(True)).order_by(SavedSearch.id)
    ).all()
    for saved in waiting:
        if matches(saved, job):
            notify(
                saved.user_id,
                "search_alert",
                f"New job for “{saved.name}”",
                job.title,
                f"job:{job.id}",
            )
            saved.last_alert_at = utcnow()
