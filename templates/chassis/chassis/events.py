"""Ask another service to run a function, by a message of the caller's transaction."""

from __future__ import annotations

import threading
import weakref
from functools import cache
from typing import Any

from sqlalchemy import event
from sqlalchemy.inspection import inspect
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.orm.state import InstanceState

from chassis import codec, outbox, tables
from chassis.manifest import Manifest, load
from chassis.sessions import service_session

_begun = threading.local()


class NoSession(RuntimeError):
    """A message needs a transaction to commit with, and this thread has no session."""


def emit(function: str, /, *args: Any, **kwargs: Any) -> None:
    """Have the owner of `function` (``module:name``) run it after this transaction commits.

    Requests that name the same first argument run in the order of their commits.
    """
    manifest = _manifest()
    service = manifest.emits.get(function)
    if service is None:
        raise LookupError(f"{function}: service.toml names no owner under [emits]")
    session = current_session(manifest.package)
    data = {"function": function, "args": codec.encode(list(args)), "kwargs": codec.encode(kwargs)}
    message = outbox.Message(
        subject=outbox.request_subject(service, outbox.CALL),
        aggregatetype=function,
        aggregateid=_aggregate([*args, *kwargs.values()]),
        type=outbox.CALL,
        data=data,
    )
    outbox.append(session, [message], source=manifest.name)


def current_session(package: str) -> Session:
    """The session whose transaction the caller works in.

    It is the one that the package's modules share, else the one that began last on this thread.
    """
    shared = service_session(package)
    if shared is not None:
        return shared
    reference = getattr(_begun, "session", None)
    session: Session | None = reference() if reference is not None else None
    if session is None or not session.in_transaction():
        raise NoSession(f"no session of {package} is in a transaction on this thread")
    return session


def use_manifest(manifest: Manifest) -> None:
    """Take `manifest` instead of reading ``service.toml`` again."""
    _begun_listener()
    _held[:] = [manifest]


_held: list[Manifest] = []


def _manifest() -> Manifest:
    return _held[0] if _held else load()


def _aggregate(arguments: list[Any]) -> str:
    if not arguments:
        return "-"
    first = arguments[0]
    state = inspect(first, raiseerr=False)
    if isinstance(state, InstanceState):
        return tables.key_text([codec.encode(part) for part in state.identity or ()])
    return tables.key_text([codec.encode(first)])[:200]


@cache
def _begun_listener() -> None:
    event.listen(Session, "after_begin", _remember)


def _remember(session: Session, transaction: SessionTransaction, connection: object) -> None:
    del transaction, connection
    _begun.session = weakref.ref(session)
