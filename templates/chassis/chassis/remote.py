"""Functions that another service owns: called over HTTP, or asked for through the outbox.

A carved module keeps the function's signature; its body is `call` (wait for the result, raise
what the function raised) or `emit` (a message that commits with the caller's transaction).
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from functools import cache
from typing import Any

import httpx

from chassis import codec
from chassis.events import emit
from chassis.manifest import Manifest, load
from chassis.sessions import service_session
from chassis.transaction import alone

__all__ = [
    "ManualDecisionRequired",
    "RemoteCallFailed",
    "call",
    "emit",
    "post_call",
    "service_url",
]

_ATTEMPTS = 3
_CONNECT_SECONDS = 2.0


class ManualDecisionRequired(RuntimeError):
    """This code changes what another service owns: a person must decide how (see the plan)."""


class RemoteCallFailed(RuntimeError):
    """The call could not be made, or failed at its owner in a way that has no class here."""

    def __init__(self, function: str, service: str, reason: str) -> None:
        super().__init__(f"{function} at {service}: {reason}")
        self.function = function
        self.service = service
        self.reason = reason


def call(function: str, /, *args: Any, **kwargs: Any) -> Any:
    """Call `function` (``module:name``) at the service that owns it and return its result.

    An exception of the package that the function raised there is raised here. The owner commits
    its own transaction before it answers: what it wrote stays when the caller rolls back later.
    """
    manifest = _manifest()
    service = manifest.calls.get(function)
    if service is None:
        raise RemoteCallFailed(function, "?", "service.toml names no owner under [calls]")
    body = {"args": codec.encode(list(args)), "kwargs": codec.encode(kwargs)}
    response = post_call(service, function, body)
    return _result(response, function, service, manifest.package)


def post_call(service: str, function: str, body: dict[str, Any]) -> httpx.Response:
    """Send one call; again only while the connection is refused, since then nothing was done."""
    # Else the peer may wait for what the functions that ran before in our transaction hold.
    alone()
    url = f"{service_url(service)}/internal/calls/{function}"
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    if token := os.environ.get("CHASSIS_INTERNAL_TOKEN"):
        headers["X-Internal-Token"] = token
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _client().post(url, json=body, headers=headers)
        except httpx.ConnectError as error:
            if attempt == _ATTEMPTS:
                raise RemoteCallFailed(function, service, "the connection is refused") from error
            time.sleep(0.1 * 2**attempt)
        except httpx.TimeoutException as error:
            raise RemoteCallFailed(function, service, "no answer in time") from error
        except httpx.HTTPError as error:
            raise RemoteCallFailed(function, service, repr(error)) from error
    raise AssertionError("unreachable")


def service_url(service: str) -> str:
    """The base URL of `service`, from ``SERVICE_URL_<NAME>``."""
    variable = f"SERVICE_URL_{service.upper().replace('-', '_')}"
    url = os.environ.get(variable)
    if not url:
        raise RemoteCallFailed("call", service, f"{variable} is not set")
    return url.rstrip("/")


def _result(response: httpx.Response, function: str, service: str, package: str) -> Any:
    try:
        payload = response.json()
    except ValueError:
        payload = None
    if not isinstance(payload, dict) or not payload.keys() & {"result", "error"}:
        raise RemoteCallFailed(function, service, f"answered {response.status_code}")
    if "result" in payload:
        return codec.decode(payload["result"], package=package, session=service_session(package))
    raise _error(payload["error"], function, service, package)


def _error(data: dict[str, Any], function: str, service: str, package: str) -> Exception:
    name = str(data.get("$error", "?"))
    if codec.is_domain_error(name, package):
        try:
            error = codec.decode(data, package=package)
        except (codec.CodecError, TypeError):
            error = None
        if isinstance(error, Exception):
            return error
    reason = f"{name}: {', '.join(str(part) for part in data.get('args', ()))}"
    return RemoteCallFailed(function, service, reason)


@cache
def _manifest() -> Manifest:
    return load()


_local = threading.local()


def _client() -> httpx.Client:
    """One connection pool a thread: gthread workers never wait for each other's calls."""
    client: httpx.Client | None = getattr(_local, "client", None)
    if client is None:
        seconds = float(os.environ.get("CHASSIS_CALL_TIMEOUT", "10"))
        client = httpx.Client(timeout=httpx.Timeout(seconds, connect=_CONNECT_SECONDS))
        _local.client = client
    return client
