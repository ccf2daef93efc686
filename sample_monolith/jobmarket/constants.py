"""Numbers and lists that more than one part of the product needs."""

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100

JOB_LIFETIME_DAYS = 30
DIGEST_LIMIT = 10
TOKEN_MAX_AGE_SECONDS = 7 * 24 * 3600

CURRENCIES = ("EUR", "USD", "GBP")
DEFAULT_CURRENCY = "EUR"

EMPLOYMENT_TYPES = ("full_time", "part_time", "contract", "internship")
COMPANY_ROLES = ("owner", "recruiter", "viewer")

# What a candidate may do in a month before the quota says no.
FREE_APPLICATIONS_PER_MONTH = 20
APPLICATION_FEE_CENTS = 150
