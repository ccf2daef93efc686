"""Spans of messages: one trace from the request to the consumer's SQL, with a link besides."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import propagate, trace
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from chassis import attributes

_tracer = trace.get_tracer("chassis.messaging")
# The outbox has columns for these headers and no others.
_w3c = TraceContextTextMapPropagator()


@dataclass(frozen=True, slots=True)
class About:
    """The message that a span is about."""

    system: str
    subject: str
    partition: int
    identity: str
    carrier: Mapping[str, str]

    @property
    def traced(self) -> bool:
        """Whether its trace was sampled: the lowest bit of the flags, which are hexadecimal."""
        flags = self.carrier.get("traceparent", "")[-1:]
        return flags != "" and flags in "13579bdf"

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


def publishing(about: About) -> tuple[Span | None, Mapping[str, str]]:
    """The relay's span, a child of the one that appended, to be ended; and the headers to send.

    Where nobody traced the append, or its trace was not sampled, there is no span: it would cost
    more than the publishing and belong to nothing. The writer's context travels on.
    """
    if not about.traced:
        return None, about.carrier
    context = _w3c.extract(about.carrier)
    span = _tracer.start_span(
        f"send {about.subject}", context, SpanKind.PRODUCER, about.attributes("send")
    )
    if not span.is_recording():
        return None, about.carrier
    headers: dict[str, str] = {}
    _w3c.inject(headers, trace.set_span_in_context(span, context))
    return span, headers


def published(span: Span | None, error: BaseException | None = None) -> None:
    """End a span of `publishing`."""
    if span is not None:
        if error is not None:
            span.record_exception(error)
            span.set_status(StatusCode.ERROR, str(error))
        span.end()


@contextmanager
def processing(about: About, consumer: str) -> Iterator[Span]:
    """The consumer's span: it continues the producer's trace, and links to its span."""
    span = _processing(about, consumer, ())
    with trace.use_span(span, end_on_exit=True):
        yield span


@contextmanager
def batch(consumer: str, messages: Sequence[About]) -> Iterator[None]:
    """The span of one transaction that applies several messages; each has its own, linked to it.

    Only those that are traced have one.
    """
    traced = [about for about in messages if about.traced]
    if not traced:
        yield
        return
    began = time.time_ns()
    with _tracer.start_as_current_span(
        f"apply {consumer}",
        attributes={attributes.CONSUMER_GROUP: consumer, attributes.BATCH_SIZE: len(messages)},
    ) as span:
        yield
    together = Link(span.get_span_context())
    for about in traced:
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
