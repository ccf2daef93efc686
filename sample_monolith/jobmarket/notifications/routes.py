from typing import Any

from flask import Blueprint, request

from jobmarket.errors import ValidationFailed
from jobmarket.notifications import preferences, queries, service
from jobmarket.notifications.serializers import notification_json, preference_json
from jobmarket.security import current_user, login_required
from jobmarket.utils import json_body, paginate

bp = Blueprint("notifications", __name__, url_prefix="/api/notifications")


@bp.get("")
@login_required
def list_notifications() -> Any:
    unread = request.args.get("unread") == "1"
    query = queries.notifications_query(current_user().id, request.args.get("kind"), unread)
    page = paginate(query)
    return {**page, "items": [notification_json(found) for found in page["items"]]}


@bp.get("/unread-count")
@login_required
def unread_count() -> Any:
    return {"unread": queries.count_unread(current_user().id)}


@bp.post("/<int:notification_id>/read")
@login_required
def read(notification_id: int) -> Any:
    return notification_json(service.mark_read(current_user().id, notification_id))


@bp.post("/read-all")
@login_required
def read_all() -> Any:
    return {"read": service.mark_all_read(current_user().id)}


@bp.delete("/<int:notification_id>")
@login_required
def delete(notification_id: int) -> Any:
    service.remove(current_user().id, notification_id)
    return "", 204


@bp.get("/preferences")
@login_required
def list_preferences() -> Any:
    return {"items": preferences.preferences_of(current_user().id)}


@bp.put("/preferences/<kind>")
@login_required
def change_preference(kind: str) -> Any:
    body = json_body()
    chosen = {name: body.get(name, True) for name in ("in_app", "email")}
    if not all(isinstance(value, bool) for value in chosen.values()):
        raise ValidationFailed("in_app and email are true or false")
    return preference_json(preferences.set_preference(current_user().id, kind, **chosen))
