"""Helpers that everybody imports. Should have been split years ago."""

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeVar

from flask import request
from sqlalchemy import Select, func, select

from jobmarket.constants import DEFAULT_CURRENCY, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from jobmarket.db import session
from jobmarket.errors import NotFound, ValidationFailed

T = TypeVar("T")


def utcnow() -> datetime:
    return datetime.now(UTC)


def slugify(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "n-a"


def parse_date(text: str | None, field: str = "date") -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValidationFailed(f"{field} must look like 2024-05-31") from None


def parse_datetime(text: str | None, field: str = "datetime") -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValidationFailed(f"{field} must be an ISO 8601 time") from None
    # Clients that send no zone mean UTC.
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def money(cents: int | None, currency: str = DEFAULT_CURRENCY) -> str | None:
    if cents is None:
        return None
    return f"{Decimal(cents) / 100:.2f} {currency}"


def to_cents(amount: str | float | int) -> int:
    return int((Decimal(str(amount)) * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def month_of(moment: datetime | None = None) -> str:
    return (moment or utcnow()).strftime("%Y-%m")


def previous_month(moment: datetime | None = None) -> str:
    return month_of((moment or utcnow()).replace(day=1) - timedelta(days=1))


def is_month(text: str) -> bool:
    return bool(re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text))


def excerpt(text: str, length: int = 160) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def is_email(text: str) -> bool:
    return bool(re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text))


def iso(value: date | datetime | None) -> str | None:
    return value.isoformat() if value is not None else None


def serialize(obj: Any, *fields: str) -> dict[str, Any]:
    """The named attributes of an object, ready for JSON."""
    result: dict[str, Any] = {}
    for field in fields:
        value = getattr(obj, field)
        result[field] = iso(value) if isinstance(value, date) else value
    return result


def json_body(*required: str) -> dict[str, Any]:
    """The body of the request; a missing field is the client's mistake."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise ValidationFailed("the body must be a JSON object")
    missing = [name for name in required if body.get(name) in (None, "")]
    if missing:
        raise ValidationFailed(f"missing: {', '.join(missing)}")
    return body


def page_args() -> tuple[int, int]:
    page = request.args.get("page", 1, type=int)
    per_page = request.args.get("per_page", DEFAULT_PAGE_SIZE, type=int)
    return max(page, 1), min(max(per_page, 1), MAX_PAGE_SIZE)


def paginate(query: Select[Any]) -> dict[str, Any]:
    """One page of a query, with the total."""
    page, per_page = page_args()
    total = session.scalar(select(func.count()).select_from(query.order_by(None).subquery()))
    items = session.scalars(query.limit(per_page).offset((page - 1) * per_page)).unique().all()
    return {"items": list(items), "total": total, "page": page, "per_page": per_page}


def get_or_404(model: type[T], ident: int) -> T:
    found = session.get(model, ident)
    if found is None:
        raise NotFound(f"no {model.__name__.lower()} {ident}")
    return found


def unique_slug(model: Any, text: str) -> str:
    """A slug that no row of the model has yet."""
    base = slugify(text)
    taken = set(session.scalars(select(model.slug).where(model.slug.like(f"{base}%"))))
    if base not in taken:
        return base
    number = 2
    while f"{base}-{number}" in taken:
        number += 1
    return f"{base}-{number}"
