from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from jobmarket.db import session
from jobmarket.models import Company, Job, JobStatus, JobView, Skill, job_skills


def _with_parts(query: Select[Any]) -> Select[Any]:
    return query.options(joinedload(Job.company), selectinload(Job.skills))


def open_jobs_query(filters: dict[str, Any]) -> Select[Any]:
    """The public listing. Joins companies, so that people can filter by them."""
    query = (
        select(Job)
        .join(Company, Company.id == Job.company_id)
        .where(Job.status == JobStatus.OPEN.value)
        .order_by(Job.published_at.desc(), Job.id.desc())
    )
    if filters.get("q"):
        like = f"%{filters['q']}%"
        query = query.where(or_(Job.title.ilike(like), Company.name.ilike(like)))
    if filters.get("location"):
        query = query.where(Job.location == filters["location"])
    if filters.get("type"):
        query = query.where(Job.employment_type == filters["type"])
    if filters.get("remote"):
        query = query.where(Job.is_remote.is_(True))
    if filters.get("min_salary_cents"):
        query = query.where(Job.salary_max_cents >= filters["min_salary_cents"])
    if filters.get("verified"):
        query = query.where(Company.is_verified.is_(True))
    if filters.get("skill"):
        matching = (
            select(job_skills.c.job_id)
            .join(Skill, Skill.id == job_skills.c.skill_id)
            .where(Skill.slug == filters["skill"])
        )
        query = query.where(Job.id.in_(matching))
    return _with_parts(query)


def company_jobs_query(company_id: int, everything: bool) -> Select[Any]:
    query = select(Job).where(Job.company_id == company_id).order_by(Job.id)
    if not everything:
        query = query.where(Job.status == JobStatus.OPEN.value)
    return _with_parts(query)


def similar_jobs(job: Job, limit: int = 5) -> list[Job]:
    """Open jobs that share most skills with this one."""
    shared = func.count(job_skills.c.skill_id)
    query = (
        select(Job)
        .join(job_skills, job_skills.c.job_id == Job.id)
        .where(
            job_skills.c.skill_id.in_([skill.id for skill in job.skills]),
            Job.id != job.id,
            Job.status == JobStatus.OPEN.value,
        )
        .group_by(Job.id)
        .order_by(shared.desc(), Job.id)
        .limit(limit)
    )
    return list(session.scalars(query))


def views_by_day(job_id: int) -> list[dict[str, Any]]:
    day = func.date_trunc("day", JobView.viewed_at)
    rows = session.execute(
        select(
            day.label("day"),
            func.count(JobView.id).label("views"),
            func.count(func.distinct(JobView.viewer_id)).label("people"),
        )
        .where(JobView.job_id == job_id)
        .group_by(day)
        .order_by(day)
    )
    return [
        {"day": row.day.date().isoformat(), "views": row.views, "people": row.people}
        for row in rows
    ]
