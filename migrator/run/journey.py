"""One request's journey across services: spans -> a tree of lines; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_WIDTH = 60


@dataclass(frozen=True, slots=True)
class Span:
    """A span; times are seconds since 1970, ids hexadecimal."""

    trace: str
    id: str
    parent: str | None
    service: str
    role: str
    name: str
    kind: str
    start: float
    end: float
    failed: bool = False
    links: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The process: ``billing-inbox``; a web process is just its service."""
        return (
            self.service if self.role in ("", "web", "gateway") else f"{self.service}-{self.role}"
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the tree; `offset` and `seconds` tell since when and for how long."""

    indent: str
    span: Span
    text: str
    offset: float
    seconds: float
    repeated: int = 1


def tree(spans: Sequence[Span]) -> tuple[Line, ...]:
    """The spans of one trace as lines, children below their parents in the order of their start.

    Equal statements in a row are one line with a count, and so are those by which the chassis
    keeps its own books. A span whose parent is not among `spans`
    is a root.
    """
    if not spans:
        return ()
    known = {span.id for span in spans}
    children: dict[str | None, list[Span]] = {}
    for span in sorted(spans, key=lambda s: (s.start, s.id)):
        children.setdefault(span.parent if span.parent in known else None, []).append(span)
    begin = min(span.start for span in spans)
    return tuple(_lines(children, None, "", begin))


def _lines(
    children: Mapping[str | None, list[Span]], parent: str | None, indent: str, begin: float
) -> Iterator[Line]:
    groups = _grouped(children.get(parent, []), children)
    for index, group in enumerate(groups):
        last = index == len(groups) - 1
        branch = "" if parent is None else ("└─ " if last else "├─ ")
        span = group[0]
        seconds = sum(s.end - s.start for s in group)
        yield Line(indent + branch, span, text(span), span.start - begin, seconds, len(group))
        below = indent + ("" if parent is None else ("   " if last else "│  "))
        yield from _lines(children, span.id, below, begin)


def _grouped(spans: Sequence[Span], children: Mapping[str | None, list[Span]]) -> list[list[Span]]:
    groups: list[list[Span]] = []
    for span in spans:
        same = groups and span.id not in children and groups[-1][0].id not in children
        if same and _key(groups[-1][0]) == _key(span):
            groups[-1].append(span)
        else:
            groups.append([span])
    return groups


def _key(span: Span) -> tuple[object, ...]:
    if is_bookkeeping(span):
        return span.place, span.failed, _BOOKKEEPING
    return span.place, span.kind, span.name, span.failed, span.attributes.get("db.query.text")


# The chassis' own tables and settings: they would hide what the service did.
_OWN = re.compile(
    r"^SET LOCAL\b|\b(?:FROM|INTO|UPDATE)\s+\"?"
    r"(?:(?:outbox|inbox)(?:_[a-z]+)*|partition_lease|replica_tombstone)\b",
    re.IGNORECASE,
)
_BOOKKEEPING = "(outbox and inbox bookkeeping)"


def is_bookkeeping(span: Span) -> bool:
    """Whether the span is a statement of the chassis about its own tables."""
    return _OWN.search(str(span.attributes.get("db.query.text", ""))) is not None


def text(span: Span) -> str:
    """What the span did, in a few words."""
    if is_bookkeeping(span):
        return _BOOKKEEPING
    if "db.system.name" in span.attributes:
        words = " ".join(str(span.attributes.get("db.query.text") or span.name).split())
        return words if len(words) <= _WIDTH else words[: _WIDTH - 1] + "…"
    status = span.attributes.get("http.response.status_code")
    return f"{span.name} → {status}" if status is not None else span.name


def services(spans: Sequence[Span]) -> tuple[str, ...]:
    """The services that a trace passed through, in the order of arrival."""
    return tuple(dict.fromkeys(span.service for span in sorted(spans, key=lambda s: s.start)))


def farthest(traces: Mapping[str, Sequence[Span]]) -> tuple[Span, ...]:
    """The trace through most services, then of most spans, among those that a request began."""
    requests = [
        spans
        for spans in traces.values()
        if any(span.kind == "server" and span.parent is None for span in spans)
    ]
    if not requests:
        return ()
    best: Sequence[Span] = max(requests, key=lambda spans: (len(services(spans)), len(spans)))
    return tuple(best)
