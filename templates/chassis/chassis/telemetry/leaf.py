"""Spans of what has no children, made once it has ended: statements of a database.

OpenTelemetry's span can be changed while it lives, by any thread: it copies and checks its
attributes, locks, and is copied once more at its end. A statement needs nothing of that, there are
many in each request, and its span cost as much as all else that the chassis does for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode

_UNSET = Status(StatusCode.UNSET)


class Leaves:
    """Makes ended client spans of one instrumentation scope, for the processors of `provider`.

    They are sampled as their parents are. Processors hear of their end alone.
    """

    def __init__(self, provider: TracerProvider, scope: str) -> None:
        self._provider = provider
        self._scope = InstrumentationScope(scope)

    def ended(
        self,
        name: str,
        parent: SpanContext,
        attributes: Mapping[str, str | int],
        times: tuple[int, int],
        status: Status = _UNSET,
    ) -> SpanContext:
        """A span below `parent`, from the first to the second of `times` (nanoseconds since the
        epoch); its context. `attributes` are kept, not copied."""
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
        return context
