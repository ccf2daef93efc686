"""Which service answers a request: a pure function of the method and the path."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_PLACEHOLDER = re.compile(r"<(?:(?P<kind>\w+)(?:\((?P<options>[^)]*)\))?:)?(?P<name>\w+)>")
_PATTERNS = {
    "int": r"\d+",
    "float": r"\d+\.\d+",
    "uuid": r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    "path": r"[^/].*?",
}
_STATIC, _TYPED, _STRING, _PATH = range(4)


@dataclass(frozen=True, slots=True)
class Route:
    """One line of ``routes.json``; `rule` is written as Flask writes it."""

    method: str
    rule: str
    service: str


@dataclass(frozen=True, slots=True)
class Match:
    """The route of a request; when none fits, `allowed` lists the methods of the path, and
    `nearest` is a service that knows the path."""

    route: Route | None
    allowed: tuple[str, ...] = ()
    nearest: str | None = None


@dataclass(frozen=True, slots=True)
class _Compiled:
    route: Route
    pattern: re.Pattern[str]
    rank: tuple[int, ...]


class Table:
    """Routes, most specific first: static segments before typed ones, ``path`` last."""

    def __init__(self, routes: Iterable[Route]) -> None:
        compiled = [_Compiled(r, _pattern(r.rule), _rank(r.rule)) for r in routes]
        # A tie keeps the order of the file, as the monolith's own router would.
        self._routes = sorted(compiled, key=lambda item: item.rank)

    @property
    def services(self) -> tuple[str, ...]:
        """The services that the routes name, sorted."""
        return tuple(sorted({item.route.service for item in self._routes}))

    def match(self, method: str, path: str) -> Match:
        """The route that answers `method` `path`; HEAD is served by GET, OPTIONS by any."""
        wanted = "GET" if method == "HEAD" else method
        allowed: dict[str, None] = {}
        nearest: str | None = None
        for item in self._routes:
            if not item.pattern.fullmatch(path):
                continue
            if wanted in (item.route.method, "OPTIONS"):
                return Match(item.route)
            allowed[item.route.method] = None
            nearest = nearest or item.route.service
        return Match(None, tuple(allowed), nearest)


def read_routes(path: Path) -> tuple[Route, ...]:
    """The routes of ``routes.json``."""
    entries = json.loads(path.read_text("utf-8"))
    return tuple(Route(e["method"].upper(), e["path"], e["service"]) for e in entries)


def _pattern(rule: str) -> re.Pattern[str]:
    parts: list[str] = []
    end = 0
    for found in _PLACEHOLDER.finditer(rule):
        parts += [re.escape(rule[end : found.start()]), _placeholder(found)]
        end = found.end()
    parts.append(re.escape(rule[end:]))
    text = "".join(parts)
    # Flask redirects to the trailing slash itself: the service must see the request for that.
    return re.compile(f"{text}?" if text.endswith("/") and text != "/" else text)


def _placeholder(found: re.Match[str]) -> str:
    kind, options = found["kind"] or "string", found["options"] or ""
    if kind == "any":
        choices = (re.escape(part.strip().strip("'\"")) for part in options.split(","))
        return f"(?:{'|'.join(choices)})"
    return _PATTERNS.get(kind, "[^/]+")


def _rank(rule: str) -> tuple[int, ...]:
    return tuple(_segment_rank(segment) for segment in rule.strip("/").split("/"))


def _segment_rank(segment: str) -> int:
    kinds = [found["kind"] or "string" for found in _PLACEHOLDER.finditer(segment)]
    if not kinds:
        return _STATIC
    if "path" in kinds:
        return _PATH
    return _TYPED if all(kind in ("int", "float", "uuid", "any") for kind in kinds) else _STRING
