from typing import Any

from flask import Blueprint, request

from jobmarket.companies import queries, service
from jobmarket.companies.access import require_member
from jobmarket.companies.serializers import company_brief, company_json, member_json
from jobmarket.models import Company
from jobmarket.security import current_user, login_required, role_required
from jobmarket.utils import get_or_404, json_body, paginate

bp = Blueprint("companies", __name__)


@bp.get("/api/companies")
def list_companies() -> Any:
    page = paginate(queries.companies_query(request.args.get("q"), request.args.get("city")))
    return {**page, "items": [company_json(company) for company in page["items"]]}


@bp.post("/api/companies")
@role_required("employer")
def create_company() -> Any:
    body = json_body("name")
    return company_json(service.create_company(current_user().id, str(body["name"]), body)), 201


@bp.get("/api/me/companies")
@login_required
def my_companies() -> Any:
    return {"items": [company_brief(found) for found in queries.companies_of(current_user().id)]}


@bp.get("/api/companies/<int:company_id>")
def show_company(company_id: int) -> Any:
    return company_json(get_or_404(Company, company_id))


@bp.patch("/api/companies/<int:company_id>")
@login_required
def update_company(company_id: int) -> Any:
    get_or_404(Company, company_id)
    require_member(company_id, current_user())
    return company_json(service.update_company(company_id, json_body()))


@bp.delete("/api/companies/<int:company_id>")
@login_required
def delete_company(company_id: int) -> Any:
    get_or_404(Company, company_id)
    require_member(company_id, current_user(), ("owner",))
    service.delete_company(company_id)
    return "", 204


@bp.get("/api/companies/<int:company_id>/members")
@login_required
def list_members(company_id: int) -> Any:
    get_or_404(Company, company_id)
    require_member(company_id, current_user(), ("owner", "recruiter", "viewer"))
    return {"items": [member_json(member) for member in queries.members_of(company_id)]}


@bp.post("/api/companies/<int:company_id>/members")
@login_required
def add_member(company_id: int) -> Any:
    require_member(company_id, current_user(), ("owner",))
    body = json_body("email")
    member = service.add_member(company_id, str(body["email"]), body.get("role", "recruiter"))
    return member_json(member), 201


@bp.patch("/api/companies/<int:company_id>/members/<int:user_id>")
@login_required
def change_member(company_id: int, user_id: int) -> Any:
    require_member(company_id, current_user(), ("owner",))
    return member_json(service.change_member(company_id, user_id, json_body("role")["role"]))


@bp.delete("/api/companies/<int:company_id>/members/<int:user_id>")
@login_required
def remove_member(company_id: int, user_id: int) -> Any:
    require_member(company_id, current_user(), ("owner",))
    service.remove_member(company_id, user_id)
    return "", 204


@bp.get("/api/companies/<int:company_id>/dashboard")
@login_required
def dashboard(company_id: int) -> Any:
    get_or_404(Company, company_id)
    require_member(company_id, current_user(), ("owner", "recruiter", "viewer"))
    return queries.dashboard(company_id)


@bp.post("/api/admin/companies/<int:company_id>/verify")
@role_required("admin")
def verify_company(company_id: int) -> Any:
    return company_json(service.verify_company(company_id))
