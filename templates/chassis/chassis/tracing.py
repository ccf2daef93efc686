"""Spans of messages: one trace from the request to the consumer's SQL, with a link besides."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
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
    carrier: Mapping[str, str]

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
def publishing(about: About) -> Iterator[dict[str, str]]:
    """The relay's span, a child of the one that appended; yields the headers to send."""
    with _tracer.start_as_current_span(
        f"send {about.subject}",
        context=propagate.extract(about.carrier),
        kind=SpanKind.PRODUCER,
        attributes=about.attributes("send"),
    ):
        headers: dict[str, str] = {}
        propagate.inject(headers)
        # Without a sampled span here, the writer's own context travels on.
        yield headers or dict(about.carrier)


@contextmanager
def processing(about: About, consumer: str) -> Iterator[Span]:
    """The consumer's span: it continues the producer's trace, and links to its span."""
    span = _processing(about, consumer, ())
    with trace.use_span(span, end_on_exit=True):
        yield span


@contextmanager
def batch(consumer: str, messages: Sequence[About]) -> Iterator[Span]:
    """The span of one transaction that applies several messages; each has its own, linked to it."""
    began = time.time_ns()
    with _tracer.start_as_current_span(
        f"apply {consumer}",
        attributes={attributes.CONSUMER_GROUP: consumer, attributes.BATCH_SIZE: len(messages)},
    ) as span:
        yield span
    together = Link(span.get_span_context())
    for about in messages:
        _processing(about, consumer, (together,), began).end()


def _processing(
    about: About, consumer: str, links: Sequence[Link], began: int | None = None
) -> Span:
    context = propagate.extract(about.carrier)
    producer = trace.get_current_span(context).get_span_context()
    return _tracer.start_span(
        f"process {about.subject}",
        context=context,
        kind=SpanKind.CONSUMER,
        links=[Link(producer), *links] if producer.is_valid else links,
        attributes=about.attributes("process") | {attributes.CONSUMER_GROUP: consumer},
        start_time=began,
    )
