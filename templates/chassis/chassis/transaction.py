"""One transaction around everything that a handler's sessions do.

Carved code commits where the monolith did. Inside `joined`, each of its sessions works in a
savepoint of the chassis' own transaction: its ``commit()`` releases the savepoint, its
``rollback()`` undoes its own work, and only the chassis makes it all durable, together with the
inbox row. SQLAlchemy has no event for choosing a session's connection, hence the wrapped
`Session.get_bind`.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from chassis.sessions import unit_of_work

_local = threading.local()
_MARK = "_chassis_joined"


@contextmanager
def joined(connection: Connection) -> Iterator[None]:
    """Sessions of this thread join the open transaction of `connection`."""
    _wrap(Session)
    _local.connection = connection
    begun: list[Session] = []
    # Of those that could not even begin no event tells.
    joining: list[Session] = []
    _local.joining = joining
    try:
        with unit_of_work() as begun:
            yield
    finally:
        _local.connection = None
        for session in {*begun, *joining}:
            # Else the thread's next user would find a session on a connection that is gone.
            session.close()


def _wrap(kind: type[Session]) -> None:
    """Wrap `get_bind` of `kind` and of every subclass that has its own."""
    for found in (kind, *_subclasses(kind)):
        own = vars(found).get("get_bind")
        if own is not None and not hasattr(own, _MARK):
            setattr(found, "get_bind", _joining(own))  # noqa: B010


def _subclasses(kind: type[Session]) -> Iterator[type[Session]]:
    for found in kind.__subclasses__():
        yield found
        yield from _subclasses(found)


def _joining(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def get_bind(self: Session, *args: Any, **kwargs: Any) -> Engine | Connection:
        bind: Engine | Connection = original(self, *args, **kwargs)
        connection: Connection | None = getattr(_local, "connection", None)
        if connection is None or not _same_database(bind, connection):
            return bind
        if self not in _local.joining:
            _local.joining.append(self)
        self.join_transaction_mode = "create_savepoint"
        return connection

    setattr(get_bind, _MARK, True)
    return get_bind


def _same_database(bind: Engine | Connection, connection: Connection) -> bool:
    one, other = bind.engine.url, connection.engine.url
    # Compared without driver and user, which an application may spell in its own way.
    return (one.host, one.port, one.database, one.query.get("host")) == (
        other.host,
        other.port,
        other.database,
        other.query.get("host"),
    )
