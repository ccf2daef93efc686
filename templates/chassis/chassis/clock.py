"""The time, as every table of the chassis has it."""

from __future__ import annotations

import datetime as dt


def now() -> dt.datetime:
    """This moment in UTC."""
    return dt.datetime.now(dt.UTC)


def ahead(seconds: float) -> dt.datetime:
    """The moment that many seconds from now; negative for the past."""
    return now() + dt.timedelta(seconds=seconds)


def aware(moment: dt.datetime) -> dt.datetime:
    """`moment` in UTC; databases without time zones give it back without one."""
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def age(moment: dt.datetime | None) -> float:
    """How many seconds ago `moment` was; 0 for none."""
    return 0.0 if moment is None else max(0.0, (now() - aware(moment)).total_seconds())
