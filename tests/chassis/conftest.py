"""Two services with databases of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.delivery import ACCOUNTS, LEDGER, Side, side


@pytest.fixture
def accounts(make_database: Callable[[], str]) -> Iterator[Side]:
    made = side(ACCOUNTS, make_database(), replica=False)
    yield made
    made.engine.dispose()


@pytest.fixture
def ledger(make_database: Callable[[], str]) -> Iterator[Side]:
    made = side(LEDGER, make_database(), replica=True)
    yield made
    made.engine.dispose()
