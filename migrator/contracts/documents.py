"""The files below ``contracts/``: a JSON Schema a message type, an AsyncAPI document a service."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from migrator.contracts.messages import of_others
from migrator.model.contract import MessageType

DRAFT = "http://json-schema.org/draft-07/schema#"
ENVELOPE = "cloudevents.json"
_TRACE = {
    "traceparent": {
        "type": "string",
        "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
    },
    "tracestate": {"type": "string"},
}


def contract_files(
    types: Iterable[MessageType], services: Iterable[str], purposes: Mapping[str, str]
) -> dict[str, str]:
    """Text by path below ``contracts/`` for each of `services`; `types` are those of all."""
    everything = tuple(types)
    files = {ENVELOPE: _text({"$schema": DRAFT, **envelope()})}
    for service in services:
        own = [message for message in everything if message.service == service]
        files |= {message.path: _text(document(message)) for message in own}
        name = f"{service}/asyncapi.json"
        files[name] = _text(asyncapi(service, everything, purposes.get(service, "")))
    return files


def envelope() -> dict[str, Any]:
    """The CloudEvents 1.0 attributes that every message has, ours by extension among them."""
    return {
        "title": "CloudEvent",
        "description": "CloudEvents 1.0 in structured mode, as the outbox writes it. "
        "`sequence` counts the messages of one aggregate (`aggregate`, `subject`).",
        "type": "object",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "minLength": 1},
            "source": {"type": "string", "pattern": "^/services/[^/]+$"},
            "type": {"type": "string", "minLength": 1},
            "subject": {"type": "string"},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "sequence": {"type": "string", "pattern": "^[0-9]+$"},
            "kind": {"enum": ["upserted", "deleted", "insert", "call"]},
            "aggregate": {"type": "string"},
            "data": {"type": "object"},
            **_TRACE,
        },
        "required": ["specversion", "id", "source", "type", "time", "sequence", "kind", "data"],
    }


def document(message: MessageType) -> dict[str, Any]:
    """The JSON Schema of one type: the envelope, and what the type says of it and of the data."""
    return {
        "$schema": DRAFT,
        "title": message.name,
        "description": _described(message),
        "x-service": message.service,
        "x-version": 1,
        "x-channel": message.channel,
        "allOf": [{"$ref": f"../{ENVELOPE}"}],
        **_specific(message),
    }


def asyncapi(service: str, types: tuple[MessageType, ...], purpose: str) -> dict[str, Any]:
    """The AsyncAPI 3.0 document of `service`: what it sends and receives, its own and others'.

    Nothing outside of it is referred to, so that any tool can read it alone.
    """
    channels: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    own = tuple(message for message in types if message.service == service)
    for message in (*own, *of_others(service, types)):
        sends = (message.direction == "sent") == (message.service == service)
        place, name = _key(message.channel), _key(message.name)
        channel = channels.setdefault(place, _channel(message))
        channel["messages"][name] = {"$ref": f"#/components/messages/{name}"}
        messages[name] = _message(message)
        action = "send" if sends else "receive"
        operation = operations.setdefault(
            f"{action}-{place}",
            {"action": action, "channel": {"$ref": f"#/channels/{place}"}, "messages": []},
        )
        operation["messages"].append({"$ref": f"#/channels/{place}/messages/{name}"})
    return {
        "asyncapi": "3.0.0",
        "id": f"urn:migrator:{quote(service, safe='')}:messages",
        "info": {
            "title": f"{service}: messages",
            "version": "1.0.0",
            "description": purpose or f"What {service} sends and receives.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": {"CloudEvent": envelope()}},
    }


def _channel(message: MessageType) -> dict[str, Any]:
    about = f"Belongs to {message.service}."
    return {"address": message.channel, "description": about, "messages": {}}


def _message(message: MessageType) -> dict[str, Any]:
    return {
        "name": message.name,
        "title": message.name,
        "summary": _described(message),
        "contentType": "application/cloudevents+json",
        "headers": {"type": "object", "properties": _TRACE},
        "payload": {
            "allOf": [{"$ref": "#/components/schemas/CloudEvent"}, _specific(message)],
        },
    }


def _specific(message: MessageType) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "type": {"const": message.name},
        "kind": {"const": message.kind},
        "data": message.data,
    }
    if message.direction == "sent":
        properties["source"] = {"const": f"/services/{message.service}"}
    return {"type": "object", "properties": properties}


def _described(message: MessageType) -> str:
    owner, what = message.service, message.what
    return {
        "upserted": f"A row of {what} as {owner} now has it.",
        "deleted": f"A row of {what} is gone; its key.",
        "insert": f"Asks {owner} for a new row of {what}; its defaults fill in the rest.",
        "call": f"Asks {owner} to run {what}, some time after the sender's commit.",
    }[message.kind]


def _key(name: str) -> str:
    """`name` as AsyncAPI and JSON pointers take it."""
    return re.sub(r"[^\w.-]", ".", name)


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
