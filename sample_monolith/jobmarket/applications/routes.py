from typing import Any

from flask import Blueprint, request

from jobmarket.applications import notes, offers, queries, service
from jobmarket.applications.interview_routes import bp as interviews_bp
from jobmarket.applications.serializers import application_card, application_json, note_json
from jobmarket.companies.access import require_member
from jobmarket.models import Job
from jobmarket.security import current_user, login_required, role_required
from jobmarket.utils import get_or_404, json_body, paginate

bp = Blueprint("applications", __name__)
bp.register_blueprint(interviews_bp)


@bp.post("/api/jobs/<int:job_id>/applications")
@role_required("candidate")
def apply(job_id: int) -> Any:
    letter = str(json_body("cover_letter")["cover_letter"])
    return application_json(service.apply_to_job(current_user().id, job_id, letter)), 201


@bp.get("/api/jobs/<int:job_id>/applications")
@login_required
def list_for_job(job_id: int) -> Any:
    require_member(
        get_or_404(Job, job_id).company_id, current_user(), ("owner", "recruiter", "viewer")
    )
    page = paginate(queries.job_applications_query(job_id, request.args.get("stage")))
    return {**page, "items": [application_card(found) for found in page["items"]]}


@bp.get("/api/me/applications")
@login_required
def list_mine() -> Any:
    query = queries.my_applications_query(current_user().id, request.args.get("stage"))
    page = paginate(query)
    return {**page, "items": [application_card(found) for found in page["items"]]}


@bp.get("/api/applications/<int:application_id>")
@login_required
def show(application_id: int) -> Any:
    return application_json(service.application_for(application_id, current_user()))


@bp.post("/api/applications/<int:application_id>/withdraw")
@login_required
def withdraw(application_id: int) -> Any:
    return application_json(service.withdraw(application_id, current_user()))


@bp.post("/api/applications/<int:application_id>/stage")
@login_required
def move(application_id: int) -> Any:
    new = str(json_body("stage")["stage"])
    return application_json(service.move_application(application_id, current_user(), new))


@bp.get("/api/applications/<int:application_id>/notes")
@login_required
def list_notes(application_id: int) -> Any:
    return {"items": [note_json(note) for note in notes.notes_of(application_id, current_user())]}


@bp.post("/api/applications/<int:application_id>/notes")
@login_required
def add_note(application_id: int) -> Any:
    body = str(json_body("body")["body"])
    return note_json(notes.add_note(application_id, current_user(), body)), 201


@bp.delete("/api/applications/<int:application_id>/notes/<int:note_id>")
@login_required
def delete_note(application_id: int, note_id: int) -> Any:
    notes.delete_note(application_id, note_id, current_user())
    return "", 204


@bp.post("/api/applications/<int:application_id>/offer")
@login_required
def make_offer(application_id: int) -> Any:
    amount = json_body("amount_cents")["amount_cents"]
    return application_json(offers.make_offer(application_id, current_user(), amount)), 201


@bp.post("/api/applications/<int:application_id>/offer/accept")
@login_required
def accept_offer(application_id: int) -> Any:
    return application_json(offers.accept_offer(application_id, current_user()))


@bp.post("/api/applications/<int:application_id>/offer/decline")
@login_required
def decline_offer(application_id: int) -> Any:
    return application_json(offers.decline_offer(application_id, current_user()))
