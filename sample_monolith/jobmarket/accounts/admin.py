from typing import Any

from flask import Blueprint, request

from jobmarket.accounts import privacy, queries, service
from jobmarket.accounts.serializers import user_json
from jobmarket.models import User
from jobmarket.security import role_required
from jobmarket.utils import get_or_404, json_body, paginate

bp = Blueprint("admin", __name__, url_prefix="/api/admin")


@bp.get("/users")
@role_required("admin")
def list_users() -> Any:
    page = paginate(queries.users_query(request.args.get("q"), request.args.get("role")))
    return {**page, "items": [user_json(user) for user in page["items"]]}


@bp.get("/users/<int:user_id>")
@role_required("admin")
def show_user(user_id: int) -> Any:
    return user_json(get_or_404(User, user_id))


@bp.patch("/users/<int:user_id>")
@role_required("admin")
def change_user(user_id: int) -> Any:
    body = json_body()
    return user_json(service.set_account_state(user_id, body.get("role"), body.get("is_active")))


@bp.delete("/users/<int:user_id>")
@role_required("admin")
def delete_user(user_id: int) -> Any:
    privacy.erase_user(user_id)
    return "", 204


@bp.get("/stats")
@role_required("admin")
def stats() -> Any:
    return queries.platform_stats()
