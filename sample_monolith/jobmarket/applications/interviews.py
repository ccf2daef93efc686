from datetime import datetime
from typing import Any

from jobmarket.applications.service import application_for_recruiter, change_stage
from jobmarket.companies.access import is_member
from jobmarket.db import session
from jobmarket.errors import Conflict, ValidationFailed
from jobmarket.models import Application, ApplicationStage, Interview, InterviewStatus, User
from jobmarket.notifications.models import Notification
from jobmarket.notifications.service import notify
from jobmarket.signals import interview_scheduled
from jobmarket.utils import get_or_404, iso, parse_datetime, utcnow

DEFAULT_MINUTES = 45
MAY_MEET = (ApplicationStage.SCREENING.value, ApplicationStage.INTERVIEW.value)


def _starts_at(text: str | None) -> datetime:
    moment = parse_datetime(text, "starts_at")
    if moment is None or moment <= utcnow():
        raise ValidationFailed("an interview lies in the future")
    return moment


def schedule_interview(application_id: int, user: User, details: dict[str, Any]) -> Interview:
    application = application_for_recruiter(application_id, user)
    if application.stage not in MAY_MEET:
        raise Conflict(f"no interview while the application is {application.stage}")
    interviewer_id = details.get("interviewer_id", user.id)
    minutes = details.get("duration_minutes", DEFAULT_MINUTES)
    if not isinstance(minutes, int) or not 5 <= minutes <= 8 * 60:
        raise ValidationFailed("an interview takes 5 minutes to 8 hours")
    if not isinstance(interviewer_id, int) or not is_member(
        application.job.company_id, interviewer_id
    ):
        raise ValidationFailed("the interviewer does not work there")
    interview = Interview(
        application_id=application_id,
        interviewer_id=interviewer_id,
        starts_at=_starts_at(details.get("starts_at")),
        duration_minutes=minutes,
        location=details.get("location", ""),
    )
    session.add(interview)
    session.flush()
    # Written before notify() was there; nobody dared to touch it since.
    session.add(
        Notification(
            user_id=application.user_id,
            kind="interview_scheduled",
            title=f"Interview for {application.job.title}",
            body=iso(interview.starts_at),
            reference=f"interview:{interview.id}",
        )
    )
    if application.stage == ApplicationStage.SCREENING.value:
        change_stage(application, ApplicationStage.INTERVIEW.value)
    interview_scheduled.send("applications", interview_id=interview.id)
    session.commit()
    return interview


def interview_for_recruiter(interview_id: int, user: User) -> Interview:
    interview = get_or_404(Interview, interview_id)
    application_for_recruiter(interview.application_id, user)
    return interview


def _scheduled(interview_id: int, user: User) -> Interview:
    interview = interview_for_recruiter(interview_id, user)
    if interview.status != InterviewStatus.SCHEDULED.value:
        raise Conflict(f"this interview is {interview.status}")
    return interview


def reschedule_interview(interview_id: int, user: User, starts_at: str) -> Interview:
    interview = _scheduled(interview_id, user)
    interview.starts_at = _starts_at(starts_at)
    _tell_candidate(interview, "interview_scheduled", "Your interview moved")
    session.commit()
    return interview


def cancel_interview(interview_id: int, user: User) -> Interview:
    interview = _scheduled(interview_id, user)
    interview.status = InterviewStatus.CANCELLED.value
    _tell_candidate(interview, "interview_cancelled", "Your interview is cancelled")
    session.commit()
    return interview


def give_feedback(interview_id: int, user: User, rating: Any, feedback: str) -> Interview:
    interview = _scheduled(interview_id, user)
    if not isinstance(rating, int) or isinstance(rating, bool) or not 1 <= rating <= 5:
        raise ValidationFailed("a rating goes from 1 to 5")
    interview.status = InterviewStatus.DONE.value
    interview.rating = rating
    interview.feedback = feedback
    session.commit()
    return interview


def _tell_candidate(interview, kind, title):
    application = session.get(Application, interview.application_id)
    notify(
        application.user_id,
        kind,
        f"{title}: {application.job.title}",
        iso(interview.starts_at),
        f"interview:{interview.id}",
    )
