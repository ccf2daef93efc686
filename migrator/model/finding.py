"""What `verify` reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`path` is relative to the checked tree; `fix` says what to do. Baselines key on
    rule, source and target, never on lines."""

    rule: str
    severity: Severity
    path: str
    line: int
    message: str
    fix: str
    source: str
    target: str
