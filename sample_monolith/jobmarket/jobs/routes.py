from typing import Any

from flask import Blueprint, request

from jobmarket.companies.access import is_member, require_member
from jobmarket.jobs import queries, service
from jobmarket.jobs.serializers import job_card, job_json, skill_json
from jobmarket.jobs.skills import popular_skills
from jobmarket.models import Company, Job
from jobmarket.security import current_user, load_user, login_required
from jobmarket.utils import get_or_404, json_body, paginate

bp = Blueprint("jobs", __name__)


@bp.get("/api/jobs")
def list_jobs() -> Any:
    filters: dict[str, Any] = {
        name: request.args.get(name) for name in ("q", "location", "type", "skill")
    }
    filters["remote"] = request.args.get("remote") == "1"
    filters["verified"] = request.args.get("verified") == "1"
    filters["min_salary_cents"] = request.args.get("min_salary_cents", type=int)
    page = paginate(queries.open_jobs_query(filters))
    return {**page, "items": [job_card(job) for job in page["items"]]}


@bp.post("/api/companies/<int:company_id>/jobs")
@login_required
def create_job(company_id: int) -> Any:
    require_member(company_id, current_user())
    job = service.create_job(company_id, current_user().id, json_body("title"))
    return job_json(job), 201


@bp.get("/api/companies/<int:company_id>/jobs")
def company_jobs(company_id: int) -> Any:
    get_or_404(Company, company_id)
    viewer = load_user()
    inside = viewer is not None and is_member(company_id, viewer.id)
    page = paginate(queries.company_jobs_query(company_id, everything=inside))
    return {**page, "items": [job_card(job) for job in page["items"]]}


@bp.get("/api/jobs/<int:job_id>")
def show_job(job_id: int) -> Any:
    viewer = load_user()
    job = service.visible_job(job_id, viewer)
    service.record_view(job_id, viewer.id if viewer else None)
    return job_json(job)


@bp.patch("/api/jobs/<int:job_id>")
@login_required
def update_job(job_id: int) -> Any:
    require_member(get_or_404(Job, job_id).company_id, current_user())
    return job_json(service.update_job(job_id, json_body()))


@bp.delete("/api/jobs/<int:job_id>")
@login_required
def delete_job(job_id: int) -> Any:
    require_member(get_or_404(Job, job_id).company_id, current_user())
    service.delete_job(job_id)
    return "", 204


@bp.post("/api/jobs/<int:job_id>/publish")
@login_required
def publish_job(job_id: int) -> Any:
    require_member(get_or_404(Job, job_id).company_id, current_user())
    return job_json(service.publish_job(job_id))


@bp.post("/api/jobs/<int:job_id>/close")
@login_required
def close_job(job_id: int) -> Any:
    require_member(get_or_404(Job, job_id).company_id, current_user())
    return job_json(service.close_job(job_id))


@bp.put("/api/jobs/<int:job_id>/skills")
@login_required
def set_skills(job_id: int) -> Any:
    require_member(get_or_404(Job, job_id).company_id, current_user())
    return job_json(service.update_job(job_id, {"skills": json_body("skills")["skills"]}))


@bp.get("/api/jobs/<int:job_id>/views")
@login_required
def job_views(job_id: int) -> Any:
    require_member(get_or_404(Job, job_id).company_id, current_user())
    return {"items": queries.views_by_day(job_id)}


@bp.get("/api/jobs/<int:job_id>/similar")
def similar(job_id: int) -> Any:
    job = service.visible_job(job_id, load_user())
    return {"items": [job_card(other) for other in queries.similar_jobs(job)]}


@bp.get("/api/skills")
def list_skills() -> Any:
    return {"items": [{**skill_json(skill), "jobs": n} for skill, n in popular_skills()]}
