"""The owner's side of `chassis.remote.call`: run a served function in one transaction."""

from __future__ import annotations

import hmac
import logging
import os
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from chassis import codec
from chassis.sessions import service_session, unit_of_work

_log = logging.getLogger("chassis.calls")


def blueprint(served: frozenset[str], package: str) -> Blueprint:
    """``POST /internal/calls/<module:function>`` for the functions of ``[serves].calls``."""
    pages = Blueprint("chassis_calls", __name__)

    @pages.post("/internal/calls/<path:function>")
    def run(function: str) -> tuple[Response, int]:
        if not is_authorized():
            return _refusal(403, "the internal token is wrong")
        if function not in served:
            return _refusal(404, f"{function} is not served here")
        return _run(function, package)

    return pages


def _run(function: str, package: str) -> tuple[Response, int]:
    payload = request.get_json(silent=True)
    if not isinstance(payload, dict):
        return _refusal(400, "the body is no JSON object")
    try:
        with unit_of_work() as sessions:
            target = _function(function, package)
            args, kwargs = _arguments(payload, package)
            result = target(*args, **kwargs)
            # Before the commit, which expires what the result may hold.
            for session in sessions:
                session.flush()
            encoded = codec.encode(result)
    except Exception as error:
        return _failure(function, error, package)
    return jsonify({"result": encoded}), 200


def _function(function: str, package: str) -> Callable[..., Any]:
    found = codec.resolve(function, package)
    if not callable(found):
        raise codec.CodecError(f"{function} is no function")
    return found  # type: ignore[no-any-return]


def _arguments(payload: dict[str, Any], package: str) -> tuple[list[Any], dict[str, Any]]:
    session = service_session(package)
    args = codec.decode(payload.get("args", []), package=package, session=session)
    kwargs = codec.decode(payload.get("kwargs", {}), package=package, session=session)
    return args, kwargs


def _failure(function: str, error: Exception, package: str) -> tuple[Response, int]:
    encoded = codec.encode_error(error)
    domain = codec.is_domain_error(encoded["$error"], package)
    if domain:
        _log.info("call raised", extra={"function": function, "error": encoded["$error"]})
    else:
        _log.exception("call failed", extra={"function": function})
    # 422: the call was carried out, its answer is an exception that the caller expects.
    return jsonify({"error": encoded}), 422 if domain else 500


def _refusal(status: int, reason: str) -> tuple[Response, int]:
    error = {"$error": "chassis.remote:RemoteCallFailed", "args": [reason], "attributes": {}}
    return jsonify({"error": error}), status


def is_authorized() -> bool:
    """Whether the request carries the token of ``CHASSIS_INTERNAL_TOKEN``, if one is set."""
    token = os.environ.get("CHASSIS_INTERNAL_TOKEN", "")
    return not token or hmac.compare_digest(request.headers.get("X-Internal-Token", ""), token)
