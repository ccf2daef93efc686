"""A pytest plug-in for applications whose tests want a Redis: fakeredis instead of a server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from fakeredis import TcpFakeServer


@pytest.fixture(scope="session")
def redis_proc() -> Iterator[SimpleNamespace]:
    server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host, port = server.server_address[:2]
    yield SimpleNamespace(host=host, port=port)
    server.shutdown()
