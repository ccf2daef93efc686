from collections import defaultdict
from datetime import timedelta

from sqlalchemy import func, select

from jobmarket.billing.gateway import gateway
from jobmarket.billing.models import Invoice, InvoiceLine, LedgerEntry
from jobmarket.companies.access import recruiter_ids
from jobmarket.constants import DEFAULT_CURRENCY
from jobmarket.db import session
from jobmarket.errors import Conflict, NotFound
from jobmarket.notifications.service import notify
from jobmarket.signals import invoice_paid
from jobmarket.utils import get_or_404, money, utcnow

DAYS_TO_PAY = 14


def open_entries(month: str) -> dict[int, list[LedgerEntry]]:
    """What no invoice holds yet, up to the month, by company."""
    entries = session.scalars(
        select(LedgerEntry)
        .where(LedgerEntry.invoice_id.is_(None), LedgerEntry.month <= month)
        .order_by(LedgerEntry.id)
        .with_for_update()
    )
    grouped: dict[int, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        grouped[entry.company_id].append(entry)
    return grouped


def issue_invoice(company_id: int, month: str, entries: list[LedgerEntry]) -> Invoice | None:
    """None while the company owes nothing: a credit waits for the next month."""
    total = sum(entry.amount_cents for entry in entries)
    if total <= 0:
        return None
    invoice = Invoice(
        company_id=company_id,
        number=_next_number(company_id, month),
        month=month,
        total_cents=total,
        currency=DEFAULT_CURRENCY,
        due_on=utcnow().date() + timedelta(days=DAYS_TO_PAY),
    )
    session.add(invoice)
    session.flush()
    by_kind: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        entry.invoice_id = invoice.id
        by_kind[entry.kind].append(entry)
    for kind, parts in sorted(by_kind.items()):
        amount = sum(part.amount_cents for part in parts)
        invoice.lines.append(InvoiceLine(kind=kind, quantity=len(parts), amount_cents=amount))
    for user_id in recruiter_ids(company_id):
        notify(
            user_id,
            "invoice_issued",
            f"Invoice {invoice.number}",
            f"{money(total)} until {invoice.due_on.isoformat()}.",
            f"invoice:{invoice.id}",
        )
    return invoice


def _next_number(company_id: int, month: str) -> str:
    before = session.scalar(
        select(func.count(Invoice.id)).where(
            Invoice.company_id == company_id, Invoice.month == month
        )
    )
    return f"JM-{month}-{company_id:05d}-{(before or 0) + 1}"


def pay_invoice(invoice_id: int, user_id: int, card: str) -> Invoice:
    """Charges while the row is locked, so that two clicks pay once."""
    invoice = _locked(invoice_id)
    if invoice.status != "open":
        raise Conflict(f"this invoice is {invoice.status}")
    invoice.charge_reference = gateway.charge(
        card, invoice.total_cents, invoice.currency, invoice.number
    )
    invoice.status = "paid"
    invoice.paid_at = utcnow()
    invoice.paid_by_id = user_id
    session.add(
        LedgerEntry(
            company_id=invoice.company_id,
            invoice_id=invoice.id,
            kind="payment",
            amount_cents=-invoice.total_cents,
            reference=f"invoice:{invoice.id}",
            month=invoice.month,
        )
    )
    session.flush()
    invoice_paid.send("billing", invoice_id=invoice.id, company_id=invoice.company_id)
    session.commit()
    return invoice


def void_invoice(invoice_id: int) -> Invoice:
    """Its entries are open again, for the next invoice."""
    invoice = _locked(invoice_id)
    if invoice.status != "open":
        raise Conflict(f"this invoice is {invoice.status}")
    invoice.status = "void"
    for entry in session.scalars(select(LedgerEntry).where(LedgerEntry.invoice_id == invoice_id)):
        entry.invoice_id = None
    session.commit()
    return invoice


def _locked(invoice_id: int) -> Invoice:
    query = select(Invoice).where(Invoice.id == invoice_id).with_for_update()
    invoice = session.scalar(query.execution_options(populate_existing=True))
    if invoice is None:
        raise NotFound(f"no invoice {invoice_id}")
    return invoice


def company_of_invoice(invoice_id: int) -> int:
    return get_or_404(Invoice, invoice_id).company_id
