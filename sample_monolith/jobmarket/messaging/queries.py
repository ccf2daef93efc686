from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import joinedload

from jobmarket.companies.access import company_ids_of
from jobmarket.db import session
from jobmarket.messaging.models import Conversation, Message


def conversations_query(user_id: int) -> Select[Any]:
    return (
        select(Conversation)
        .options(joinedload(Conversation.candidate), joinedload(Conversation.company))
        .where(
            or_(
                Conversation.candidate_id == user_id,
                Conversation.company_id.in_(company_ids_of(user_id)),
            )
        )
        .order_by(Conversation.id.desc())
    )


def messages_query(conversation_id: int) -> Select[Any]:
    return (
        select(Message)
        .options(joinedload(Message.sender))
        .where(Message.conversation_id == conversation_id)
        .order_by(Message.id)
    )


def count_unread(user_id: int) -> int:
    """Messages of the other side that nobody on this side has read."""
    from_company = and_(
        Conversation.candidate_id == user_id,
        Message.sender_id.is_distinct_from(Conversation.candidate_id),
    )
    from_candidate = and_(
        Conversation.company_id.in_(company_ids_of(user_id)),
        Message.sender_id == Conversation.candidate_id,
    )
    query = (
        select(func.count(Message.id))
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Message.read_at.is_(None), or_(from_company, from_candidate))
    )
    return session.scalar(query) or 0
