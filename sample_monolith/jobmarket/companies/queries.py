from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from jobmarket.db import session
from jobmarket.models import (
    Application,
    ApplicationStage,
    Company,
    CompanyMember,
    Interview,
    InterviewStatus,
    Job,
    JobView,
)
from jobmarket.utils import iso


def companies_query(q: str | None = None, city: str | None = None) -> Select[Any]:
    query = select(Company).order_by(Company.name, Company.id)
    if q:
        query = query.where(Company.name.ilike(f"%{q}%"))
    if city:
        query = query.where(Company.city == city)
    return query


def members_of(company_id: int) -> list[CompanyMember]:
    query = (
        select(CompanyMember)
        .options(joinedload(CompanyMember.user))
        .where(CompanyMember.company_id == company_id)
        .order_by(CompanyMember.id)
    )
    return list(session.scalars(query))


def companies_of(user_id: int) -> list[Company]:
    query = (
        select(Company)
        .join(CompanyMember, CompanyMember.company_id == Company.id)
        .where(CompanyMember.user_id == user_id)
        .order_by(Company.id)
    )
    return list(session.scalars(query))


def dashboard(company_id: int) -> dict[str, Any]:
    """Jobs, views, applications and interviews of a company, in three joins."""
    applied = func.count(func.distinct(Application.id))
    viewed = func.count(func.distinct(JobView.id))
    jobs = session.execute(
        select(Job.id, Job.title, Job.status, applied.label("applied"), viewed.label("viewed"))
        .outerjoin(Application, Application.job_id == Job.id)
        .outerjoin(JobView, JobView.job_id == Job.id)
        .where(Job.company_id == company_id)
        .group_by(Job.id, Job.title, Job.status)
        .order_by(Job.id)
    ).all()
    stages = session.execute(
        select(Application.stage, func.count(Application.id))
        .join(Job, Job.id == Application.job_id)
        .where(Job.company_id == company_id)
        .group_by(Application.stage)
    ).all()
    interviews = session.execute(
        select(Interview.id, Interview.starts_at, Job.title)
        .join(Application, Application.id == Interview.application_id)
        .join(Job, Job.id == Application.job_id)
        .where(Job.company_id == company_id, Interview.status == InterviewStatus.SCHEDULED.value)
        .order_by(Interview.starts_at)
        .limit(5)
    ).all()
    counts = {stage.value: 0 for stage in ApplicationStage}
    counts.update(dict(stages))
    return {
        "jobs": [
            {
                "id": row.id,
                "title": row.title,
                "status": row.status,
                "applications": row.applied,
                "views": row.viewed,
            }
            for row in jobs
        ],
        "stages": counts,
        "next_interviews": [
            {"id": row.id, "starts_at": iso(row.starts_at), "job": row.title} for row in interviews
        ],
    }
