from datetime import date, timedelta
from typing import Any

from sqlalchemy import select, text

from jobmarket.db import session
from jobmarket.errors import ValidationFailed
from jobmarket.models import ApplicationStage
from jobmarket.reporting.models import DailyReport
from jobmarket.reporting.queries import funnel, funnel_total, numbers_of, time_to_hire
from jobmarket.utils import utcnow

COUNTERS = ("jobs_published", "applications", "hires", "revenue_cents")

STORE_SQL = """
    INSERT INTO daily_reports (day, jobs_published, applications, hires, revenue_cents)
    VALUES (:day, :jobs_published, :applications, :hires, :revenue_cents)
    ON CONFLICT (day) DO UPDATE SET
        jobs_published = excluded.jobs_published,
        applications = excluded.applications,
        hires = excluded.hires,
        revenue_cents = excluded.revenue_cents,
        updated_at = now()
"""


def count(counter: str, amount: int = 1) -> None:
    """Add to today's report. Does not commit."""
    assert counter in COUNTERS
    # The column is a name of ours; still, no analyzer can read this statement.
    session.execute(
        text(
            "INSERT INTO daily_reports (day, jobs_published, applications, hires, revenue_cents)"
            " VALUES (:day, 0, 0, 0, 0) ON CONFLICT (day) DO NOTHING"
        ),
        {"day": utcnow().date()},
    )
    session.execute(
        text(f"UPDATE daily_reports SET {counter} = {counter} + :amount WHERE day = :day"),
        {"day": utcnow().date(), "amount": amount},
    )


def rebuild(first: date, last: date) -> int:
    """Count the days again from the tables themselves; how many days."""
    if last < first:
        raise ValidationFailed("the last day is before the first")
    days = (last - first).days + 1
    for offset in range(days):
        day = first + timedelta(days=offset)
        session.execute(text(STORE_SQL), {"day": day, **numbers_of(day)})
    session.commit()
    return days


def daily_reports(first: date | None, last: date | None) -> list[DailyReport]:
    query = select(DailyReport).order_by(DailyReport.day)
    if first:
        query = query.where(DailyReport.day >= first)
    if last:
        query = query.where(DailyReport.day <= last)
    return list(session.scalars(query))


def funnel_report(company_id: int) -> dict[str, Any]:
    stages = {stage.value: {"applications": 0, "interviewed": 0} for stage in ApplicationStage}
    for row in funnel(company_id):
        stages[row.pop("stage")] = row
    total = funnel_total(company_id)
    hired = stages[ApplicationStage.HIRED.value]["applications"]
    return {"total": total, "stages": stages, "hired_share": hired / total if total else 0.0}


def time_to_hire_report(company_id: int) -> dict[str, Any]:
    hires = time_to_hire(company_id)
    days = [hire["days"] for hire in hires]
    return {"hires": hires, "average_days": round(sum(days) / len(days), 2) if days else None}
