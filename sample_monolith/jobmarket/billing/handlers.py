from typing import Any

from jobmarket.billing.ledger import charged_for, record_entry
from jobmarket.billing.subscriptions import current_plan, start_free
from jobmarket.models import Job
from jobmarket.signals import application_withdrawn, company_created, job_published


@company_created.connect
def open_account(sender: Any, company_id: int, user_id: int, **extra: Any) -> None:
    start_free(company_id, user_id)


@job_published.connect
def charge_listing(sender: Any, job: Job, **extra: Any) -> None:
    """A job is charged once, however often it is closed and published again."""
    reference = f"job:{job.id}"
    fee = current_plan(job.company_id).listing_fee_cents
    if fee and charged_for("listing_fee", reference) is None:
        record_entry(job.company_id, "listing_fee", fee, reference)


@application_withdrawn.connect
def refund_application(sender: Any, application_id: int, untouched: bool, **extra: Any) -> None:
    """Nobody pays for an application that nobody looked at."""
    if not untouched:
        return
    charge = charged_for("application_fee", f"application:{application_id}")
    if charge is not None:
        record_entry(
            charge.company_id, "application_refund", -charge.amount_cents, charge.reference
        )
