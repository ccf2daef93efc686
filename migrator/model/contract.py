"""Contracts: what a message between services looks like, whoever sends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Direction = Literal["sent", "received"]
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MessageType:
    """One type of message that `service` owns: it sends it (a change of its rows), or receives it
    (others ask it for something).

    `what` is the table id or the function (``module:name``); `kind` is ``upserted``, ``deleted``,
    ``insert`` or ``call``; `channel` is the subject at the broker; `data` is the JSON Schema
    (draft 07) of the CloudEvent's data. `peers` are the services at the other end that the plan
    or the workspace knows.
    """

    service: str
    what: str
    kind: str
    direction: Direction
    channel: str
    data: Schema
    peers: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The CloudEvents type."""
        return f"{self.what}.{self.kind}"

    @property
    def path(self) -> str:
        """Where its JSON Schema lies, below ``contracts/``."""
        return f"{self.service}/{self.name.replace(':', '.')}.json"


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract as it was agreed on: the document of one type, read from `path`."""

    path: str
    text: str
    document: Schema

    @property
    def service(self) -> str:
        return str(self.document.get("x-service", ""))

    @property
    def name(self) -> str:
        return str(self.document.get("title", ""))

    @property
    def version(self) -> int:
        found = self.document.get("x-version", 1)
        return found if isinstance(found, int) else 1

    @property
    def data(self) -> Schema:
        found = self.document.get("properties", {}).get("data", {})
        return found if isinstance(found, Mapping) else {}

    def line_of(self, field: str) -> int:
        """The first line that names `field`, else 1."""
        lines = enumerate(self.text.splitlines(), 1)
        return next((number for number, line in lines if f'"{field}":' in line), 1)
