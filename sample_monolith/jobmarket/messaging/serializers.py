from typing import Any

from jobmarket.messaging.models import Conversation, Message
from jobmarket.utils import serialize


def conversation_json(conversation: Conversation) -> dict[str, Any]:
    data = serialize(conversation, "id", "application_id", "subject", "closed_at", "created_at")
    data["candidate"] = {"id": conversation.candidate_id, "name": conversation.candidate.name}
    data["company"] = {"id": conversation.company_id, "name": conversation.company.name}
    return data


def message_json(message: Message) -> dict[str, Any]:
    data = serialize(message, "id", "sender_id", "body", "read_at", "created_at")
    data["sender"] = message.sender.name if message.sender else "(deleted)"
    return data
