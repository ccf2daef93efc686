from dataclasses import asdict
from typing import Any

from jobmarket.billing.models import Invoice, LedgerEntry, Quota, Subscription
from jobmarket.billing.plans import Plan, plan_of
from jobmarket.utils import money, serialize


def plan_json(plan: Plan) -> dict[str, Any]:
    return {**asdict(plan), "price": money(plan.price_cents)}


def subscription_json(subscription: Subscription) -> dict[str, Any]:
    data = serialize(subscription, "company_id", "status", "cancelled_at")
    data["plan"] = plan_json(plan_of(subscription.plan))
    data["company"] = subscription.company.name
    data["changed_by"] = subscription.changed_by.name if subscription.changed_by else None
    return data


def quota_json(quota: Quota) -> dict[str, Any]:
    return serialize(quota, "user_id", "kind", "month", "allowed", "used")


def entry_json(entry: LedgerEntry) -> dict[str, Any]:
    return serialize(
        entry, "id", "kind", "amount_cents", "reference", "month", "invoice_id", "created_at"
    )


def invoice_json(invoice: Invoice) -> dict[str, Any]:
    data = serialize(
        invoice,
        "id",
        "company_id",
        "number",
        "month",
        "total_cents",
        "currency",
        "status",
        "due_on",
        "paid_at",
    )
    data["total"] = money(invoice.total_cents, invoice.currency)
    data["paid_by"] = invoice.paid_by.name if invoice.paid_by else None
    return data


def invoice_detail(invoice: Invoice) -> dict[str, Any]:
    lines = [serialize(line, "kind", "quantity", "amount_cents") for line in invoice.lines]
    return {**invoice_json(invoice), "company": invoice.company.name, "lines": lines}
