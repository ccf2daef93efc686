"""What those who run it rely on: revisions, commands, seed, and that bad input is no crash."""

import pytest


def test_revisions_make_what_the_models_say(app):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from jobmarket.db import Base, engine

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_every_command_has_its_line_of_help(app):
    listed = app.test_cli_runner().invoke(args=["tasks", "--help"]).output
    for name in ("close-month", "expire-jobs", "rebuild-reports", "send-digests"):
        assert name in listed


def test_the_night_tells_those_who_applied(tasks, application, candidate, told, sql):
    sql("UPDATE jobs SET expires_at = now() - interval '1 day'")
    assert tasks("expire-jobs").output == "expired: 1\n"
    assert tasks("expire-jobs").output == "expired: 0\n"
    assert told(candidate)[-1] == "job_closed"


def test_the_seed_can_be_worked_with(app, client, login, sql):
    assert app.test_cli_runner().invoke(args=["seed"]).exit_code == 0
    candidate = login("candidate0@example.com", "correct horse")
    page = client.get("/api/jobs?per_page=1", headers=candidate).json
    url = f"/api/jobs/{page['items'][0]['id']}/applications"
    assert client.post(url, json={"cover_letter": "me"}, headers=candidate).status_code == 201
    admin = login("admin@example.com", "correct horse")
    assert client.get("/api/admin/stats", headers=admin).json["open_jobs"] == 16
    assert sql("SELECT count(*) FROM subscriptions") == [(4,)]


def test_ping(client):
    assert client.get("/api/ping").json == {"status": "ok"}


LONG = "x" * 1000


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/api/auth/register", {"email": 5, "name": "A", "password": "long enough"}),
        (
            "post",
            "/api/auth/register",
            {"email": "a@b.co", "name": LONG, "password": "long enough"},
        ),
        ("post", "/api/auth/register", {"email": "a@b.co", "name": "A", "password": 12345678}),
        ("post", "/api/auth/login", {"email": ["a"], "password": {}}),
        ("post", "/api/auth/token", {"secret": 5}),
        ("patch", "/api/me", {"name": 5}),
        ("put", "/api/me/profile", {"headline": LONG}),
        ("post", "/api/companies", {"name": LONG}),
        ("post", "/api/companies", {"name": 7}),
        ("patch", "/api/companies/{company}", {"name": None}),
        ("post", "/api/companies/{company}/members", {"email": 5}),
        ("post", "/api/companies/{company}/jobs", {"title": LONG}),
        ("post", "/api/companies/{company}/jobs", {"title": "A", "salary_min_cents": "much"}),
        ("post", "/api/companies/{company}/jobs", {"title": "A", "skills": [1]}),
        ("patch", "/api/jobs/{job}", {"title": None}),
        ("put", "/api/jobs/{job}/skills", {"skills": 5}),
        ("post", "/api/searches", {"name": "x", "filters": 5}),
        ("post", "/api/searches", {"name": LONG}),
        ("post", "/api/jobs/{job}/publish/", None),
        ("get", "/api/jobs?page=99999999999999999999", None),
        ("get", "/api/jobs/99999999999999999999", None),
    ],
)
def test_garbage_is_refused_and_never_a_crash(client, employer, company, job, method, path, body):
    """Also a value of another type, one that is too long, and one that is no number."""
    url = path.format(company=company["id"], job=job["id"])
    answer = getattr(client, method)(url, json=body, headers=employer)
    assert answer.status_code < 500, answer.text
    assert answer.status_code < 400 or answer.json["error"]["message"]
    assert client.get("/api/me", headers=employer).status_code == 200
