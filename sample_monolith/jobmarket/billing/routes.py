from typing import Any

from flask import Blueprint, request

from jobmarket.billing import invoices, queries, subscriptions
from jobmarket.billing.ledger import balance, record_entry
from jobmarket.billing.models import Invoice
from jobmarket.billing.plans import PLANS
from jobmarket.billing.quota import quotas_of, set_allowance
from jobmarket.billing.serializers import (
    entry_json,
    invoice_detail,
    invoice_json,
    plan_json,
    quota_json,
    subscription_json,
)
from jobmarket.companies.access import require_member
from jobmarket.db import session
from jobmarket.errors import ValidationFailed
from jobmarket.models import Company, User
from jobmarket.security import current_user, login_required, role_required
from jobmarket.utils import get_or_404, json_body, money, paginate

bp = Blueprint("billing", __name__)

EVERY_ROLE = ("owner", "recruiter", "viewer")


def _number(body: dict[str, Any], field: str) -> int:
    value = body[field]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValidationFailed(f"{field} is a whole number, zero or more")
    return value


@bp.get("/api/billing/plans")
def list_plans() -> Any:
    return {"items": [plan_json(plan) for plan in PLANS.values()]}


@bp.get("/api/me/quotas")
@login_required
def my_quotas() -> Any:
    return {"items": quotas_of(current_user().id)}


@bp.get("/api/companies/<int:company_id>/subscription")
@login_required
def show_subscription(company_id: int) -> Any:
    require_member(company_id, current_user(), EVERY_ROLE)
    return subscription_json(subscriptions.subscription_of(company_id))


@bp.put("/api/companies/<int:company_id>/subscription")
@login_required
def change_subscription(company_id: int) -> Any:
    require_member(company_id, current_user(), ("owner",))
    code = str(json_body("plan")["plan"])
    return subscription_json(subscriptions.change_plan(company_id, current_user().id, code))


@bp.delete("/api/companies/<int:company_id>/subscription")
@login_required
def cancel_subscription(company_id: int) -> Any:
    require_member(company_id, current_user(), ("owner",))
    return subscription_json(subscriptions.cancel(company_id, current_user().id))


@bp.get("/api/companies/<int:company_id>/ledger")
@login_required
def show_ledger(company_id: int) -> Any:
    require_member(company_id, current_user(), ("owner",))
    page = paginate(queries.ledger_query(company_id, request.args.get("month")))
    return {**page, "items": [entry_json(entry) for entry in page["items"]]}


@bp.get("/api/companies/<int:company_id>/balance")
@login_required
def show_balance(company_id: int) -> Any:
    require_member(company_id, current_user(), ("owner",))
    cents = balance(company_id)
    return {"company_id": company_id, "balance_cents": cents, "balance": money(cents)}


@bp.get("/api/companies/<int:company_id>/invoices")
@login_required
def list_invoices(company_id: int) -> Any:
    require_member(company_id, current_user(), ("owner",))
    page = paginate(queries.invoices_query(company_id, request.args.get("status")))
    return {**page, "items": [invoice_json(invoice) for invoice in page["items"]]}


@bp.get("/api/invoices/<int:invoice_id>")
@login_required
def show_invoice(invoice_id: int) -> Any:
    invoice = get_or_404(Invoice, invoice_id)
    require_member(invoice.company_id, current_user(), ("owner",))
    return invoice_detail(invoice)


@bp.post("/api/invoices/<int:invoice_id>/pay")
@login_required
def pay(invoice_id: int) -> Any:
    require_member(invoices.company_of_invoice(invoice_id), current_user(), ("owner",))
    card = str(json_body("card")["card"])
    return invoice_json(invoices.pay_invoice(invoice_id, current_user().id, card))


@bp.post("/api/admin/invoices/<int:invoice_id>/void")
@role_required("admin")
def void(invoice_id: int) -> Any:
    return invoice_json(invoices.void_invoice(invoice_id))


@bp.post("/api/admin/companies/<int:company_id>/credit")
@role_required("admin")
def give_credit(company_id: int) -> Any:
    get_or_404(Company, company_id)
    body = json_body("amount_cents", "reason")
    amount = _number(body, "amount_cents")
    record_entry(company_id, "credit", -amount, str(body["reason"])[:80])
    session.commit()
    return {"company_id": company_id, "balance_cents": balance(company_id)}, 201


@bp.put("/api/admin/users/<int:user_id>/quotas/<kind>")
@role_required("admin")
def allow(user_id: int, kind: str) -> Any:
    get_or_404(User, user_id)
    allowed = _number(json_body("allowed"), "allowed")
    return quota_json(set_allowance(user_id, kind, allowed))
