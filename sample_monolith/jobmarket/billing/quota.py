from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from jobmarket.billing.models import Quota
from jobmarket.billing.plans import QUOTAS
from jobmarket.db import session
from jobmarket.errors import QuotaExceeded, ValidationFailed
from jobmarket.utils import month_of


def _locked(user_id: int, kind: str) -> Quota:
    """This month's row, made when missing, and ours until the transaction ends."""
    if kind not in QUOTAS:
        raise ValidationFailed(f"no quota {kind}")
    month = month_of()
    # Two first requests of a month at once must not make two rows.
    session.execute(
        insert(Quota)
        .values(user_id=user_id, kind=kind, month=month, allowed=QUOTAS[kind], used=0)
        .on_conflict_do_nothing(index_elements=["user_id", "kind", "month"])
    )
    return session.scalars(
        select(Quota)
        .where(Quota.user_id == user_id, Quota.kind == kind, Quota.month == month)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def consume_quota(user_id: int, kind: str, amount: int = 1) -> int:
    """Take from this month's quota; what is left. Does not commit."""
    quota = _locked(user_id, kind)
    if quota.used + amount > quota.allowed:
        raise QuotaExceeded(f"no {kind} left this month")
    quota.used += amount
    session.flush()
    return quota.allowed - quota.used


def set_allowance(user_id: int, kind: str, allowed: int) -> Quota:
    if allowed < 0:
        raise ValidationFailed("an allowance is not negative")
    quota = _locked(user_id, kind)
    quota.allowed = allowed
    session.commit()
    return quota


def quotas_of(user_id: int) -> list[dict[str, object]]:
    """Every kind, also those that were not touched this month."""
    month = month_of()
    rows = session.scalars(select(Quota).where(Quota.user_id == user_id, Quota.month == month))
    touched = {row.kind: row for row in rows}
    result = []
    for kind, default in QUOTAS.items():
        row = touched.get(kind)
        allowed, used = (row.allowed, row.used) if row else (default, 0)
        result.append(
            {"kind": kind, "month": month, "allowed": allowed, "used": used, "left": allowed - used}
        )
    return result
