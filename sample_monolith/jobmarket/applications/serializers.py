from typing import Any

from jobmarket.models import Application, ApplicationNote, Interview
from jobmarket.utils import excerpt, money, serialize


def application_json(application: Application) -> dict[str, Any]:
    data = serialize(
        application,
        "id",
        "job_id",
        "user_id",
        "cover_letter",
        "stage",
        "offer_cents",
        "offered_at",
        "decided_at",
        "created_at",
    )
    job = application.job
    data["offer"] = money(application.offer_cents, job.currency)
    data["job"] = {"id": job.id, "title": job.title, "company": job.company.name}
    data["candidate"] = application.user.name
    return data


def application_card(application: Application) -> dict[str, Any]:
    return {
        "id": application.id,
        "job_id": application.job_id,
        "job": application.job.title,
        "candidate": application.user.name,
        "stage": application.stage,
        "summary": excerpt(application.cover_letter, 80),
    }


def interview_json(interview: Interview, inside: bool = True) -> dict[str, Any]:
    """Rating and feedback are for the company's eyes."""
    data = serialize(
        interview,
        "id",
        "application_id",
        "interviewer_id",
        "starts_at",
        "duration_minutes",
        "location",
        "status",
    )
    if inside:
        data.update(serialize(interview, "rating", "feedback"))
    return data


def note_json(note: ApplicationNote) -> dict[str, Any]:
    data = serialize(note, "id", "author_id", "body", "created_at")
    data["author"] = note.author.name if note.author else "(deleted)"
    return data
