"""The message types that a service owns, from its manifest, tables and functions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from migrator.contracts import schema, signature
from migrator.model.contract import MessageType
from migrator.model.graph import Graph, Table
from migrator.model.manifest import ServiceManifest


def message_types(
    manifest: ServiceManifest,
    others: Iterable[ServiceManifest],
    graph: Graph,
    modules: Mapping[str, ast.Module],
) -> tuple[MessageType, ...]:
    """Changes of its published tables, and what `others` ask it for; sorted by name.

    `graph` and `modules` (parsed, by name) are the monolith's or the carved service's own: the
    schemas say what that code sends and takes.
    """
    peers = [other for other in others if other.name != manifest.name]
    tables = {table.id: table for table in graph.tables}
    found = [
        *_changes(manifest, peers, tables),
        *_inserts(manifest, peers, tables),
        *_calls(manifest, peers, modules),
    ]
    return tuple(sorted(found, key=lambda message: message.name))


def of_others(service: str, types: Iterable[MessageType]) -> tuple[MessageType, ...]:
    """Of the `types` that others own, what `service` receives, or sends to them."""
    return tuple(m for m in types if m.service != service and service in m.peers)


def token(name: str) -> str:
    """`name` as one part of a channel, as the chassis writes it."""
    return re.sub(r"[^\w-]", "_", name)


def _changes(
    manifest: ServiceManifest, peers: Sequence[ServiceManifest], tables: Mapping[str, Table]
) -> Iterator[MessageType]:
    for name in manifest.published:
        table = tables.get(name)
        if table is None:
            continue
        channel = f"events.{token(manifest.name)}.{token(name)}"
        readers = _names(peer for peer in peers if dict(peer.replicas).get(name) == manifest.name)
        keys = tuple(column for column in table.columns if column.primary_key)
        for kind, row in (("upserted", schema.row(table)), ("deleted", schema.row(table, keys))):
            data = _table_data(name, row)
            yield MessageType(manifest.name, name, kind, "sent", channel, data, readers)


def _inserts(
    manifest: ServiceManifest, peers: Sequence[ServiceManifest], tables: Mapping[str, Table]
) -> Iterator[MessageType]:
    channel = f"requests.{token(manifest.name)}.insert"
    for name in manifest.owned:
        senders = [p for p in peers if dict(p.remote_inserts).get(name) == manifest.name]
        table = tables.get(name)
        if not senders or table is None:
            continue
        # What is not sent is filled in by the defaults of the owner's model, which is code.
        row = {**schema.row(table), "required": []}
        data = _table_data(name, row)
        peers_ = _names(senders)
        yield MessageType(manifest.name, name, "insert", "received", channel, data, peers_)


def _calls(
    manifest: ServiceManifest, peers: Sequence[ServiceManifest], modules: Mapping[str, ast.Module]
) -> Iterator[MessageType]:
    channel = f"requests.{token(manifest.name)}.call"
    for function in manifest.serves_events:
        senders = _names(
            peer
            for peer in peers
            if any(e.function == function and e.service == manifest.name for e in peer.emits)
        )
        data = signature.call_data(function, signature.find(function, modules))
        yield MessageType(manifest.name, function, "call", "received", channel, data, senders)


def _table_data(name: str, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"table": {"const": name}, "values": row},
        "required": ["table", "values"],
    }


def _names(manifests: Iterable[ServiceManifest]) -> tuple[str, ...]:
    return tuple(sorted({manifest.name for manifest in manifests}))
