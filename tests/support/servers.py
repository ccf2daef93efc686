"""One PostgreSQL for all workers of a test run, one NATS server a worker."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from migrator.run.servers import EmbeddedPostgres


@contextmanager
def fresh_database(server: EmbeddedPostgres) -> Iterator[str]:
    """The URL of an empty database, dropped at the end."""
    name = f"test_{uuid.uuid4().hex}"
    url = server.create_database(name)
    try:
        yield url
    finally:
        server.drop_database(name)
