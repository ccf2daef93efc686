"""Spans of messages: one trace from the request to the consumer's SQL, with a link besides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import propagate, trace
from opentelemetry.trace import Link, Span, SpanKind

from chassis import attributes

_tracer = trace.get_tracer("chassis.messaging")


@contextmanager
def publishing(subject: str, identity: str, carrier: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The relay's span, a child of the one that appended; yields the headers to send."""
    with _tracer.start_as_current_span(
        f"send {subject}",
        context=propagate.extract(carrier),
        kind=SpanKind.PRODUCER,
        attributes=_attributes(subject, identity, "send"),
    ):
        headers: dict[str, str] = {}
        propagate.inject(headers)
        # Without a sampled span here, the writer's own context travels on.
        yield headers or dict(carrier)


@contextmanager
def processing(
    subject: str, identity: str, carrier: Mapping[str, str], consumer: str
) -> Iterator[Span]:
    """The consumer's span: it continues the producer's trace, and links to its span."""
    context = propagate.extract(carrier)
    producer = trace.get_current_span(context).get_span_context()
    with _tracer.start_as_current_span(
        f"process {subject}",
        context=context,
        kind=SpanKind.CONSUMER,
        links=[Link(producer)] if producer.is_valid else [],
        attributes={
            **_attributes(subject, identity, "process"),
            attributes.CONSUMER_GROUP: consumer,
        },
    ) as span:
        yield span


def _attributes(subject: str, identity: str, operation: str) -> dict[str, str]:
    return {
        attributes.SYSTEM: "nats",
        attributes.DESTINATION: subject,
        attributes.MESSAGE_ID: identity,
        attributes.OPERATION: operation,
        attributes.OPERATION_NAME: operation,
    }
