"""Service level objectives: what share of which requests must succeed, or be fast enough."""

from __future__ import annotations

from dataclasses import dataclass

# The boundaries of `http.server.request.duration`: only at one of these can a share be counted.
LATENCY_BUCKETS = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip
_READ, _WRITE = ("GET", "HEAD"), ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Slo:
    """`objective` per cent of the requests of a route group succeed over 30 days.

    A request succeeds when its status is below 500 or, with `within`, when it takes no more than
    that many seconds (one of ``LATENCY_BUCKETS``). The group are the requests whose method is
    among `methods` and whose route fits one of the globs `routes`; empty means all.
    """

    name: str
    objective: float
    within: float | None = None
    methods: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()


DEFAULT_SLOS = (
    Slo("reads-available", 99.9, methods=_READ),
    Slo("writes-available", 99.5, methods=_WRITE),
    Slo("reads-fast", 99.0, within=0.5, methods=_READ),
    Slo("writes-fast", 99.0, within=1.0, methods=_WRITE),
)
