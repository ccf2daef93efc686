from typing import Any

from flask import Blueprint, request

from jobmarket.accounts import privacy, service, tokens
from jobmarket.accounts.serializers import profile_json, public_user_json, token_json, user_json
from jobmarket.models import User
from jobmarket.security import current_user, login_required
from jobmarket.utils import get_or_404, json_body

bp = Blueprint("accounts", __name__)


@bp.post("/api/auth/register")
def register() -> Any:
    body = json_body("email", "name", "password")
    user = service.register_user(
        str(body["email"]),
        str(body["name"]),
        str(body["password"]),
        role=body.get("role", "candidate"),
    )
    return user_json(user), 201


@bp.post("/api/auth/login")
def login() -> Any:
    body = json_body("email", "password")
    user, token = service.authenticate(str(body["email"]), str(body["password"]))
    return {"token": token, "user": user_json(user)}


@bp.post("/api/auth/token")
def token_login() -> Any:
    return {"token": tokens.exchange_token(str(json_body("secret")["secret"]))}


@bp.get("/api/me")
@login_required
def me() -> Any:
    return user_json(current_user())


@bp.patch("/api/me")
@login_required
def update_me() -> Any:
    return user_json(service.rename_user(current_user(), str(json_body("name")["name"])))


@bp.delete("/api/me")
@login_required
def delete_me() -> Any:
    privacy.erase_user(current_user().id)
    return "", 204


@bp.get("/api/me/profile")
@login_required
def my_profile() -> Any:
    profile = current_user().profile
    return profile_json(profile) if profile else {}


@bp.put("/api/me/profile")
@login_required
def update_my_profile() -> Any:
    return profile_json(service.update_profile(current_user().id, json_body()))


@bp.post("/api/me/password")
@login_required
def change_password() -> Any:
    body = json_body("old", "new")
    service.change_password(current_user(), str(body["old"]), str(body["new"]))
    return "", 204


@bp.get("/api/me/tokens")
@login_required
def my_tokens() -> Any:
    return {"items": [token_json(token) for token in tokens.list_tokens(current_user().id)]}


@bp.post("/api/me/tokens")
@login_required
def add_token() -> Any:
    token, secret = tokens.create_token(current_user().id, json_body("label")["label"])
    return {**token_json(token), "secret": secret}, 201


@bp.delete("/api/me/tokens/<int:token_id>")
@login_required
def delete_token(token_id: int) -> Any:
    tokens.revoke_token(current_user().id, token_id)
    return "", 204


@bp.get("/api/me/export")
@login_required
def export_me() -> Any:
    return privacy.export_user(current_user().id)


@bp.get("/api/users/<int:user_id>")
@login_required
def show_user(user_id: int) -> Any:
    user = get_or_404(User, user_id)
    if request.args.get("full") and current_user().id == user_id:
        return user_json(user)
    return public_user_json(user)
