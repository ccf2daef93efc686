"""Finding the carved code's own database session, whose name the chassis cannot know."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction, scoped_session

_begun = threading.local()


def service_session(package: str) -> Session | None:
    """The session of this thread that the service's modules share, if there is exactly one.

    It is looked for in the loaded modules of `package`: a module-level `scoped_session`, or an
    extension object that carries one as ``.session`` (as Flask-SQLAlchemy's does).
    """
    registries = _registries(package, len(sys.modules))
    session = registries[0]() if len(registries) == 1 else None
    return session if isinstance(session, Session) else None


@cache
def _registries(package: str, _modules: int) -> tuple[Any, ...]:
    found: dict[int, Any] = {}
    for name, module in list(sys.modules.items()):
        if name == package or name.startswith(f"{package}."):
            for value in list(vars(module).values()):
                registry = _registry(value)
                if registry is not None:
                    found[id(registry)] = registry
    return tuple(found.values())


@contextmanager
def unit_of_work() -> Iterator[list[Session]]:
    """Collects the sessions that begin on this thread; commits them, or rolls all back."""
    if not event.contains(Session, "after_begin", _remember):
        event.listen(Session, "after_begin", _remember)
    sessions: list[Session] = []
    outer = getattr(_begun, "sessions", None)
    _begun.sessions = sessions
    try:
        yield sessions
        for session in sessions:
            if session.in_transaction():
                session.commit()
    except BaseException:
        for session in sessions:
            session.rollback()
        raise
    finally:
        _begun.sessions = outer


def _registry(value: object) -> object | None:
    # Asking a context-bound proxy (Flask's `request`) for its class or members raises outside of
    # a request: only the object itself is looked at.
    kind = type(value)
    if issubclass(kind, scoped_session):
        return value
    if issubclass(kind, type) or not hasattr(kind, "__dict__"):
        return None
    try:
        members = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return None
    held = members.get("session") if isinstance(members, dict) else None
    return held if issubclass(type(held), scoped_session) else None


def _remember(session: Session, transaction: SessionTransaction, connection: object) -> None:
    del transaction, connection
    sessions = getattr(_begun, "sessions", None)
    if sessions is not None and session not in sessions:
        sessions.append(session)
