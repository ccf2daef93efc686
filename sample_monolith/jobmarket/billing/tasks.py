from sqlalchemy import select

from jobmarket.billing.invoices import issue_invoice, open_entries
from jobmarket.billing.models import LedgerEntry, Subscription
from jobmarket.billing.plans import plan_of
from jobmarket.db import session


def close_month(month: str) -> int:
    """Charge the subscriptions and write the invoices of a month; how many. Safe to repeat."""
    charge_subscriptions(month)
    issued = 0
    for company_id, entries in open_entries(month).items():
        if issue_invoice(company_id, month, entries) is not None:
            issued += 1
    session.commit()
    return issued


def charge_subscriptions(month: str) -> None:
    active = session.scalars(select(Subscription).where(Subscription.status == "active"))
    for subscription in active.all():
        price = plan_of(subscription.plan).price_cents
        reference = f"subscription:{subscription.id}:{month}"
        known = session.scalar(select(LedgerEntry.id).where(LedgerEntry.reference == reference))
        if price and known is None:
            session.add(
                LedgerEntry(
                    company_id=subscription.company_id,
                    kind="subscription",
                    amount_cents=price,
                    reference=reference,
                    month=month,
                )
            )
    session.flush()
