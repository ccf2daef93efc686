"""PromQL that several dashboards ask."""

from __future__ import annotations

REQUESTS = "http_server_request_duration_seconds"
STATEMENTS = "db_client_operation_duration_seconds"
CALLS = "http_client_request_duration_seconds"
# Who answers people: each of their requests is counted once.
ANSWERS = 'service_role=~"web|gateway|monolith"'
FAILED = 'http_response_status_code=~"5.."'


def rate(metric: str, selector: str = "", by: str = "") -> str:
    """The rate of a counter, summed `by` labels."""
    return f"{_sum(by)} (rate({metric}{{{selector}}}[$__rate_interval]))"


def ratio(metric: str, part: str, whole: str, by: str = "") -> str:
    """What share `part` has of `whole`; 0 where there is no part, nothing where no whole."""
    total = rate(metric, whole, by)
    return f"({rate(metric, part, by)} or {total} * 0) / ({total} > 0)"


def quantile(share: float, histogram: str, selector: str = "", by: str = "") -> str:
    """A quantile of a histogram, `by` labels."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', selector, labels)})"


def joined(*selectors: str) -> str:
    """The matchers of all `selectors`."""
    return ",".join(part for part in selectors if part)


def _sum(by: str) -> str:
    return f"sum by ({by})" if by else "sum"
