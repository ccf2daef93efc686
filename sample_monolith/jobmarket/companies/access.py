"""May this person act for this company? Asked by nearly every other part."""

from sqlalchemy import select

from jobmarket.constants import COMPANY_ROLES
from jobmarket.db import session
from jobmarket.errors import Forbidden
from jobmarket.models import CompanyMember, Role, User


def member_role(company_id: int, user_id: int) -> str | None:
    return session.scalar(
        select(CompanyMember.role).where(
            CompanyMember.company_id == company_id, CompanyMember.user_id == user_id
        )
    )


def is_member(company_id: int, user_id: int) -> bool:
    return member_role(company_id, user_id) is not None


def require_member(
    company_id: int, user: User, roles: tuple[str, ...] = ("owner", "recruiter")
) -> None:
    """Takes the user, not the id: admins pass without a membership."""
    assert set(roles) <= set(COMPANY_ROLES)
    if user.role == Role.ADMIN.value:
        return
    if member_role(company_id, user.id) not in roles:
        raise Forbidden("you may not act for this company")


def recruiter_ids(company_id: int) -> list[int]:
    """Those who want to hear about the company's jobs."""
    return list(
        session.scalars(
            select(CompanyMember.user_id)
            .where(
                CompanyMember.company_id == company_id,
                CompanyMember.role.in_(("owner", "recruiter")),
            )
            .order_by(CompanyMember.id)
        )
    )


def company_ids_of(user_id: int) -> list[int]:
    return list(
        session.scalars(
            select(CompanyMember.company_id)
            .where(CompanyMember.user_id == user_id)
            .order_by(CompanyMember.company_id)
        )
    )
