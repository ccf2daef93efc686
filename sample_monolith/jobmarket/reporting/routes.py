from typing import Any

from flask import Blueprint, Response, request

from jobmarket.companies.access import require_member
from jobmarket.errors import ValidationFailed
from jobmarket.models import Company
from jobmarket.reporting import queries, service
from jobmarket.reporting.export import export_csv
from jobmarket.reporting.models import DailyReport
from jobmarket.security import current_user, login_required, role_required
from jobmarket.utils import get_or_404, json_body, parse_date, serialize

bp = Blueprint("reporting", __name__)

MOST_DAYS = 366


def _report_json(report: DailyReport) -> dict[str, Any]:
    return serialize(report, "day", *service.COUNTERS)


@bp.get("/api/companies/<int:company_id>/reports/funnel")
@login_required
def funnel(company_id: int) -> Any:
    get_or_404(Company, company_id)
    require_member(company_id, current_user(), ("owner", "recruiter", "viewer"))
    return service.funnel_report(company_id)


@bp.get("/api/companies/<int:company_id>/reports/time-to-hire")
@login_required
def time_to_hire(company_id: int) -> Any:
    get_or_404(Company, company_id)
    require_member(company_id, current_user(), ("owner", "recruiter", "viewer"))
    return service.time_to_hire_report(company_id)


@bp.get("/api/admin/reports/revenue")
@role_required("admin")
def revenue() -> Any:
    return {"items": queries.revenue()}


@bp.get("/api/admin/reports/top-companies")
@role_required("admin")
def top_companies() -> Any:
    limit = request.args.get("limit", 10, type=int)
    return {"items": queries.top_companies(min(max(limit, 1), 100))}


@bp.get("/api/admin/reports/daily")
@role_required("admin")
def daily() -> Any:
    first = parse_date(request.args.get("from"), "from")
    last = parse_date(request.args.get("to"), "to")
    return {"items": [_report_json(found) for found in service.daily_reports(first, last)]}


@bp.post("/api/admin/reports/daily/rebuild")
@role_required("admin")
def rebuild() -> Any:
    body = json_body("from", "to")
    first, last = parse_date(body["from"], "from"), parse_date(body["to"], "to")
    if (last - first).days >= MOST_DAYS:
        raise ValidationFailed(f"at most {MOST_DAYS} days at once")
    return {"days": service.rebuild(first, last)}


@bp.get("/api/admin/reports/export/<name>")
@role_required("admin")
def export(name: str) -> Any:
    return Response(export_csv(name), mimetype="text/csv")
