from typing import Any

from flask import Blueprint

from jobmarket.applications import interviews, queries, service
from jobmarket.applications.serializers import interview_json
from jobmarket.security import current_user, login_required
from jobmarket.utils import json_body

bp = Blueprint("interviews", __name__)


@bp.get("/api/applications/<int:application_id>/interviews")
@login_required
def list_interviews(application_id: int) -> Any:
    application = service.application_for(application_id, current_user())
    inside = application.user_id != current_user().id
    found = queries.interviews_of_application(application_id)
    return {"items": [interview_json(interview, inside) for interview in found]}


@bp.post("/api/applications/<int:application_id>/interviews")
@login_required
def schedule(application_id: int) -> Any:
    body = json_body("starts_at")
    return interview_json(interviews.schedule_interview(application_id, current_user(), body)), 201


@bp.get("/api/me/interviews")
@login_required
def mine() -> Any:
    return {
        "items": [
            {**interview_json(interview, inside=False), "job": title, "company": company}
            for interview, title, company in queries.my_interviews(current_user().id)
        ]
    }


@bp.patch("/api/interviews/<int:interview_id>")
@login_required
def reschedule(interview_id: int) -> Any:
    starts_at = str(json_body("starts_at")["starts_at"])
    return interview_json(interviews.reschedule_interview(interview_id, current_user(), starts_at))


@bp.post("/api/interviews/<int:interview_id>/cancel")
@login_required
def cancel(interview_id: int) -> Any:
    return interview_json(interviews.cancel_interview(interview_id, current_user()))


@bp.post("/api/interviews/<int:interview_id>/feedback")
@login_required
def feedback(interview_id: int) -> Any:
    body = json_body("rating")
    found = interviews.give_feedback(
        interview_id, current_user(), body["rating"], str(body.get("feedback", ""))
    )
    return interview_json(found)
