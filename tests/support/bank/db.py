"""One session for all, as monoliths have it."""

from sqlalchemy.orm import DeclarativeBase, scoped_session, sessionmaker


class Base(DeclarativeBase):
    pass


session = scoped_session(sessionmaker())
