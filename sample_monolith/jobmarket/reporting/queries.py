"""Raw SQL over everybody's tables: nobody asked the parts for an interface to count with."""

from datetime import date
from typing import Any

from sqlalchemy import text

from jobmarket.db import session

FUNNEL_SQL = """
    SELECT a.stage, count(DISTINCT a.id) AS applications,
           count(DISTINCT i.application_id) AS interviewed
    FROM applications a
    JOIN jobs j ON j.id = a.job_id
    LEFT JOIN interviews i ON i.application_id = a.id
    WHERE j.company_id = :company_id
    GROUP BY a.stage
    ORDER BY a.stage
"""

TIME_TO_HIRE_SQL = """
    SELECT j.id AS job_id, j.title, u.name AS candidate,
           EXTRACT(EPOCH FROM (a.decided_at - j.published_at)) / 86400.0 AS days
    FROM applications a
    JOIN jobs j ON j.id = a.job_id
    JOIN users u ON u.id = a.user_id
    WHERE j.company_id = :company_id AND a.stage = 'hired' AND j.published_at IS NOT NULL
    ORDER BY a.decided_at, a.id
"""

REVENUE_SQL = """
    SELECT l.month, l.kind, sum(l.amount_cents) AS cents, count(*) AS entries
    FROM ledger_entries l
    WHERE l.kind <> 'payment'
    GROUP BY l.month, l.kind
    ORDER BY l.month, l.kind
"""

TOP_COMPANIES_SQL = """
    WITH applied AS (
        SELECT j.company_id, count(*) AS applications
        FROM applications a JOIN jobs j ON j.id = a.job_id
        GROUP BY j.company_id
    ), billed AS (
        SELECT company_id, sum(amount_cents) AS cents
        FROM ledger_entries WHERE kind <> 'payment'
        GROUP BY company_id
    )
    SELECT c.id, c.name, u.email AS owner, coalesce(applied.applications, 0) AS applications,
           coalesce(billed.cents, 0) AS cents
    FROM companies c
    LEFT JOIN users u ON u.id = c.owner_id
    LEFT JOIN applied ON applied.company_id = c.id
    LEFT JOIN billed ON billed.company_id = c.id
    ORDER BY cents DESC, c.id
    LIMIT :limit
"""

DAY_SQL = """
    SELECT
        (SELECT count(*) FROM jobs
          WHERE (published_at AT TIME ZONE 'UTC')::date = :day) AS jobs_published,
        (SELECT count(*) FROM applications
          WHERE (created_at AT TIME ZONE 'UTC')::date = :day) AS applications,
        (SELECT count(*) FROM applications
          WHERE stage = 'hired' AND (decided_at AT TIME ZONE 'UTC')::date = :day) AS hires,
        (SELECT coalesce(sum(total_cents), 0) FROM invoices
          WHERE status = 'paid' AND (paid_at AT TIME ZONE 'UTC')::date = :day) AS revenue_cents
"""


def funnel(company_id: int) -> list[dict[str, Any]]:
    rows = session.execute(text(FUNNEL_SQL), {"company_id": company_id})
    return [dict(row._mapping) for row in rows]


def funnel_total(company_id: int) -> int:
    return session.execute(
        text(
            "SELECT count(*) FROM applications a JOIN jobs j ON j.id = a.job_id"
            " WHERE j.company_id = :company_id"
        ),
        {"company_id": company_id},
    ).scalar_one()


def time_to_hire(company_id: int) -> list[dict[str, Any]]:
    rows = session.execute(text(TIME_TO_HIRE_SQL), {"company_id": company_id})
    return [
        {
            "job_id": row.job_id,
            "title": row.title,
            "candidate": row.candidate,
            "days": round(float(row.days), 2),
        }
        for row in rows
    ]


def revenue() -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in session.execute(text(REVENUE_SQL))]


def top_companies(limit: int = 10) -> list[dict[str, Any]]:
    return [
        dict(row._mapping) for row in session.execute(text(TOP_COMPANIES_SQL), {"limit": limit})
    ]


def numbers_of(day: date) -> dict[str, int]:
    return dict(session.execute(text(DAY_SQL), {"day": day}).one()._mapping)
