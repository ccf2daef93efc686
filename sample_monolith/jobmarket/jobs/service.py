from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select, update

from jobmarket.companies.access import is_member
from jobmarket.constants import CURRENCIES, DEFAULT_CURRENCY, EMPLOYMENT_TYPES, JOB_LIFETIME_DAYS
from jobmarket.db import session
from jobmarket.errors import Conflict, NotFound, ValidationFailed
from jobmarket.jobs.skills import set_job_skills
from jobmarket.models import Company, Job, JobStatus, JobView, User
from jobmarket.signals import job_closed, job_published
from jobmarket.utils import get_or_404, unique_slug, utcnow

JOB_FIELDS = (
    "title",
    "description",
    "location",
    "employment_type",
    "is_remote",
    "salary_min_cents",
    "salary_max_cents",
    "currency",
)


def _check(details: dict[str, Any]) -> None:
    if details.get("employment_type", "full_time") not in EMPLOYMENT_TYPES:
        raise ValidationFailed(f"employment_type is one of {', '.join(EMPLOYMENT_TYPES)}")
    if details.get("currency", DEFAULT_CURRENCY) not in CURRENCIES:
        raise ValidationFailed(f"currency is one of {', '.join(CURRENCIES)}")
    skills = details.get("skills", [])
    if not isinstance(skills, list) or not all(isinstance(name, str) for name in skills):
        raise ValidationFailed("skills is a list of names")
    low, high = details.get("salary_min_cents"), details.get("salary_max_cents")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        raise ValidationFailed("the lowest salary is above the highest")


def create_job(company_id: int, user_id: int, details: dict[str, Any]) -> Job:
    _check(details)
    get_or_404(Company, company_id)
    values = {field: details[field] for field in JOB_FIELDS if field in details}
    job = Job(
        company_id=company_id,
        created_by_id=user_id,
        slug=unique_slug(Job, str(details["title"])),
        **values,
    )
    session.add(job)
    session.flush()
    set_job_skills(job, details.get("skills", ()))
    session.commit()
    return job


def update_job(job_id: int, changes: dict[str, Any]) -> Job:
    job = get_or_404(Job, job_id)
    _check(changes)
    for field in JOB_FIELDS:
        if field in changes:
            setattr(job, field, changes[field])
    if "skills" in changes:
        set_job_skills(job, changes["skills"])
    session.commit()
    return job


def publish_job(job_id: int) -> Job:
    job = get_or_404(Job, job_id)
    if job.status == JobStatus.OPEN.value:
        raise Conflict("this job is open already")
    if not job.description:
        raise ValidationFailed("a job needs a description before it goes out")
    job.status = JobStatus.OPEN.value
    job.published_at = utcnow()
    job.expires_at = job.published_at + timedelta(days=JOB_LIFETIME_DAYS)
    job.closed_at = None
    session.flush()
    job_published.send("jobs", job=job)
    session.commit()
    return job


def close_job(job_id: int) -> Job:
    job = get_or_404(Job, job_id)
    if job.status != JobStatus.OPEN.value:
        raise Conflict("this job is not open")
    job.status = JobStatus.CLOSED.value
    job.closed_at = utcnow()
    session.flush()
    job_closed.send("jobs", job_id=job.id)
    session.commit()
    return job


def delete_job(job_id: int) -> None:
    # applications knows jobs; jobs should not know applications, but here it must.
    from jobmarket.models import Application

    job = get_or_404(Job, job_id)
    applied = session.scalar(select(func.count(Application.id)).where(Application.job_id == job_id))
    if applied:
        raise Conflict("people have applied; close the job instead")
    session.delete(job)
    session.commit()


def visible_job(job_id: int, viewer: User | None) -> Job:
    """The job, if it is out or the viewer works there."""
    job = get_or_404(Job, job_id)
    if job.status == JobStatus.DRAFT.value and not (
        viewer is not None and is_member(job.company_id, viewer.id)
    ):
        raise NotFound(f"no job {job_id}")
    return job


def record_view(job_id: int, viewer_id: int | None) -> None:
    session.add(JobView(job_id=job_id, viewer_id=viewer_id))
    session.commit()


def count_open_jobs(company_id: int) -> int:
    return (
        session.scalar(
            select(func.count(Job.id)).where(
                Job.company_id == company_id, Job.status == JobStatus.OPEN.value
            )
        )
        or 0
    )


def delete_jobs_of_company(company_id: int) -> None:
    """Does not commit: part of deleting the company."""
    session.execute(delete(Job).where(Job.company_id == company_id))


def expire_jobs() -> list[int]:
    """Close what is past its day; the ids of what was closed."""
    expired = session.scalars(
        update(Job)
        .where(Job.status == JobStatus.OPEN.value, Job.expires_at < utcnow())
        .values(status=JobStatus.EXPIRED.value)
        .returning(Job.id)
    ).all()
    for job_id in expired:
        job_closed.send("jobs", job_id=job_id)
    session.commit()
    return list(expired)
