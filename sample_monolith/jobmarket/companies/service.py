from typing import Any

from sqlalchemy import select

from jobmarket.accounts.service import find_by_email
from jobmarket.constants import COMPANY_ROLES
from jobmarket.db import session
from jobmarket.errors import Conflict, NotFound, ValidationFailed
from jobmarket.models import Company, CompanyMember, CompanyRole
from jobmarket.notifications.service import notify
from jobmarket.signals import company_created
from jobmarket.utils import get_or_404, unique_slug

COMPANY_FIELDS = ("name", "website", "description", "city")


def create_company(user_id: int, name: str, details: dict[str, Any]) -> Company:
    company = Company(
        name=name,
        slug=unique_slug(Company, name),
        owner_id=user_id,
        website=details.get("website"),
        description=details.get("description", ""),
        city=details.get("city", ""),
    )
    session.add(company)
    session.flush()
    session.add(CompanyMember(company_id=company.id, user_id=user_id, role=CompanyRole.OWNER.value))
    session.flush()
    company_created.send("companies", company_id=company.id, user_id=user_id)
    session.commit()
    return company


def update_company(company_id: int, changes: dict[str, Any]) -> Company:
    company = get_or_404(Company, company_id)
    for field in COMPANY_FIELDS:
        if field in changes:
            setattr(company, field, changes[field])
    session.commit()
    return company


def delete_company(company_id: int) -> None:
    # jobs.service imports companies.access, so this import must wait.
    from jobmarket.jobs.service import count_open_jobs, delete_jobs_of_company

    company = get_or_404(Company, company_id)
    if count_open_jobs(company_id):
        raise Conflict("close the open jobs first")
    delete_jobs_of_company(company_id)
    session.expire(company)
    session.delete(company)
    session.commit()


def verify_company(company_id: int) -> Company:
    company = get_or_404(Company, company_id)
    company.is_verified = True
    if company.owner_id is not None:
        notify(
            company.owner_id,
            "company_verified",
            f"{company.name} is verified",
            "Your jobs now carry the badge.",
            f"company:{company.id}",
        )
    session.commit()
    return company


def _member(company_id: int, user_id: int) -> CompanyMember:
    member = session.scalar(
        select(CompanyMember).where(
            CompanyMember.company_id == company_id, CompanyMember.user_id == user_id
        )
    )
    if member is None:
        raise NotFound("no such member")
    return member


def add_member(company_id: int, email: str, role: str) -> CompanyMember:
    if role not in COMPANY_ROLES:
        raise ValidationFailed("no such role")
    company = get_or_404(Company, company_id)
    user = find_by_email(email)
    if user is None:
        raise NotFound("nobody has this e-mail address")
    taken = session.scalar(
        select(CompanyMember.id).where(
            CompanyMember.company_id == company_id, CompanyMember.user_id == user.id
        )
    )
    if taken is not None:
        raise Conflict("already a member")
    member = CompanyMember(company_id=company_id, user_id=user.id, role=role)
    session.add(member)
    notify(
        user.id,
        "company_invited",
        f"You joined {company.name}",
        f"You are now {role} of {company.name}.",
        f"company:{company.id}",
    )
    session.commit()
    return member


def change_member(company_id: int, user_id: int, role: str) -> CompanyMember:
    if role not in COMPANY_ROLES:
        raise ValidationFailed("no such role")
    member = _member(company_id, user_id)
    _keep_an_owner(member, role)
    member.role = role
    session.commit()
    return member


def remove_member(company_id: int, user_id: int) -> None:
    member = _member(company_id, user_id)
    _keep_an_owner(member, None)
    session.delete(member)
    session.commit()


def _keep_an_owner(member: CompanyMember, new_role: str | None) -> None:
    if member.role != CompanyRole.OWNER.value or new_role == CompanyRole.OWNER.value:
        return
    heir = session.scalar(
        select(CompanyMember.user_id)
        .where(
            CompanyMember.company_id == member.company_id,
            CompanyMember.role == CompanyRole.OWNER.value,
            CompanyMember.id != member.id,
        )
        .order_by(CompanyMember.id)
    )
    if heir is None:
        raise Conflict("a company needs an owner")
    if member.company.owner_id == member.user_id:
        member.company.owner_id = heir
