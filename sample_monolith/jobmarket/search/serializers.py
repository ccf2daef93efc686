from typing import Any

from jobmarket.search.models import SavedSearch
from jobmarket.utils import serialize


def saved_search_json(saved: SavedSearch) -> dict[str, Any]:
    return serialize(saved, "id", "name", "terms", "filters", "alerts", "last_alert_at")
