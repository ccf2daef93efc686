from sqlalchemy import func, select

from jobmarket.billing.models import LedgerEntry
from jobmarket.db import session
from jobmarket.utils import month_of


def record_entry(company_id: int, kind: str, amount_cents: int, reference: str) -> None:
    """Write what a company owes; less than zero is in its favour. Does not commit."""
    session.add(
        LedgerEntry(
            company_id=company_id,
            kind=kind,
            amount_cents=amount_cents,
            reference=reference,
            month=month_of(),
        )
    )
    session.flush()


def balance(company_id: int) -> int:
    total = session.scalar(
        select(func.coalesce(func.sum(LedgerEntry.amount_cents), 0)).where(
            LedgerEntry.company_id == company_id
        )
    )
    return int(total or 0)


def charged_for(kind: str, reference: str):
    """The entry that charged for this thing, if there is one."""
    return session.scalar(
        select(LedgerEntry)
        .where(LedgerEntry.kind == kind, LedgerEntry.reference == reference)
        .limit(1)
    )
