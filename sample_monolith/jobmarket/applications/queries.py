from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from jobmarket.db import session
from jobmarket.models import Application, Company, Interview, InterviewStatus, Job


def my_applications_query(user_id: int, stage: str | None = None) -> Select[Any]:
    query = (
        select(Application)
        .options(joinedload(Application.job).joinedload(Job.company))
        .where(Application.user_id == user_id)
        .order_by(Application.id.desc())
    )
    return query.where(Application.stage == stage) if stage else query


def job_applications_query(job_id: int, stage: str | None = None) -> Select[Any]:
    query = (
        select(Application)
        .options(joinedload(Application.user), joinedload(Application.job))
        .where(Application.job_id == job_id)
        .order_by(Application.id)
    )
    return query.where(Application.stage == stage) if stage else query


def interviews_of_application(application_id: int) -> list[Interview]:
    query = (
        select(Interview)
        .where(Interview.application_id == application_id)
        .order_by(Interview.starts_at, Interview.id)
    )
    return list(session.scalars(query))


def my_interviews(user_id: int) -> list[Any]:
    """As candidate or as interviewer: applications, jobs and companies in one join."""
    query = (
        select(Interview, Job.title, Company.name)
        .join(Application, Application.id == Interview.application_id)
        .join(Job, Job.id == Application.job_id)
        .join(Company, Company.id == Job.company_id)
        .where(
            (Application.user_id == user_id) | (Interview.interviewer_id == user_id),
            Interview.status == InterviewStatus.SCHEDULED.value,
        )
        .order_by(Interview.starts_at, Interview.id)
    )
    return list(session.execute(query))
