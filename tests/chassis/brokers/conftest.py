"""Each broker that runs here, started once for the module that asks."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chassis.settings import Settings
from support.brokers import KINDS, Server


@pytest.fixture(scope="module", params=sorted(KINDS))
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    kind = KINDS[request.param]
    if reason := kind.missing():
        pytest.skip(reason)
    made = kind.make(tmp_path_factory.mktemp(request.param))
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def settings(server: Server) -> Callable[..., Settings]:
    """Settings with a namespace of the test's own."""
    namespace = f"t{uuid.uuid4().hex[:12]}"

    def make(**changed: Any) -> Settings:
        return Settings("sqlite://", server.url, namespace, publish_timeout=5.0, **changed)

    return make
