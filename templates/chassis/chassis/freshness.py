"""How old the copies are that this process fills."""

from __future__ import annotations

import datetime as dt
import json
import weakref
from collections.abc import Iterable, Sequence
from functools import cache

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from chassis import attributes, clock
from chassis.brokers.port import Incoming
from chassis.manifest import Manifest
from chassis.outbox import change_subject

_meter = metrics.get_meter("chassis")
_all: weakref.WeakSet[Freshness] = weakref.WeakSet()


class Freshness:
    """The moment up to which each copy is known to be complete.

    That is now, whenever the log was read to its end; else the time of the last change applied.
    While nothing can be read it stays, and the staleness grows.
    """

    def __init__(self, manifest: Manifest) -> None:
        subjects = {change_subject(owner, t): t for t, owner in manifest.replicas.items()}
        self._tables = subjects
        self._complete = dict.fromkeys(subjects.values(), clock.now())
        _all.add(self)
        _register()

    def see(self, messages: Sequence[Incoming]) -> None:
        """These were applied; none means that there are no more.

        The log is in the order of time: a copy that none of them is about is complete up to the
        oldest. Else steady messages for one table would make the others look old.
        """
        times = [(message.subject, _time(message)) for message in messages]
        oldest = min((moment for _, moment in times), default=clock.now())
        self._complete = {table: max(now, oldest) for table, now in self._complete.items()}
        for subject, moment in times:
            if subject in self._tables:
                table = self._tables[subject]
                self._complete[table] = max(self._complete[table], moment)

    def ages(self) -> dict[str, float]:
        """Seconds since each copy was complete, by table."""
        return {table: clock.age(moment) for table, moment in self._complete.items()}


@cache
def _register() -> None:
    """Once a process: of two gauges of one name OpenTelemetry would ask the first only."""
    _meter.create_observable_gauge(
        attributes.REPLICA_STALENESS, [_observe], unit="s", description=Freshness.__doc__ or ""
    )


def _observe(_: CallbackOptions) -> Iterable[Observation]:
    for freshness in list(_all):
        for table, seconds in freshness.ages().items():
            yield Observation(seconds, {attributes.TABLE: table})


def _time(message: Incoming) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(json.loads(message.body)["time"])
    except (ValueError, KeyError, TypeError):
        return clock.now()
