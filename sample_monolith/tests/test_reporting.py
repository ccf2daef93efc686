import csv
import io
from datetime import timedelta

import pytest
from jobmarket.utils import month_of, utcnow


@pytest.fixture
def hire(client, move, employer):
    def make(application, headers):
        move(application, "screening")
        url = f"/api/applications/{application['id']}/offer"
        client.post(url, json={"amount_cents": 100}, headers=employer)
        assert client.post(f"{url}/accept", headers=headers).status_code == 200

    return make


def today():
    return utcnow().date().isoformat()


def daily(client, admin, query=""):
    return client.get(f"/api/admin/reports/daily{query}", headers=admin).json["items"]


def test_an_empty_funnel_is_all_zero(client, employer, company):
    url = f"/api/companies/{company['id']}/reports/funnel"
    report = client.get(url, headers=employer).json
    assert (report["total"], report["hired_share"]) == (0, 0.0)
    assert len(report["stages"]) == 7
    assert all(n == {"applications": 0, "interviewed": 0} for n in report["stages"].values())


def test_the_funnel_counts_stages_and_interviews(
    client, apply, application, candidate, job, employer, company, hire, move, register
):
    second = apply(register("second@example.com"), job).json
    move(second, "screening")
    starts_at = (utcnow() + timedelta(days=1)).isoformat()
    for _ in range(2):
        url = f"/api/applications/{second['id']}/interviews"
        client.post(url, json={"starts_at": starts_at}, headers=employer)
    hire(application, candidate)
    url = f"/api/companies/{company['id']}/reports/funnel"
    report = client.get(url, headers=employer).json
    assert (report["total"], report["hired_share"]) == (2, 0.5)
    assert report["stages"]["interview"] == {"applications": 1, "interviewed": 1}
    assert report["stages"]["hired"] == {"applications": 1, "interviewed": 0}


def test_the_time_to_hire_is_in_days(
    client, application, candidate, employer, company, job, hire, sql
):
    hire(application, candidate)
    sql(
        "UPDATE jobs SET published_at = (SELECT decided_at FROM applications) - interval '36 hours'"
    )
    url = f"/api/companies/{company['id']}/reports/time-to-hire"
    report = client.get(url, headers=employer).json
    assert report == {
        "hires": [
            {"job_id": job["id"], "title": job["title"], "candidate": "Candidate", "days": 1.5}
        ],
        "average_days": 1.5,
    }


def test_without_hires_there_is_no_average(client, employer, company, application):
    url = f"/api/companies/{company['id']}/reports/time-to-hire"
    assert client.get(url, headers=employer).json == {"hires": [], "average_days": None}


@pytest.mark.parametrize("report", ["funnel", "time-to-hire"])
def test_reports_of_a_company_are_its_own(client, company, candidate, colleague, admin, report):
    url = f"/api/companies/{company['id']}/reports/{report}"
    assert client.get(url, headers=candidate).status_code == 403
    assert client.get(url, headers=colleague("viewer")).status_code == 200
    elsewhere = f"/api/companies/99/reports/{report}"
    assert client.get(elsewhere, headers=admin).status_code == 404


@pytest.mark.parametrize(
    "report", ["reports/daily", "reports/revenue", "reports/top-companies", "reports/export/ledger"]
)
def test_the_other_reports_are_the_admins(client, candidate, admin, report):
    url = f"/api/admin/{report}"
    assert client.get(url, headers=candidate).status_code == 403
    assert client.get(url, headers=admin).status_code == 200


def test_revenue_by_month_and_kind(client, admin, application):
    items = client.get("/api/admin/reports/revenue", headers=admin).json["items"]
    month = month_of()
    assert items == [
        {"month": month, "kind": "application_fee", "cents": 150, "entries": 1},
        {"month": month, "kind": "listing_fee", "cents": 900, "entries": 1},
    ]


