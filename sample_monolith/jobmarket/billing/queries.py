from typing import Any

from sqlalchemy import Select, select

from jobmarket.billing.models import Invoice, LedgerEntry


def ledger_query(company_id: int, month: str | None = None) -> Select[Any]:
    query = (
        select(LedgerEntry)
        .where(LedgerEntry.company_id == company_id)
        .order_by(LedgerEntry.id.desc())
    )
    return query.where(LedgerEntry.month == month) if month else query


def invoices_query(company_id: int, status: str | None = None) -> Select[Any]:
    query = select(Invoice).where(Invoice.company_id == company_id).order_by(Invoice.id.desc())
    return query.where(Invoice.status == status) if status else query
