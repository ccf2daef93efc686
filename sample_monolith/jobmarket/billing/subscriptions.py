from sqlalchemy import select

from jobmarket.billing.models import Subscription
from jobmarket.billing.plans import Plan, plan_of
from jobmarket.db import session
from jobmarket.errors import Conflict, NotFound
from jobmarket.utils import utcnow


def start_free(company_id: int, user_id: int) -> None:
    """Does not commit: part of founding the company."""
    session.add(Subscription(company_id=company_id, changed_by_id=user_id, plan="free"))
    session.flush()


def subscription_of(company_id: int) -> Subscription:
    found = session.scalar(select(Subscription).where(Subscription.company_id == company_id))
    if found is None:
        raise NotFound("this company has no subscription")
    return found


def current_plan(company_id: int) -> Plan:
    """A company whose subscription is cancelled is on the free plan."""
    found = session.scalar(
        select(Subscription.plan).where(
            Subscription.company_id == company_id, Subscription.status == "active"
        )
    )
    return plan_of(found or "free")


def change_plan(company_id: int, user_id: int, code: str) -> Subscription:
    plan = plan_of(code)
    subscription = subscription_of(company_id)
    if subscription.plan == plan.code and subscription.status == "active":
        raise Conflict("this is the plan already")
    subscription.plan = plan.code
    subscription.status = "active"
    subscription.cancelled_at = None
    subscription.changed_by_id = user_id
    session.commit()
    return subscription


def cancel(company_id: int, user_id: int) -> Subscription:
    subscription = subscription_of(company_id)
    if subscription.status == "cancelled":
        raise Conflict("cancelled already")
    subscription.status = "cancelled"
    subscription.cancelled_at = utcnow()
    subscription.changed_by_id = user_id
    session.commit()
    return subscription
