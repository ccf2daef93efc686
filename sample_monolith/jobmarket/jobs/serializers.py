from typing import Any

from jobmarket.companies.serializers import company_brief
from jobmarket.models import Job, Skill
from jobmarket.utils import excerpt, money, serialize


def job_json(job: Job) -> dict[str, Any]:
    data = serialize(
        job,
        "id",
        "company_id",
        "title",
        "slug",
        "description",
        "location",
        "employment_type",
        "is_remote",
        "salary_min_cents",
        "salary_max_cents",
        "currency",
        "status",
        "published_at",
        "expires_at",
        "closed_at",
    )
    data["company"] = company_brief(job.company)
    data["skills"] = sorted(skill.name for skill in job.skills)
    return data


def job_card(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "title": job.title,
        "company": company_brief(job.company),
        "location": job.location,
        "is_remote": job.is_remote,
        "salary_from": money(job.salary_min_cents, job.currency),
        "status": job.status,
        "summary": excerpt(job.description),
    }


def skill_json(skill: Skill) -> dict[str, Any]:
    return serialize(skill, "id", "name", "slug")
