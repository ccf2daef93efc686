"""No broker: the relay posts each message to the inboxes of those whom it is for.

A request goes to its service, a change to the services that ``[tables.subscribers]`` of
``service.toml`` names. The answer comes when the message is decided there, so a peer that is down
holds up what is for it, and the copies that others have of the same rows.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress

import httpx

from chassis import manifest
from chassis.brokers.port import (
    DestinationUnavailable,
    Incoming,
    Outgoing,
    Rejected,
)
from chassis.outbox import change_subject, token
from chassis.settings import Settings

PATH = "/internal/inbox"
ID, SUBJECT, PARTITION = "X-Message-Id", "X-Message-Subject", "X-Message-Partition"
# The peer will not take this message, now or later.
_REFUSALS = (400, 413, 422)


async def connect(settings: Settings) -> Http:
    """Nothing is connected before the first message."""
    own = manifest.load()
    names = own.subscribers.items()
    return Http(settings, {change_subject(own.name, table): peers for table, peers in names})


class Http:
    """The broker port; `subscribers` maps subjects of changes to services."""

    system = "http"

    def __init__(self, settings: Settings, subscribers: Mapping[str, Sequence[str]]) -> None:
        self._subscribers = subscribers
        self._client = httpx.AsyncClient(timeout=settings.publish_timeout)

    async def close(self) -> None:
        """Close the connections."""
        with suppress(httpx.HTTPError):
            await self._client.aclose()

    async def publish(self, message: Outgoing) -> None:
        """Post to everyone whom the message is for; all must have decided it."""
        headers = {
            **message.headers,
            "Content-Type": "application/cloudevents+json",
            ID: message.id,
            SUBJECT: message.subject,
            PARTITION: str(message.partition),
        }
        if secret := os.environ.get("CHASSIS_INTERNAL_TOKEN"):
            headers["X-Internal-Token"] = secret
        for service in self._peers(message.subject):
            await self._post(service, message.body, headers)

    async def read(
        self, consumer: str, subjects: Sequence[str], positions: Mapping[int, str]
    ) -> HttpReader:
        """Messages come to the web process: there is nothing to read."""
        del consumer, subjects, positions
        return HttpReader()

    def _peers(self, subject: str) -> Sequence[str]:
        kind, service = subject.split(".")[:2]
        return [service] if kind == "requests" else self._subscribers.get(subject, ())

    async def _post(self, service: str, body: bytes, headers: Mapping[str, str]) -> None:
        variable = f"SERVICE_URL_{token(service).upper().replace('-', '_')}"
        url = os.environ.get(variable)
        if not url:
            raise DestinationUnavailable(f"{variable} is not set")
        try:
            answer = await self._client.post(
                f"{url.rstrip('/')}{PATH}", content=body, headers=dict(headers)
            )
        except httpx.HTTPError as error:
            raise DestinationUnavailable(f"{service}: {error!r}") from error
        if answer.status_code in _REFUSALS:
            raise Rejected(f"{service} answered {answer.status_code}: {answer.text[:200]}")
        if answer.status_code != 200:
            raise DestinationUnavailable(f"{service} answered {answer.status_code}")


class HttpReader:
    """Never has anything."""

    async def fetch(self, limit: int, wait: float) -> list[Incoming]:
        """Empty, after `wait` seconds."""
        del limit
        await asyncio.sleep(wait)
        return []

    async def done(self, messages: Sequence[Incoming]) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""
