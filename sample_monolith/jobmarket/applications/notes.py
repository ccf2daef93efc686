from sqlalchemy import select
from sqlalchemy.orm import joinedload

from jobmarket.applications.service import application_for_recruiter
from jobmarket.db import session
from jobmarket.errors import Forbidden, NotFound
from jobmarket.models import ApplicationNote, User


def notes_of(application_id: int, user: User) -> list[ApplicationNote]:
    application_for_recruiter(application_id, user)
    query = (
        select(ApplicationNote)
        .options(joinedload(ApplicationNote.author))
        .where(ApplicationNote.application_id == application_id)
        .order_by(ApplicationNote.id)
    )
    return list(session.scalars(query))


def add_note(application_id: int, user: User, body: str) -> ApplicationNote:
    application_for_recruiter(application_id, user)
    note = ApplicationNote(application_id=application_id, author_id=user.id, body=body)
    session.add(note)
    session.commit()
    return note


def delete_note(application_id: int, note_id: int, user: User) -> None:
    application_for_recruiter(application_id, user)
    note = session.get(ApplicationNote, note_id)
    if note is None or note.application_id != application_id:
        raise NotFound("no such note")
    if note.author_id != user.id:
        raise Forbidden("only who wrote a note deletes it")
    session.delete(note)
    session.commit()
