"""Spans of what has no children, made once it has ended: statements of a database.

OpenTelemetry's span can be changed while it lives, by any thread: it copies and checks its
attributes, locks, and is copied once more at its end. A statement needs nothing of that, there are
many in each request, and its span cost as much as all else that the chassis does for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode

from . import encode
from .durations import Place
from .wire import Fixed

_UNSET = Status(StatusCode.UNSET)


class Leaves:
    """Makes ended client spans of one instrumentation scope, for the processors of `provider`.

    They are sampled as their parents are. Processors hear of their end alone. Where those of
    `telemetry.setup` are the only ones, a span that succeeded is written without an object.
    """

    def __init__(self, provider: TracerProvider, scope: str) -> None:
        self._provider = provider
        self._scope = InstrumentationScope(scope)
        self._filed = encode.scope_field(self._scope)
        # Replaced, not changed, when a processor is added.
        self._known = provider._active_span_processor._span_processors
        self._queues: list[Any] = [getattr(known, "queue", None) for known in self._known]

    def ended(
        self,
        name: str,
        parent: SpanContext,
        attributes: Fixed,
        times: tuple[int, int],
    ) -> Place | None:
        """A span below `parent`, from the first to the second of `times` (nanoseconds since the
        epoch); where it is, if it is sampled."""
        processors = self._provider._active_span_processor._span_processors
        if processors is not self._known or None in self._queues:
            return self._made(name, parent, attributes, times, _UNSET)
        if not parent.trace_flags.sampled:
            return None
        span_id = self._provider.id_generator.generate_span_id()
        content = encode.leaf(name, parent, span_id, times, attributes)
        for queue in self._queues:
            queue.emit((self._filed, content))
        return parent.trace_id, span_id

    def failed(
        self,
        name: str,
        parent: SpanContext,
        attributes: Mapping[str, str | int],
        times: tuple[int, int],
        description: str,
    ) -> Place | None:
        """As `ended`, of what failed."""
        status = Status(StatusCode.ERROR, description)
        return self._made(name, parent, attributes, times, status)

    def _made(
        self,
        name: str,
        parent: SpanContext,
        attributes: Mapping[str, str | int],
        times: tuple[int, int],
        status: Status,
    ) -> Place | None:
        context = SpanContext(
            parent.trace_id,
            self._provider.id_generator.generate_span_id(),
            is_remote=False,
            trace_flags=parent.trace_flags,
            trace_state=parent.trace_state,
        )
        span = ReadableSpan(
            name,
            context,
            parent,
            self._provider.resource,
            attributes,
            kind=SpanKind.CLIENT,
            status=status,
            start_time=times[0],
            end_time=times[1],
            instrumentation_scope=self._scope,
        )
        self._provider._active_span_processor.on_end(span)
        return (context.trace_id, context.span_id) if context.trace_flags.sampled else None
