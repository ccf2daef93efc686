"""What happens elsewhere, told to those whom it concerns, in the transaction of the sender."""

from typing import Any

from sqlalchemy import select

from jobmarket.companies.access import recruiter_ids
from jobmarket.db import session
from jobmarket.models import Application, ApplicationStage, Job
from jobmarket.notifications.service import notify
from jobmarket.signals import (
    application_stage_changed,
    application_submitted,
    application_withdrawn,
    invoice_paid,
    job_closed,
    message_sent,
    user_registered,
)

STILL_OPEN = (
    ApplicationStage.SUBMITTED.value,
    ApplicationStage.SCREENING.value,
    ApplicationStage.INTERVIEW.value,
)


@user_registered.connect
def welcome(sender: Any, user_id: int, role: str, **extra: Any) -> None:
    text = "Find your next job." if role == "candidate" else "Publish your first job."
    notify(user_id, "welcome", "Welcome to jobmarket", text, f"user:{user_id}")


@application_submitted.connect
def confirm_application(sender: Any, application: Application, **extra: Any) -> None:
    """Gets the mapped object, and walks from it to the job and the company."""
    job = application.job
    notify(
        application.user_id,
        "application_confirmed",
        f"You applied to {job.company.name}",
        f"We told them that you want to be their {job.title}.",
        f"application:{application.id}",
    )


@application_stage_changed.connect
def tell_candidate(sender: Any, application_id: int, new: str, **extra: Any) -> None:
    application = session.get(Application, application_id)
    if application is None:
        return
    notify(
        application.user_id,
        "application_offer" if new == ApplicationStage.OFFER.value else "application_moved",
        f"{application.job.title}: {new}",
        "",
        f"application:{application_id}",
    )


@application_withdrawn.connect
def tell_recruiters(sender: Any, application_id: int, job_id: int, **extra: Any) -> None:
    job = session.get(Job, job_id)
    for user_id in recruiter_ids(job.company_id):
        notify(
            user_id,
            "application_withdrawn",
            f"An application for {job.title} was withdrawn",
            "",
            f"application:{application_id}",
        )


@job_closed.connect
def tell_applicants(sender: Any, job_id: int, **extra: Any) -> None:
    waiting = session.execute(
        select(Application.id, Application.user_id, Job.title)
        .join(Job, Job.id == Application.job_id)
        .where(Application.job_id == job_id, Application.stage.in_(STILL_OPEN))
        .order_by(Application.id)
    ).all()
    for row in waiting:
        notify(row.user_id, "job_closed", f"{row.title} is closed", "", f"application:{row.id}")


@message_sent.connect
def tell_of_message(
    sender: Any, message_id: int, recipients: list[int], summary: str, **extra: Any
) -> None:
    for user_id in recipients:
        notify(user_id, "message_received", "New message", summary, f"message:{message_id}")


@invoice_paid.connect
def thank_for_payment(sender: Any, invoice_id: int, company_id: int, **extra: Any) -> None:
    # billing.models needs the models of companies; loaded late, as billing loads us.
    from jobmarket.billing.models import Invoice

    invoice = session.get(Invoice, invoice_id)
    for user_id in recruiter_ids(company_id):
        notify(
            user_id,
            "invoice_paid",
            f"Invoice {invoice.number} is paid",
            "Thank you.",
            f"invoice:{invoice_id}",
        )
