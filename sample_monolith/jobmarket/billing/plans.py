from dataclasses import dataclass

from jobmarket.constants import FREE_APPLICATIONS_PER_MONTH
from jobmarket.errors import NotFound


@dataclass(frozen=True)
class Plan:
    code: str
    name: str
    price_cents: int
    listing_fee_cents: int


PLANS = {
    plan.code: plan
    for plan in (
        Plan("free", "Free", 0, 900),
        Plan("team", "Team", 4_900, 300),
        Plan("scale", "Scale", 19_900, 0),
    )
}

# What everybody may do in a month, until an admin says otherwise.
QUOTAS = {"applications": FREE_APPLICATIONS_PER_MONTH, "messages": 200}

HIRE_FEE_CENTS = 50_000


def plan_of(code: str) -> Plan:
    if code not in PLANS:
        raise NotFound(f"no plan {code}")
    return PLANS[code]
