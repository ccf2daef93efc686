"""Full text search in raw SQL: the ORM had no good way to say it."""

from typing import Any

from sqlalchemy import func, select, text

from jobmarket.db import session
from jobmarket.search.models import SearchLog
from jobmarket.utils import excerpt, iso

SEARCH_SQL = """
    SELECT j.id, j.title, j.description, j.location, j.published_at, c.name AS company,
           ts_rank(
               to_tsvector('simple', j.title || ' ' || j.description || ' ' || c.name),
               plainto_tsquery('simple', :terms)
           ) AS rank
    FROM jobs j
    JOIN companies c ON c.id = j.company_id
    WHERE j.status = 'open'
      AND (
          to_tsvector('simple', j.title || ' ' || j.description || ' ' || c.name)
              @@ plainto_tsquery('simple', :terms)
          OR EXISTS (
              SELECT 1 FROM job_skills js JOIN skills s ON s.id = js.skill_id
              WHERE js.job_id = j.id AND lower(s.name) = lower(:terms)
          )
      )
    ORDER BY rank DESC, j.id
    LIMIT :limit
"""

SUGGEST_SQL = """
    SELECT label, kind FROM (
        SELECT DISTINCT title AS label, 'job' AS kind FROM jobs WHERE status = 'open'
        UNION SELECT name, 'company' FROM companies
        UNION SELECT name, 'skill' FROM skills
    ) AS everything
    WHERE lower(label) LIKE lower(:prefix) || '%'
    ORDER BY label, kind
    LIMIT :limit
"""


def search_jobs(terms: str, limit: int = 20) -> list[dict[str, Any]]:
    rows = session.execute(text(SEARCH_SQL), {"terms": terms, "limit": limit})
    return [
        {
            "id": row.id,
            "title": row.title,
            "company": row.company,
            "location": row.location,
            "published_at": iso(row.published_at),
            "summary": excerpt(row.description),
        }
        for row in rows
    ]


def suggest(prefix: str, limit: int = 8) -> list[dict[str, str]]:
    rows = session.execute(text(SUGGEST_SQL), {"prefix": prefix, "limit": limit})
    return [{"label": row.label, "kind": row.kind} for row in rows]


def popular_terms(limit: int = 10) -> list[dict[str, Any]]:
    asked = func.count(SearchLog.id)
    rows = session.execute(
        select(SearchLog.terms, asked.label("asked"))
        .group_by(SearchLog.terms)
        .order_by(asked.desc(), SearchLog.terms)
        .limit(limit)
    )
    return [{"terms": row.terms, "asked": row.asked} for row in rows]
