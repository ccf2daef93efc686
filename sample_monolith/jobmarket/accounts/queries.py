from typing import Any

from sqlalchemy import Select, func, or_, select

from jobmarket.db import session
from jobmarket.models import Application, Company, Job, JobStatus, User


def users_query(q: str | None = None, role: str | None = None) -> Select[Any]:
    query = select(User).order_by(User.id)
    if q:
        query = query.where(or_(User.email.ilike(f"%{q}%"), User.name.ilike(f"%{q}%")))
    if role:
        query = query.where(User.role == role)
    return query


def platform_stats() -> dict[str, int]:
    """The numbers on the admin's first page: one count from each part."""
    return {
        "users": session.scalar(select(func.count(User.id))) or 0,
        "companies": session.scalar(select(func.count(Company.id))) or 0,
        "open_jobs": session.scalar(
            select(func.count(Job.id)).where(Job.status == JobStatus.OPEN.value)
        )
        or 0,
        "applications": session.scalar(select(func.count(Application.id))) or 0,
    }
