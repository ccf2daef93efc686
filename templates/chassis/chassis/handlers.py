"""What each kind of message does here."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.orm import Session

from chassis import codec, outbox, replicas, tables
from chassis.manifest import Manifest
from chassis.sessions import service_session
from chassis.transaction import joined

APPLIED, STALE = "applied", "stale"


class Unknown(ValueError):
    """The message can never be applied here: no use in trying again."""


class Handlers:
    """`around` makes the context that served functions run in, such as the application's."""

    def __init__(
        self,
        manifest: Manifest,
        around: Callable[[], AbstractContextManager[object]] | None = None,
    ) -> None:
        self._manifest = manifest
        self.around: Callable[[], AbstractContextManager[object]] = around or nullcontext
        # One loop for all: what an async handler keeps (clients, pools) is bound to it.
        self._runner: asyncio.Runner | None = None

    def apply(self, connection: Connection, event: dict[str, Any]) -> str:
        """Carry the message out in the transaction of `connection`; how it went."""
        kind, data = event.get("kind"), event.get("data")
        if not isinstance(data, dict):
            raise Unknown("the message has no data")
        if kind in (outbox.UPSERTED, outbox.DELETED):
            return self._change(connection, event, data)
        if kind == outbox.INSERT:
            return self._insert(connection, data)
        if kind == outbox.CALL:
            return self._call(connection, data)
        raise Unknown(f"unknown kind {kind!r}")

    def _change(self, connection: Connection, event: dict[str, Any], data: dict[str, Any]) -> str:
        table = self._replica(data["table"], event.get("source", ""))
        act = replicas.upsert if event["kind"] == outbox.UPSERTED else replicas.delete
        version, package = int(event["sequence"]), self._manifest.package
        done = act(connection, table, data["values"], version, package)
        return APPLIED if done else STALE

    def _replica(self, name: str, source: str) -> Table:
        owner = self._manifest.replicas.get(name)
        table = tables.declared(self._manifest).get(name)
        if owner is None or table is None or source != f"/services/{owner}":
            raise Unknown(f"{name} of {source} is no replica here")
        return table

    def _insert(self, connection: Connection, data: dict[str, Any]) -> str:
        name = data["table"]
        kind = tables.model(self._manifest, name)
        if name not in self._manifest.owned or kind is None:
            raise Unknown(f"{name} is not owned here")
        package = self._manifest.package
        instance = kind()
        for key, value in data["values"].items():
            setattr(instance, key, codec.decode(value, package=package))
        with joined(connection), Session(connection.engine) as session:
            session.add(instance)
            session.commit()
        return APPLIED

    def _call(self, connection: Connection, data: dict[str, Any]) -> str:
        name, package = data["function"], self._manifest.package
        if name not in self._manifest.serves_events:
            raise Unknown(f"{name} is not served here")
        function = codec.resolve(name, package)
        with joined(connection):
            session = service_session(package)
            args = codec.decode(data["args"], package=package, session=session)
            kwargs = codec.decode(data["kwargs"], package=package, session=session)
            result = function(*args, **kwargs)
            if inspect.iscoroutine(result):
                self._runner = self._runner or asyncio.Runner()
                self._runner.run(result)
        return APPLIED
