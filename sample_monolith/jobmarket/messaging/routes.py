from typing import Any

from flask import Blueprint

from jobmarket.messaging import queries, service
from jobmarket.messaging.serializers import conversation_json, message_json
from jobmarket.security import current_user, login_required
from jobmarket.utils import json_body, paginate

bp = Blueprint("messaging", __name__)


@bp.get("/api/conversations")
@login_required
def list_conversations() -> Any:
    page = paginate(queries.conversations_query(current_user().id))
    return {**page, "items": [conversation_json(found) for found in page["items"]]}


@bp.get("/api/conversations/unread-count")
@login_required
def unread_count() -> Any:
    return {"unread": queries.count_unread(current_user().id)}


@bp.post("/api/applications/<int:application_id>/conversation")
@login_required
def start(application_id: int) -> Any:
    return conversation_json(service.start_conversation(application_id, current_user())), 201


@bp.get("/api/conversations/<int:conversation_id>")
@login_required
def show(conversation_id: int) -> Any:
    return conversation_json(service.open_for(conversation_id, current_user()))


@bp.get("/api/conversations/<int:conversation_id>/messages")
@login_required
def list_messages(conversation_id: int) -> Any:
    service.open_for(conversation_id, current_user())
    page = paginate(queries.messages_query(conversation_id))
    return {**page, "items": [message_json(message) for message in page["items"]]}


@bp.post("/api/conversations/<int:conversation_id>/messages")
@login_required
def send(conversation_id: int) -> Any:
    body = str(json_body("body")["body"])
    return message_json(service.send_message(conversation_id, current_user(), body)), 201


@bp.post("/api/conversations/<int:conversation_id>/read")
@login_required
def read(conversation_id: int) -> Any:
    return {"read": service.mark_read(conversation_id, current_user())}
