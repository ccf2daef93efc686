import pytest


@pytest.fixture
def draft(employer, company, make_job):
    return make_job(employer, company["id"], "Draft", publish=False)


def test_a_draft_is_seen_by_the_company_only(client, employer, candidate, draft):
    url = f"/api/jobs/{draft['id']}"
    assert client.get(url).status_code == 404
    assert client.get(url, headers=candidate).status_code == 404
    assert client.get(url, headers=employer).json["status"] == "draft"


def test_publishing_dates_the_job(job):
    assert job["status"] == "open"
    assert job["expires_at"] > job["published_at"]


def test_a_job_is_published_once(client, employer, job):
    assert client.post(f"/api/jobs/{job['id']}/publish", headers=employer).status_code == 409


def test_a_job_without_words_stays_in(client, employer, company, make_job):
    empty = make_job(employer, company["id"], publish=False, description="")
    assert client.post(f"/api/jobs/{empty['id']}/publish", headers=employer).status_code == 422


def test_closing_takes_it_off_the_list(client, employer, job):
    assert client.get("/api/jobs").json["total"] == 1
    assert client.post(f"/api/jobs/{job['id']}/close", headers=employer).status_code == 200
    assert client.get("/api/jobs").json["total"] == 0
    assert client.post(f"/api/jobs/{job['id']}/close", headers=employer).status_code == 409


@pytest.mark.parametrize("action", ["publish", "close"])
def test_strangers_neither_publish_nor_close(client, candidate, job, action):
    assert client.post(f"/api/jobs/{job['id']}/{action}", headers=candidate).status_code == 403


@pytest.mark.parametrize(
    "details",
    [
        {"employment_type": "forever"},
        {"currency": "XXX"},
        {"salary_min_cents": 2, "salary_max_cents": 1},
    ],
)
def test_impossible_jobs_are_refused(client, employer, company, details):
    url = f"/api/companies/{company['id']}/jobs"
    answer = client.post(url, json={"title": "X", **details}, headers=employer)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("q=data", ["Data Analyst"]),
        ("q=okapi", ["Data Analyst", "Backend Engineer"]),
        ("location=Berlin", ["Backend Engineer"]),
        ("remote=1", ["Data Analyst"]),
        ("type=contract", ["Data Analyst"]),
        ("skill=sql", ["Data Analyst"]),
        ("min_salary_cents=6000000", ["Backend Engineer"]),
        ("verified=1", []),
    ],
)
def test_the_list_is_filtered(client, employer, company, make_job, query, titles):
    make_job(employer, company["id"], location="Berlin", salary_max_cents=7000000)
    make_job(
        employer,
        company["id"],
        "Data Analyst",
        is_remote=True,
        employment_type="contract",
        skills=["SQL", "Python"],
    )
    found = client.get(f"/api/jobs?{query}").json["items"]
    assert [card["title"] for card in found] == titles


def test_changing_keeps_the_rest(client, employer, job):
    answer = client.patch(f"/api/jobs/{job['id']}", json={"location": "Rome"}, headers=employer)
    assert answer.json["location"] == "Rome"
    assert answer.json["title"] == job["title"]


def test_skills_are_shared_between_jobs(client, employer, company, make_job):
    first = make_job(employer, company["id"], skills=["Python", "SQL"])
    second = make_job(employer, company["id"], "Second", skills=["python", "Go"])
    skills = client.get("/api/skills").json["items"]
    assert [(s["slug"], s["jobs"]) for s in skills] == [("python", 2), ("go", 1), ("sql", 1)]
    similar = client.get(f"/api/jobs/{first['id']}/similar").json["items"]
    assert [card["id"] for card in similar] == [second["id"]]


def test_skills_are_replaced(client, employer, job):
    url = f"/api/jobs/{job['id']}/skills"
    client.put(url, json={"skills": ["Python"]}, headers=employer)
    answer = client.put(url, json={"skills": ["Go", "Rust"]}, headers=employer)
    assert answer.json["skills"] == ["Go", "Rust"]


def test_views_are_counted_by_people(client, employer, candidate, job):
    for headers in (candidate, candidate, {}):
        client.get(f"/api/jobs/{job['id']}", headers=headers)
    (day,) = client.get(f"/api/jobs/{job['id']}/views", headers=employer).json["items"]
    assert (day["views"], day["people"]) == (3, 1)


def test_a_company_sees_its_drafts(client, employer, company, draft, job):
    url = f"/api/companies/{company['id']}/jobs"
    assert client.get(url).json["total"] == 1
    assert client.get(url, headers=employer).json["total"] == 2


def test_a_job_nobody_applied_to_can_go(client, employer, job):
    assert client.delete(f"/api/jobs/{job['id']}", headers=employer).status_code == 204
    assert client.get(f"/api/jobs/{job['id']}").status_code == 404


def test_the_night_takes_down_old_jobs(app, client, job, employer, company, make_job):
    from datetime import timedelta

    from jobmarket.db import session
    from jobmarket.models import Job
    from jobmarket.utils import utcnow

    fresh = make_job(employer, company["id"], "Fresh")
    session.get(Job, job["id"]).expires_at = utcnow() - timedelta(days=1)
    session.commit()
    session.remove()
    result = app.test_cli_runner().invoke(args=["tasks", "expire-jobs"])
    assert result.output == "expired: 1\n"
    assert client.get(f"/api/jobs/{job['id']}").json["status"] == "expired"
    assert client.get(f"/api/jobs/{fresh['id']}").json["status"] == "open"


def test_the_seed_is_sown_once(app, client):
    runner = app.test_cli_runner()
    assert runner.invoke(args=["seed"]).output == "users: 11, jobs: 16\n"
    assert runner.invoke(args=["seed"]).output == "users: 0, jobs: 0\n"
    assert client.get("/api/jobs").json["total"] == 16
