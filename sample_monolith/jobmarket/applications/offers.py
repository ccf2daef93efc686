from jobmarket.applications.service import (
    application_for_candidate,
    application_for_recruiter,
    change_stage,
    end_conversation,
)
from jobmarket.applications.stages import MAY_GET_OFFER
from jobmarket.billing.ledger import record_entry
from jobmarket.billing.plans import HIRE_FEE_CENTS
from jobmarket.companies.access import recruiter_ids
from jobmarket.db import session
from jobmarket.errors import Conflict, ValidationFailed
from jobmarket.models import Application, ApplicationStage, User
from jobmarket.notifications.service import notify
from jobmarket.utils import utcnow


def make_offer(application_id: int, user: User, amount_cents: int) -> Application:
    application = application_for_recruiter(application_id, user)
    if application.stage not in MAY_GET_OFFER:
        raise Conflict(f"no offer while the application is {application.stage}")
    if not isinstance(amount_cents, int) or isinstance(amount_cents, bool) or amount_cents <= 0:
        raise ValidationFailed("amount_cents is a whole number above zero")
    application.offer_cents = amount_cents
    application.offered_at = utcnow()
    change_stage(application, ApplicationStage.OFFER.value)
    session.commit()
    return application


def accept_offer(application_id: int, user: User) -> Application:
    """The hire: applications, ledger, notifications and reports in one transaction."""
    application = _with_offer(application_id, user)
    company_id = application.job.company_id
    change_stage(application, ApplicationStage.HIRED.value)
    record_entry(company_id, "hire_fee", HIRE_FEE_CENTS, f"application:{application.id}")
    _tell(application, "accepted")
    session.commit()
    return application


def decline_offer(application_id: int, user: User) -> Application:
    application = _with_offer(application_id, user)
    change_stage(application, ApplicationStage.REJECTED.value)
    end_conversation(application.id)
    _tell(application, "declined")
    session.commit()
    return application


def _with_offer(application_id: int, user: User) -> Application:
    application = application_for_candidate(application_id, user)
    if application.stage != ApplicationStage.OFFER.value:
        raise Conflict("there is no offer")
    return application


def _tell(application, answer):
    for recruiter_id in recruiter_ids(application.job.company_id):
        notify(
            recruiter_id,
            "application_offer",
            f"{application.user.name} {answer} the offer",
            application.job.title,
            f"application:{application.id}",
        )
