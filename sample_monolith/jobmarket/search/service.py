from typing import Any

from sqlalchemy import select

from jobmarket.db import session
from jobmarket.errors import NotFound, ValidationFailed
from jobmarket.models import Job
from jobmarket.search.models import SavedSearch, SearchLog
from jobmarket.search.queries import search_jobs

FILTERS = ("location", "remote", "employment_type")


def run_search(terms: str, user_id: int | None) -> list[dict[str, Any]]:
    if not terms.strip():
        raise ValidationFailed("what are you looking for?")
    found = search_jobs(terms.strip())
    session.add(SearchLog(user_id=user_id, terms=terms.strip().lower()[:200], results=len(found)))
    session.commit()
    return found


def save_search(user_id: int, name: str, terms: str, filters: dict[str, Any]) -> SavedSearch:
    if not isinstance(filters, dict):
        raise ValidationFailed("filters is an object")
    unknown = set(filters) - set(FILTERS)
    if unknown:
        raise ValidationFailed(f"no such filter: {', '.join(sorted(unknown))}")
    saved = SavedSearch(user_id=user_id, name=name, terms=terms, filters=filters)
    session.add(saved)
    session.commit()
    return saved


def saved_searches(user_id: int) -> list[SavedSearch]:
    query = select(SavedSearch).where(SavedSearch.user_id == user_id).order_by(SavedSearch.id)
    return list(session.scalars(query))


def own_search(user_id: int, search_id: int) -> SavedSearch:
    saved = session.get(SavedSearch, search_id)
    if saved is None or saved.user_id != user_id:
        raise NotFound("no such search")
    return saved


def set_alerts(user_id: int, search_id: int, alerts: bool) -> SavedSearch:
    saved = own_search(user_id, search_id)
    saved.alerts = alerts
    session.commit()
    return saved


def delete_search(user_id: int, search_id: int) -> None:
    session.delete(own_search(user_id, search_id))
    session.commit()


def matches(saved: SavedSearch, job: Job) -> bool:
    """Whether the job is one that the search waits for."""
    words = f"{job.title} {job.description}".lower()
    if not all(word in words for word in saved.terms.lower().split()):
        return False
    wanted = saved.filters
    if wanted.get("location") and wanted["location"] != job.location:
        return False
    if wanted.get("remote") and not job.is_remote:
        return False
    kind = wanted.get("employment_type")
    return not kind or kind == job.employment_type
