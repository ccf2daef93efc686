"""Spans of messages: one trace from the request to the consumer's SQL, with a link besides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import propagate, trace
from opentelemetry.trace import Link, Span, SpanKind

from chassis import attributes

_tracer = trace.get_tracer("chassis.messaging")


@dataclass(frozen=True, slots=True)
class About:
    """The message that a span is about."""

    system: str
    subject: str
    partition: int
    identity: str

    def attributes(self, operation: str) -> dict[str, str]:
        """The messaging attributes of a span of `operation`."""
        return {
            attributes.SYSTEM: self.system,
            attributes.DESTINATION: self.subject,
            attributes.DESTINATION_PARTITION: str(self.partition),
            attributes.MESSAGE_ID: self.identity,
            attributes.OPERATION: operation,
            attributes.OPERATION_NAME: operation,
        }


@contextmanager
def publishing(about: About, carrier: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The relay's span, a child of the one that appended; yields the headers to send."""
    with _tracer.start_as_current_span(
        f"send {about.subject}",
        context=propagate.extract(carrier),
        kind=SpanKind.PRODUCER,
        attributes=about.attributes("send"),
    ):
        headers: dict[str, str] = {}
        propagate.inject(headers)
        # Without a sampled span here, the writer's own context travels on.
        yield headers or dict(carrier)


@contextmanager
def processing(about: About, carrier: Mapping[str, str], consumer: str) -> Iterator[Span]:
    """The consumer's span: it continues the producer's trace, and links to its span."""
    context = propagate.extract(carrier)
    producer = trace.get_current_span(context).get_span_context()
    with _tracer.start_as_current_span(
        f"process {about.subject}",
        context=context,
        kind=SpanKind.CONSUMER,
        links=[Link(producer)] if producer.is_valid else [],
        attributes=about.attributes("process") | {attributes.CONSUMER_GROUP: consumer},
    ) as span:
        yield span


@contextmanager
def batch(consumer: str, size: int) -> Iterator[Span]:
    """The span of a transaction that applies several messages; each has one of its own in it."""
    with _tracer.start_as_current_span(
        f"apply {consumer}",
        attributes={attributes.CONSUMER_GROUP: consumer, attributes.BATCH_SIZE: size},
    ) as span:
        yield span
