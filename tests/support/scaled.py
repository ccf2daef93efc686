"""Rules on another clock: what takes hours in operation takes seconds in a test.

Windows and waits up to 15 minutes run 30 times faster, longer windows 300 times; thresholds that
are seconds (ages, lags) 12 times. Ratios, burn rates and names stay as they are.
"""

from __future__ import annotations

import copy
import re
from typing import Any

_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RANGE = re.compile(r"\[(\d+)([smhd])\]")
_SECONDS_METRIC = re.compile(r"(_seconds(?:_bucket)?\b[^>]*> )(\d+)\b")
_SHORT, _LONG, _THRESHOLD = 30, 300, 12


def seconds(text: str) -> float:
    """The seconds of a duration such as ``5m``, on the faster clock."""
    found = re.fullmatch(r"(\d+)([smhd])", text)
    assert found, text
    given = int(found[1]) * _UNIT[found[2]]
    return given / (_SHORT if given <= 900 else _LONG)


def scaled(document: Any) -> Any:
    """A copy of a rule file's `document` on the faster clock."""
    made = copy.deepcopy(document)
    for group in made["groups"]:
        for rule in group["rules"]:
            rule["expr"] = _expression(rule["expr"])
            if "for" in rule:
                rule["for"] = _text(rule["for"])
    return made


def _expression(expression: str) -> str:
    expression = _SECONDS_METRIC.sub(_threshold, expression)
    return _RANGE.sub(lambda found: f"[{_text(found[1] + found[2])}]", expression)


def _threshold(found: re.Match[str]) -> str:
    return f"{found[1]}{int(found[2]) / _THRESHOLD:g}"


def _text(duration: str) -> str:
    return f"{max(1000, round(seconds(duration) * 1000))}ms"
