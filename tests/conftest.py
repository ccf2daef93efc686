"""Fixtures of all tests: real servers, started when the first test asks."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.servers import fresh_database

from migrator.analyze import mistakes
from migrator.run.servers import EmbeddedNats, EmbeddedPostgres

# Workers inherit it from who starts them.
_POSTGRES = "MIGRATOR_TESTS_POSTGRES"


# How long examples take is the machine's affair: it runs other tests at the same time.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

mistakes.raised = True


def pytest_configure(config: pytest.Config) -> None:
    """Choose where the run's PostgreSQL keeps its data.

    Not in pytest's own folder: that of root is closed to others by the next run of pytest, and the
    server, which is never root, loses its files.
    """
    if not hasattr(config, "workerinput"):
        folder = Path(tempfile.mkdtemp(prefix="migrator-tests-"))
        folder.chmod(0o755)
        os.environ[_POSTGRES] = str(folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove it, once every worker has ended."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(_POSTGRES), ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """The run's PostgreSQL server."""
    with EmbeddedPostgres(Path(os.environ[_POSTGRES]) / "data", durable=False) as server:
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
