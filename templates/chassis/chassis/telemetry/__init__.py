"""OpenTelemetry for one process: traces, metrics and logs, set up together.

Metrics are always readable in the Prometheus format; traces, metrics and logs leave the process
only when ``OTEL_EXPORTER_OTLP_ENDPOINT`` names a collector. Log lines are JSON on standard output.
The sampler is OpenTelemetry's own, by ``OTEL_TRACES_SAMPLER``: by default the parent decides, and
a trace that begins here is kept. Which traces are stored is decided in the Collector, at their end.
"""

from __future__ import annotations

import os

# The instrumentors read this once, when they are imported: without it they emit the names of
# before the semantic conventions were stable (`http.server.duration`, in milliseconds).
os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")

from .durations import sampled
from .event_loop import watch_event_loop
from .flask import instrument_flask
from .metrics import metrics_page, request_duration
from .setup import setup

__all__ = [
    "instrument_flask", "metrics_page", "request_duration", "sampled", "setup", "watch_event_loop",
]  # fmt: skip
