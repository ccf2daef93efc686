"""Fixtures of all tests: real servers, started when the first test asks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from support.servers import fresh_database, shared_folder

from migrator.run.servers import EmbeddedNats, EmbeddedPostgres


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """The run's PostgreSQL server."""
    base = tmp_path_factory.getbasetemp()
    folder = shared_folder(base, "PYTEST_XDIST_WORKER" in os.environ) / "postgres"
    with EmbeddedPostgres(folder, durable=False) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """The URL of an empty database."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
def make_database(postgres_server: EmbeddedPostgres) -> Iterator[Callable[[], str]]:
    """Makes empty databases, for tests that need several."""
    with ExitStack() as databases:
        yield lambda: databases.enter_context(fresh_database(postgres_server))


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedNats]:
    """This worker's NATS server."""
    with EmbeddedNats(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture
def nats_url(nats_server: EmbeddedNats) -> str:
    """The URL of a NATS server with JetStream; names must be the test's own."""
    return nats_server.url