def test_top_companies_by_what_they_owe(
    client, admin, application, company, employer, register, make_company
):
    other = make_company(register("second@example.com", "employer"), "Hafenwerk")
    url = "/api/admin/reports/top-companies"
    first, second = client.get(url, headers=admin).json["items"]
    assert first == {
        "id": company["id"],
        "name": company["name"],
        "owner": employer.email,
        "applications": 1,
        "cents": 1050,
    }
    assert (second["id"], second["cents"], second["applications"]) == (other["id"], 0, 0)
    assert len(client.get(f"{url}?limit=1", headers=admin).json["items"]) == 1
    assert len(client.get(f"{url}?limit=-5", headers=admin).json["items"]) == 1


def test_the_day_is_counted_while_it_goes_by(client, admin, application, candidate, hire):
    hire(application, candidate)
    assert daily(client, admin) == [
        {"day": today(), "jobs_published": 1, "applications": 1, "hires": 1, "revenue_cents": 0}
    ]


def test_counting_again_gives_the_same(client, admin, application, candidate, hire, sql):
    hire(application, candidate)
    before = daily(client, admin)
    sql("UPDATE daily_reports SET applications = 99, hires = 99")
    body = {"from": today(), "to": today()}
    answer = client.post("/api/admin/reports/daily/rebuild", json=body, headers=admin)
    assert answer.json == {"days": 1}
    assert daily(client, admin) == before


def test_days_are_chosen(client, admin, job):
    body = {"from": "2024-05-30", "to": "2024-06-01"}
    client.post("/api/admin/reports/daily/rebuild", json=body, headers=admin)
    days = [r["day"] for r in daily(client, admin, "?from=2024-05-31&to=2024-12-31")]
    assert days == ["2024-05-31", "2024-06-01"]
    answer = client.get("/api/admin/reports/daily?from=June", headers=admin)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("first", "last"),
    [("2024-01-02", "2024-01-01"), ("2020-01-01", "2024-01-01"), ("x", "2024-01-01"), (5, 6)],
)
def test_odd_days_are_refused(client, admin, first, last, sql):
    body = {"from": first, "to": last}
    answer = client.post("/api/admin/reports/daily/rebuild", json=body, headers=admin)
    assert answer.status_code == 422
    assert sql("SELECT count(*) FROM daily_reports") == [(0,)]


def test_the_night_counts_the_last_week(client, admin, tasks, application, sql):
    sql("DELETE FROM daily_reports")
    assert tasks("rebuild-reports").output == "reports: 7\n"
    reports = daily(client, admin)
    assert len(reports) == 7
    assert (reports[-1]["day"], reports[-1]["applications"]) == (today(), 1)


@pytest.mark.parametrize(
    ("name", "header", "rows"),
    [
        ("applications", ["id", "job_id", "user_id", "stage", "created_at"], 1),
        ("ledger", ["id", "company_id", "kind", "amount_cents", "reference", "month"], 2),
        ("companies", ["id", "name", "slug", "city", "is_verified"], 1),
        ("invoices", ["id", "company_id", "number", "month", "total_cents", "status"], 0),
    ],
)
def test_exports_are_csv(client, admin, application, name, header, rows):
    answer = client.get(f"/api/admin/reports/export/{name}", headers=admin)
    assert answer.mimetype == "text/csv"
    table = list(csv.reader(io.StringIO(answer.text)))
    assert table[0] == header
    assert len(table) == rows + 1


@pytest.mark.parametrize("name", ["users", "ledger_entries", "ledger; DROP TABLE users"])
def test_only_what_is_listed_is_exported(client, admin, name):
    assert client.get(f"/api/admin/reports/export/{name}", headers=admin).status_code == 404


def test_admin_stats_count_applications(client, admin, application):
    stats = client.get("/api/admin/stats", headers=admin).json
    assert stats == {"users": 3, "companies": 1, "open_jobs": 1, "applications": 1}
