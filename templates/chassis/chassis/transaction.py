"""One transaction around everything that a handler's sessions do.

Carved code commits where the monolith did. Inside `joined`, each of its sessions works in a
savepoint of the chassis' own transaction: its ``commit()`` releases the savepoint, its
``rollback()`` undoes its own work, and only the chassis makes it all durable, together with the
inbox row. SQLAlchemy has no event for choosing a session's connection, hence the wrapped
`Session.get_bind`.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.orm import Session

from chassis.sessions import unit_of_work

_local = threading.local()
_MARK = "_chassis_joined"
_ALL, _CALL = "chassis_calls", "chassis_call"


class NeedsItsOwn(BaseException):
    """What runs must not share its transaction. No `Exception`: carved code would handle it."""


class NeedsSavepoint(BaseException):
    """What runs is to be undone, and by itself it cannot: there is no savepoint before it."""


def alone() -> None:
    """Ask for a transaction of its own for the served function that runs now.

    To be called before anything is done that a savepoint cannot undo: where the function shares a
    transaction, it is undone and begins anew, and the next times it is alone from the beginning.
    """
    _local.alone = True
    if getattr(_local, "shared", False):
        raise NeedsItsOwn


def was_alone() -> bool:
    """Whether `alone` was called since the last time that this was asked."""
    asked: bool = getattr(_local, "alone", False)
    _local.alone = False
    return asked


def was_undone() -> bool:
    """Whether the function that ran last in `savepoint` went back to it."""
    return getattr(_local, "undone", False)


@contextmanager
def shared(connection: Connection) -> Iterator[None]:
    """The body runs several served functions in one transaction.

    Who is about to end it is `alone` instead: with it he would make durable that those after him
    are done. Raises a `DBAPIError` at the end if any of them found another way.
    """
    connection.exec_driver_sql(f"SAVEPOINT {_ALL}")
    _local.shared = True
    try:
        with _kept_open(connection):
            yield
    finally:
        _local.shared = False
    connection.exec_driver_sql(f"RELEASE SAVEPOINT {_ALL}")


@contextmanager
def _kept_open(connection: Connection) -> Iterator[None]:
    ends = _ends(connection.dialect)

    def watch(_: object, __: object, statement: str, *___: object) -> None:
        if ends.match(statement):
            alone()

    driver: Any = connection.connection.dbapi_connection
    event.listen(connection, "before_cursor_execute", watch)
    # SQLite's driver does not allow it.
    with suppress(AttributeError):
        driver.commit = driver.rollback = alone
    try:
        yield
    finally:
        event.remove(connection, "before_cursor_execute", watch)
        with suppress(AttributeError):
            del driver.commit, driver.rollback


@cache
def _ends(dialect: Dialect) -> re.Pattern[str]:
    """Statements that end a transaction, most of MySQL's without saying so."""
    words = ["COMMIT", "END", "ABORT", r"ROLLBACK(?!\s+((WORK|TRANSACTION)\s+)?TO\b)"]
    if dialect.name in {"mysql", "mariadb"}:
        words += [
            "ALTER",
            "BEGIN",
            "CREATE",
            "DROP",
            "GRANT",
            "LOCK",
            "RENAME",
            "START",
            "TRUNCATE",
        ]
    return re.compile(rf"\s*({'|'.join(words)})\b", re.IGNORECASE)


@contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """What the body does is undone when it fails, in `shared`, which releases all at its end.

    The first session that joins needs no savepoint of its own: going back to ours is the same.
    """
    connection.exec_driver_sql(f"SAVEPOINT {_CALL}")
    with _lending(connection, bare=False):
        try:
            yield
        except BaseException:
            if not connection.invalidated:
                connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {_CALL}")
            raise


@contextmanager
def trusted(connection: Connection) -> Iterator[None]:
    """As `savepoint`, for what nobody expects to be undone: without one.

    Raises `NeedsSavepoint` where it has to be: all of the transaction must begin anew.
    """
    with _lending(connection, bare=True):
        try:
            yield
        except BaseException as error:
            if _local.lender is not connection:
                raise NeedsSavepoint from error
            # No session has begun, so nothing is to be undone.
            raise
        if _local.undone:
            # What ran has handled the one that `back` raised.
            raise NeedsSavepoint


@contextmanager
def _lending(connection: Connection, *, bare: bool) -> Iterator[None]:
    _lend(connection.dialect)
    _local.lender, _local.borrower = connection, None
    _local.bare, _local.undone = bare, False
    try:
        yield
    finally:
        _local.lender = _local.borrower = None


def _lend(dialect: Dialect) -> None:
    """Have the dialect take our savepoint in the place of one that would be the same."""
    if hasattr(dialect, _MARK):
        return
    setattr(dialect, _MARK, True)
    own = dialect.do_savepoint, dialect.do_release_savepoint, dialect.do_rollback_to_savepoint

    def begin(connection: Connection, name: str) -> None:
        if getattr(_local, "lender", None) is not connection:
            return own[0](connection, name)
        # Lent until somebody has used it.
        _local.lender, _local.borrower = None, (connection, name)
        return None

    def release(connection: Connection, name: str) -> None:
        if getattr(_local, "borrower", None) != (connection, name):
            return own[1](connection, name)
        _local.borrower = None
        return None

    def back(connection: Connection, name: str) -> None:
        if getattr(_local, "borrower", None) != (connection, name):
            return own[2](connection, name)
        known, _local.undone = _local.undone, True
        if not _local.bare:
            connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {_CALL}")
            _local.lender, _local.borrower = connection, None
        elif not known:
            # Once: what closes the session on the way out would go back once more.
            raise NeedsSavepoint
        return None

    vars(dialect).update(
        do_savepoint=begin, do_release_savepoint=release, do_rollback_to_savepoint=back
    )


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
