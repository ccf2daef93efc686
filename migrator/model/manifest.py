"""`service.toml`: what one generated service owns, copies, calls and serves.

Written by `scaffold`, read by `verify`, `run` and, by its own reader, the chassis.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RemoteFunction:
    """A function, ``module:name``, and the service that owns it."""

    function: str
    service: str


@dataclass(frozen=True, slots=True)
class ServiceManifest:
    """All mappings are tuples of pairs to stay hashable and ordered.

    `factory` is the application factory ``module:callable``; `models` the modules whose import
    declares every mapped class; `routes` are (method, URL rule) pairs that this service answers.
    `replicas` and `remote_inserts` map table ids to the owning service; `published` are owned
    tables that others replicate, and `subscribers` says who. `calls` and `emits` are functions of
    others that this service calls synchronously, or asks for through the outbox; `serves_calls`
    and `serves_events` are the functions here that others ask for.
    """

    name: str
    package: str
    factory: str
    models: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()
    owned: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    replicas: tuple[tuple[str, str], ...] = ()
    remote_inserts: tuple[tuple[str, str], ...] = ()
    subscribers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    calls: tuple[RemoteFunction, ...] = ()
    emits: tuple[RemoteFunction, ...] = ()
    serves_calls: tuple[str, ...] = ()
    serves_events: tuple[str, ...] = ()
