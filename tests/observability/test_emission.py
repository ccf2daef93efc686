"""The checker itself finds what is not emitted."""

from __future__ import annotations

import pytest
from support.emission import missing, names

ROWS = {
    "a_total": [{"__name__": "a_total", "service_name": "x", "code": "200"}],
    "b_bucket": [{"__name__": "b_bucket", "service_name": "x", "le": "1"}],
}


def series(selector: str) -> list[dict[str, str]]:
    return ROWS.get(selector, [])


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ('sum by (service_name) (rate(a_total{code=~"5.."}[5m])) > 0.1', []),
        ('rate(a_total{kode="1"}[5m])', ["a_total{kode}"]),
        ("sum by (tenant) (a_total)", ["{tenant}"]),
        ("histogram_quantile(0.95, sum by (le) (rate(b_bucket[5m])))", []),
        ("absent(c_total)", ["c_total"]),
        ('a_total unless on (service_name) d{x="a_total and more"}', ["d"]),
        ("slo:ratio_5m > 14.4 * slo:budget", ["slo:budget", "slo:ratio_5m"]),
        ("vector(1)", []),
        ("a_total offset 1d or vector(0)", []),
        ("rate(otelcol_x_total[5m])", []),
        ('label_replace(a_total, "dst", "$1", "code", "(.*)")', []),
    ],
)
def test_missing_metrics_and_labels_are_told(expression: str, wanted: list[str]) -> None:
    assert missing(expression, series) == wanted


def test_names_are_read_with_their_labels() -> None:
    found = names('sum by (a, b) (m{x="1",y=~"z{2}"}) / n')
    assert found == ({"m": {"x", "y"}, "n": set()}, {"a", "b"})
