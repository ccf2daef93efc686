"""The receiving side where there is no broker: the peers' relays post to the web process."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, Response, jsonify, request

from chassis.brokers.http import ID, PARTITION, PATH, SUBJECT
from chassis.brokers.port import Incoming
from chassis.calls import is_authorized
from chassis.processor import Processor


def blueprint(processor: Processor) -> Blueprint:
    """``POST /internal/inbox``: 200 when the message is decided, 503 to have it sent again."""
    pages = Blueprint("chassis_deliveries", __name__)

    @pages.post(PATH)
    def receive() -> tuple[Response, int]:
        if not is_authorized():
            return jsonify({"error": "the internal token is wrong"}), 403
        identity, subject = request.headers.get(ID, ""), request.headers.get(SUBJECT, "")
        partition = request.headers.get(PARTITION, "")
        if not (identity and subject and partition.isdigit()):
            return jsonify({"error": f"{ID}, {SUBJECT} and {PARTITION} are needed"}), 400
        names = ("traceparent", "tracestate")
        headers = {name: request.headers[name] for name in names if name in request.headers}
        message = Incoming(identity, subject, int(partition), request.get_data(), headers)
        try:
            [result] = processor.process([message])
        except (sa.exc.DBAPIError, sa.exc.TimeoutError):
            return jsonify({"error": "the database does not answer"}), 503
        return jsonify({"result": result}), 200

    return pages
