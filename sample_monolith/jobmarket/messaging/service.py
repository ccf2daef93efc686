from sqlalchemy import select, update

from jobmarket.billing.quota import consume_quota
from jobmarket.companies.access import is_member, recruiter_ids, require_member
from jobmarket.db import session
from jobmarket.errors import Conflict, NotFound, ValidationFailed
from jobmarket.messaging.models import Conversation, Message
from jobmarket.models import User
from jobmarket.signals import message_sent
from jobmarket.utils import excerpt, utcnow

MAX_LENGTH = 5_000


def start_conversation(application_id: int, user: User) -> Conversation:
    """The one conversation of an application; made when there is none."""
    # applications.service imports us to close conversations.
    from jobmarket.applications.service import application_for

    application = application_for(application_id, user)
    found = conversation_of(application_id)
    if found is None:
        found = Conversation(
            application_id=application_id,
            candidate_id=application.user_id,
            company_id=application.job.company_id,
            subject=application.job.title,
        )
        session.add(found)
        session.commit()
    return found


def conversation_of(application_id: int) -> Conversation | None:
    return session.scalar(select(Conversation).where(Conversation.application_id == application_id))


def open_for(conversation_id: int, user: User) -> Conversation:
    """The conversation, if the user takes part in it."""
    found = session.get(Conversation, conversation_id)
    if found is None or not (found.candidate_id == user.id or is_member(found.company_id, user.id)):
        raise NotFound("no such conversation")
    return found


def send_message(conversation_id: int, user: User, body: str) -> Message:
    conversation = open_for(conversation_id, user)
    if user.id != conversation.candidate_id:
        require_member(conversation.company_id, user)
    if conversation.closed_at is not None:
        raise Conflict("this conversation is closed")
    text = body.strip()
    if not text or len(text) > MAX_LENGTH:
        raise ValidationFailed(f"a message has 1 to {MAX_LENGTH} characters")
    consume_quota(user.id, "messages")
    message = Message(conversation_id=conversation.id, sender_id=user.id, body=text)
    session.add(message)
    session.flush()
    message_sent.send(
        "messaging",
        message_id=message.id,
        recipients=recipients_of(conversation, user.id),
        summary=excerpt(text),
    )
    session.commit()
    return message


def recipients_of(conversation: Conversation, sender_id: int) -> list[int]:
    """The other side."""
    if sender_id == conversation.candidate_id:
        return recruiter_ids(conversation.company_id)
    return [conversation.candidate_id]


def mark_read(conversation_id: int, user: User) -> int:
    """Only what the other side wrote: one does not read one's own messages."""
    conversation = open_for(conversation_id, user)
    written_by_candidate = Message.sender_id == conversation.candidate_id
    mine = user.id == conversation.candidate_id
    done = session.execute(
        update(Message)
        .where(
            Message.conversation_id == conversation_id,
            Message.read_at.is_(None),
            Message.sender_id.is_distinct_from(conversation.candidate_id)
            if mine
            else written_by_candidate,
        )
        .values(read_at=utcnow())
        .execution_options(synchronize_session=False)
    )
    session.commit()
    return done.rowcount


def close_conversation(application_id: int) -> None:
    """Does not commit: part of ending the application."""
    found = conversation_of(application_id)
    if found is not None and found.closed_at is None:
        found.closed_at = utcnow()
        session.flush()
