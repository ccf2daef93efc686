from typing import Any

from jobmarket.models import Company, CompanyMember
from jobmarket.utils import serialize


def company_json(company: Company) -> dict[str, Any]:
    return serialize(
        company,
        "id",
        "name",
        "slug",
        "website",
        "description",
        "city",
        "is_verified",
        "owner_id",
        "created_at",
    )


def company_brief(company: Company) -> dict[str, Any]:
    return {"id": company.id, "name": company.name, "slug": company.slug}


def member_json(member: CompanyMember) -> dict[str, Any]:
    return {
        "id": member.id,
        "user_id": member.user_id,
        "name": member.user.name,
        "email": member.user.email,
        "role": member.role,
    }
