from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from jobmarket.applications.stages import CLOSED, check_move
from jobmarket.billing.ledger import record_entry
from jobmarket.billing.quota import consume_quota
from jobmarket.companies.access import is_member, recruiter_ids, require_member
from jobmarket.constants import APPLICATION_FEE_CENTS
from jobmarket.db import session
from jobmarket.errors import Conflict, Forbidden
from jobmarket.models import Application, ApplicationStage, Company, Job, JobStatus, Role, User
from jobmarket.notifications.service import notify
from jobmarket.signals import (
    application_stage_changed,
    application_submitted,
    application_withdrawn,
)
from jobmarket.utils import get_or_404, utcnow


def apply_to_job(user_id: int, job_id: int, cover_letter: str) -> Application:
    """One transaction over applications, quotas, ledger, notifications and reports."""
    job = get_or_404(Job, job_id)
    if job.status != JobStatus.OPEN.value:
        raise Conflict("this job takes no applications")
    company = get_or_404(Company, job.company_id)
    _refuse_twice(user_id, job_id)
    consume_quota(user_id, "applications")
    application = Application(job_id=job_id, user_id=user_id, cover_letter=cover_letter)
    session.add(application)
    try:
        session.flush()
    except IntegrityError:
        # Two clicks at once: the other one was first.
        session.rollback()
        raise Conflict("you have applied already") from None
    reference = f"application:{application.id}"
    record_entry(company.id, "application_fee", APPLICATION_FEE_CENTS, reference)
    for recruiter_id in recruiter_ids(company.id):
        notify(
            recruiter_id,
            "application_received",
            f"New application for {job.title}",
            f"Somebody wants to work at {company.name}.",
            reference,
        )
    application_submitted.send("applications", application=application)
    session.commit()
    return application


def _refuse_twice(user_id: int, job_id: int) -> None:
    taken = session.scalar(
        select(Application.id).where(Application.user_id == user_id, Application.job_id == job_id)
    )
    if taken is not None:
        raise Conflict("you have applied already")


def application_for(application_id: int, user: User) -> Application:
    """The application, if the user is the candidate or works at the company."""
    application = get_or_404(Application, application_id)
    theirs = application.user_id == user.id or user.role == Role.ADMIN.value
    if not theirs and not is_member(application.job.company_id, user.id):
        raise Forbidden("this is not your application")
    return application


def application_for_recruiter(application_id: int, user: User) -> Application:
    application = get_or_404(Application, application_id)
    require_member(application.job.company_id, user)
    return application


def application_for_candidate(application_id: int, user: User) -> Application:
    application = get_or_404(Application, application_id)
    if application.user_id != user.id:
        raise Forbidden("this is not your application")
    return application


def change_stage(application: Application, new: str) -> None:
    """Takes the mapped object. Does not commit."""
    old = application.stage
    application.stage = new
    if new in CLOSED:
        application.decided_at = utcnow()
    session.flush()
    application_stage_changed.send("applications", application_id=application.id, old=old, new=new)


def move_application(application_id: int, user: User, new: str) -> Application:
    application = application_for_recruiter(application_id, user)
    check_move(application.stage, new)
    change_stage(application, new)
    if new in CLOSED:
        end_conversation(application.id)
    session.commit()
    return application


def withdraw(application_id: int, user: User) -> Application:
    application = application_for_candidate(application_id, user)
    if application.stage in CLOSED:
        raise Conflict(f"this application is {application.stage}")
    untouched = application.stage == ApplicationStage.SUBMITTED.value
    application.stage = ApplicationStage.WITHDRAWN.value
    application.decided_at = utcnow()
    session.flush()
    end_conversation(application.id)
    application_withdrawn.send(
        "applications",
        application_id=application.id,
        job_id=application.job_id,
        user_id=application.user_id,
        untouched=untouched,
    )
    session.commit()
    return application


def end_conversation(application_id: int) -> None:
    # messaging.service imports this module inside its functions, and we do the same.
    from jobmarket.messaging.service import close_conversation

    close_conversation(application_id)
