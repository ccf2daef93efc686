from typing import Any

from jobmarket.models import Application, ApplicationStage, Job
from jobmarket.reporting.service import count
from jobmarket.signals import (
    application_stage_changed,
    application_submitted,
    invoice_paid,
    job_published,
)


@application_submitted.connect
def count_application(sender: Any, application: Application, **extra: Any) -> None:
    count("applications")


@application_stage_changed.connect
def count_hire(sender: Any, new: str, **extra: Any) -> None:
    if new == ApplicationStage.HIRED.value:
        count("hires")


@job_published.connect
def count_published(sender: Any, job: Job, **extra: Any) -> None:
    count("jobs_published")


@invoice_paid.connect
def count_revenue(sender: Any, invoice_id: int, **extra: Any) -> None:
    from jobmarket.billing.models import Invoice
    from jobmarket.db import session

    count("revenue_cents", session.get(Invoice, invoice_id).total_cents)
