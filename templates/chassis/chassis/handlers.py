"""What each kind of message does here."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.orm import Session

from chassis import codec, dialects, outbox, replicas, tables
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

    def apply(self, connection: Connection, events: Sequence[dict[str, Any]]) -> list[str]:
        """Carry the messages out in the transaction of `connection`; how each went.

        Neighbours that change copies, or insert, are carried out together.
        """
        results: list[str] = []
        for act, run in groupby(events, self._act):
            results += act(connection, list(run))
        return results

    def copies(self, event: dict[str, Any], dialect: Dialect) -> bool:
        """Whether `event` is a row of which there is a copy here that a statement can write."""
        data = event.get("data")
        if event.get("kind") != outbox.UPSERTED or not isinstance(data, dict):
            return False
        table = tables.declared(self._manifest).get(data.get("table", ""))
        return table is not None and dialects.takes_arrays(dialect, table)

    def _act(
        self, event: dict[str, Any]
    ) -> Callable[[Connection, list[dict[str, Any]]], list[str]]:
        kind = event.get("kind")
        if not isinstance(event.get("data"), dict):
            raise Unknown("the message has no data")
        if kind in (outbox.UPSERTED, outbox.DELETED):
            return self._change
        if kind == outbox.INSERT:
            return self._insert
        if kind == outbox.CALL:
            return self._call
        raise Unknown(f"unknown kind {kind!r}")

    def _change(self, connection: Connection, events: list[dict[str, Any]]) -> list[str]:
        changes = [
            replicas.Change(
                self._replica(event["data"]["table"], event.get("source", "")),
                event["data"]["values"],
                int(event["sequence"]),
                event["kind"] == outbox.DELETED,
            )
            for event in events
        ]
        done = replicas.apply(connection, changes, self._manifest.package)
        return [APPLIED if newer else STALE for newer in done]

    def _replica(self, name: str, source: str) -> Table:
        owner = self._manifest.replicas.get(name)
        table = tables.declared(self._manifest).get(name)
        if owner is None or table is None or source != f"/services/{owner}":
            raise Unknown(f"{name} of {source} is no replica here")
        return table

    def _insert(self, connection: Connection, events: list[dict[str, Any]]) -> list[str]:
        instances = [self._instance(event["data"]) for event in events]
        with joined(connection), Session(connection.engine) as session:
            session.add_all(instances)
            session.commit()
        return [APPLIED] * len(events)

    def _instance(self, data: dict[str, Any]) -> object:
        name = data["table"]
        kind = tables.model(self._manifest, name)
        if name not in self._manifest.owned or kind is None:
            raise Unknown(f"{name} is not owned here")
        instance = kind()
        for key, value in data["values"].items():
            setattr(instance, key, codec.decode(value, package=self._manifest.package))
        return instance

    def _call(self, connection: Connection, events: list[dict[str, Any]]) -> list[str]:
        for event in events:
            self._run(connection, event["data"])
        return [APPLIED] * len(events)

    def _run(self, connection: Connection, data: dict[str, Any]) -> None:
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
