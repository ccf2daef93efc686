"""Spans out of what tracing systems write: Jaeger's JSON, Jaeger's HTTP API, OTLP JSON files."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migrator.model.errors import MigratorError

API_LIMIT = 1_500
"""Traces asked for a service; Jaeger holds them in memory at once."""
_LOOKBACK = "168h"
_TIMEOUT = 30  # seconds
_OWN = {"jaeger", "jaeger-query", "jaeger-all-in-one"}
_HINT = "Jaeger's JSON ({data: [...]}) or OTLP JSON ({resourceSpans: [...]}, one a line) expected"


@dataclass(frozen=True, slots=True)
class Span:
    """One span; `attributes` are those of the span itself, values as they were recorded."""

    trace: str
    id: str
    parent: str | None
    name: str
    milliseconds: float
    attributes: dict[str, Any] = field(default_factory=dict)


def read_spans(source: str, progress: Callable[[str], None] | None = None) -> tuple[Span, ...]:
    """The spans of a file, of every ``.json`` and ``.jsonl`` file of a folder, or of the Jaeger at
    a URL (``?service=NAME`` for one service). Each span once. Raises MigratorError."""
    tell = progress or (lambda _: None)
    if source.startswith(("http://", "https://")):
        found = list(_from_jaeger(source, tell))
    else:
        found = [span for path in _files(Path(source)) for span in _from_file(path, tell)]
    unique = {(span.trace, span.id): span for span in found}
    return tuple(unique[key] for key in sorted(unique))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if p.suffix in (".json", ".jsonl"))
        if found:
            return found
    if not path.is_file():
        raise MigratorError("--traces: no such file", where=str(path), hint=_HINT)
    return [path]


def _from_file(path: Path, tell: Callable[[str], None]) -> Iterator[Span]:
    tell(f"traces: {path.name}")
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MigratorError(f"--traces: cannot be read: {error}", where=str(path)) from error
    for line, document in _documents(text, path):
        try:
            yield from spans_of(document)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            what = f"--traces: no traces: {type(error).__name__} {error}"
            raise MigratorError(what, where=f"{path}:{line}", hint=_HINT) from error


def _documents(text: str, path: Path) -> Iterator[tuple[int, Any]]:
    """One document, or one a line as the Collector's file exporter writes them."""
    try:
        yield 1, json.loads(text)
        return
    except json.JSONDecodeError:
        pass
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except json.JSONDecodeError as error:
                what = f"--traces: broken JSON: {error.msg}"
                raise MigratorError(what, where=f"{path}:{number}", hint=_HINT) from error


def spans_of(document: Any) -> Iterator[Span]:
    """The spans of one decoded document, whichever of the two formats it is.

    Raises KeyError, TypeError, ValueError or AttributeError where it is neither.
    """
    if "data" in document:
        for trace in document["data"]:
            yield from map(_jaeger_span, trace["spans"])
    else:
        for resource in document["resourceSpans"]:
            for scope in resource.get("scopeSpans", ()):
                yield from map(_otlp_span, scope.get("spans", ()))


def _jaeger_span(span: Any) -> Span:
    parents = [r["spanID"] for r in span.get("references") or () if r["refType"] == "CHILD_OF"]
    attributes = {tag["key"]: tag["value"] for tag in span.get("tags") or ()}
    return Span(
        span["traceID"],
        span["spanID"],
        parents[0] if parents else span.get("parentSpanID") or None,
        span["operationName"],
        span["duration"] / 1e3,
        attributes,
    )


def _otlp_span(span: Any) -> Span:
    took = int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])
    attributes = {a["key"]: _otlp_value(a["value"]) for a in span.get("attributes", ())}
    # The numbers of the enum, or their names: both are found in files.
    kinds = {
        2: "server",
        "SPAN_KIND_SERVER": "server",
        5: "consumer",
        "SPAN_KIND_CONSUMER": "consumer",
    }
    if span.get("kind") in kinds:
        attributes.setdefault("span.kind", kinds[span["kind"]])
    parent = span.get("parentSpanId") or None
    return Span(span["traceId"], span["spanId"], parent, span["name"], took / 1e6, attributes)


def _otlp_value(value: Any) -> Any:
    kind, held = next(iter(value.items()), ("stringValue", ""))
    return int(held) if kind == "intValue" else held


def _from_jaeger(source: str, tell: Callable[[str], None]) -> Iterator[Span]:
    parts = urllib.parse.urlsplit(source)
    wanted = urllib.parse.parse_qs(parts.query).get("service")
    path = parts.path.rstrip("/").removesuffix("/api/traces").removesuffix("/search")
    base = f"{parts.scheme}://{parts.netloc}{path}/api"
    services: Iterable[str] = wanted or _get(f"{base}/services").get("data") or ()
    services = [s for s in services if s not in _OWN]
    if not services:
        raise MigratorError("--traces: this Jaeger knows no service", where=source)
    for service in services:
        tell(f"traces: {service}")
        query = {"service": service, "limit": str(API_LIMIT), "lookback": _LOOKBACK}
        address = f"{base}/traces?{urllib.parse.urlencode(query)}"
        try:
            yield from spans_of(_get(address))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MigratorError("--traces: not Jaeger's answer", where=address) from error


def _get(address: str) -> Any:
    hint = "the address of Jaeger's query service, as in http://localhost:16686, expected"
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise MigratorError(f"--traces: HTTP {error.code}", where=address, hint=hint) from error
    except (OSError, ValueError) as error:
        what = f"--traces: {getattr(error, 'reason', error)}"
        raise MigratorError(what, where=address, hint=hint) from error
