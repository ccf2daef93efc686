"""The figures of a running workspace, from the metrics pages of its processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from migrator.run.processes import Process

WINDOW_SECONDS = 15.0
_REQUESTS = "http_server_request_duration_seconds"


@dataclass(frozen=True, slots=True)
class Sample:
    """What one process has counted so far; `buckets` are cumulative counts by upper bound."""

    requests: float = 0.0
    failed: float = 0.0
    buckets: tuple[tuple[float, float], ...] = ()
    pending: float | None = None
    messages: float = 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """One service: requests a second, share that failed, seconds that 95 % take at most, messages
    that wait, seconds since the last message; None where there is nothing to tell."""

    service: str
    processes: str
    rate: float
    errors: float | None
    p95: float | None
    pending: int | None
    last_message: float | None


def parse(page: str) -> Sample:
    """The figures of one metrics page in the Prometheus text format."""
    from prometheus_client.parser import text_string_to_metric_families

    requests = failed = messages = 0.0
    buckets: dict[float, float] = {}
    pending: float | None = None
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == f"{_REQUESTS}_count":
                requests += sample.value
                if sample.labels.get("http_response_status_code", "").startswith("5"):
                    failed += sample.value
            elif sample.name == f"{_REQUESTS}_bucket":
                bound = float(sample.labels["le"])
                buckets[bound] = buckets.get(bound, 0.0) + sample.value
            elif sample.name == "chassis_outbox_pending":
                pending = (pending or 0.0) + sample.value
            elif sample.name in _MESSAGES:
                messages += sample.value
    return Sample(requests, failed, tuple(sorted(buckets.items())), pending, messages)


_MESSAGES = ("chassis_outbox_published_total", "chassis_inbox_processed_total")


class Board:
    """Remembers samples of the last seconds and tells the rows of the table."""

    def __init__(self, processes: Iterable[Process]) -> None:
        self._processes = [process for process in processes if process.metrics]
        self._history: deque[tuple[float, dict[str, Sample]]] = deque()
        self._moved: dict[str, float] = {}

    def read(self, client: httpx.Client, now: float) -> None:
        """Ask every process at once; one that does not answer is missing from the sample."""
        with ThreadPoolExecutor(8) as pool:
            pages = list(pool.map(lambda process: _page(client, process), self._processes))
        named = zip(self._processes, pages, strict=True)
        self.add(now, {p.name: parse(page) for p, page in named if page is not None})

    def add(self, now: float, samples: Mapping[str, Sample]) -> None:
        """Take in the `samples` by process name, read at `now` seconds."""
        before = self._history[-1][1] if self._history else {}
        for name, sample in samples.items():
            if name in before and sample.messages > before[name].messages:
                self._moved[name] = now
        self._history.append((now, dict(samples)))
        while self._history[0][0] < now - WINDOW_SECONDS:
            self._history.popleft()

    def rows(self) -> tuple[Row, ...]:
        """A row for each service, in the order of the processes."""
        if not self._history:
            return ()
        services = dict.fromkeys(process.service for process in self._processes)
        return tuple(self._row(service) for service in services)

    def _row(self, service: str) -> Row:
        own = [process.name for process in self._processes if process.service == service]
        (first, old), (now, new) = self._history[0], self._history[-1]
        deltas = [_delta(old.get(name, Sample()), new[name]) for name in own if name in new]
        requests = sum(delta.requests for delta in deltas)
        waiting = [new[n].pending for n in own if n in new and new[n].pending is not None]
        moved = [self._moved[name] for name in own if name in self._moved]
        return Row(
            service,
            f"{sum(name in new for name in own)}/{len(own)}",
            requests / (now - first) if now > first else 0.0,
            sum(delta.failed for delta in deltas) / requests if requests else None,
            quantile(0.95, [delta.buckets for delta in deltas if delta.buckets]),
            # Relay and inbox tell of the same table.
            int(max(value for value in waiting if value is not None)) if waiting else None,
            now - max(moved) if moved else None,
        )


def _delta(old: Sample, new: Sample) -> Sample:
    if new.requests < old.requests:
        # The process began anew: all that it counted is of this window.
        old = Sample()
    before = dict(old.buckets)
    buckets = tuple((bound, count - before.get(bound, 0.0)) for bound, count in new.buckets)
    return Sample(new.requests - old.requests, new.failed - old.failed, buckets)


def quantile(share: float, histograms: Sequence[Sequence[tuple[float, float]]]) -> float | None:
    """`share` of the observations lie below the result: linear within a bucket, as Prometheus
    does; None without observations, the last finite bound when it lies above all."""
    counts: dict[float, float] = {}
    for histogram in histograms:
        for bound, count in histogram:
            counts[bound] = counts.get(bound, 0.0) + count
    ordered = sorted(counts.items())
    if not ordered or ordered[-1][1] <= 0:
        return None
    wanted = share * ordered[-1][1]
    low, below = 0.0, 0.0
    for bound, count in ordered:
        if count >= wanted:
            if bound == float("inf"):
                return low
            return low + (bound - low) * (wanted - below) / ((count - below) or 1.0)
        low, below = bound, count
    return low


def _page(client: httpx.Client, process: Process) -> str | None:
    try:
        answer = client.get(process.metrics or "")
    except httpx.HTTPError:
        return None
    return answer.text if answer.status_code == 200 else None
