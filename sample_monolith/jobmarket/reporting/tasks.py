from datetime import timedelta

from jobmarket.reporting.service import rebuild
from jobmarket.utils import utcnow

DAYS_TO_REBUILD = 7


def rebuild_reports(days: int = DAYS_TO_REBUILD) -> int:
    """Every night: the last days once more, as things change after the day."""
    today = utcnow().date()
    return rebuild(today - timedelta(days=days - 1), today)
