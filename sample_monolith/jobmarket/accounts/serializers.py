from typing import Any

from jobmarket.models import ApiToken, Profile, User
from jobmarket.utils import iso, serialize


def user_json(user: User) -> dict[str, Any]:
    data = serialize(user, "id", "email", "name", "role", "is_active", "created_at")
    data["last_login_at"] = iso(user.last_login_at)
    return data


def public_user_json(user: User) -> dict[str, Any]:
    headline = user.profile.headline if user.profile else ""
    return {"id": user.id, "name": user.name, "headline": headline}


def profile_json(profile: Profile) -> dict[str, Any]:
    return serialize(profile, "user_id", "headline", "about", "location", "phone", "resume_url")


def token_json(token: ApiToken) -> dict[str, Any]:
    return serialize(token, "id", "label", "created_at", "revoked_at")
