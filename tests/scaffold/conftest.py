"""What the tests of revisions share."""

from __future__ import annotations

import sys
import types

import pytest


@pytest.fixture
def bare_chassis(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first revision asks the chassis for its tables; here only ours are looked at."""
    chassis = types.ModuleType("chassis")
    schema = types.ModuleType("chassis.schema")
    schema.upgrade = schema.downgrade = lambda _: None  # type: ignore[attr-defined]
    chassis.schema = schema  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "chassis", chassis)
    monkeypatch.setitem(sys.modules, "chassis.schema", schema)
