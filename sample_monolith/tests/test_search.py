import pytest


@pytest.mark.parametrize("terms", ["backend", "okapi", "GO"])
def test_title_company_and_skill_are_searched(client, employer, company, make_job, terms):
    wanted = make_job(employer, company["id"], skills=["Go"])
    make_job(employer, company["id"], "Draft about go backend", publish=False)
    found = client.get(f"/api/search?q={terms}").json
    assert [card["id"] for card in found["items"]] == [wanted["id"]]


def test_an_empty_search_is_refused(client):
    assert client.get("/api/search?q=").status_code == 422


def test_suggestions_come_from_three_tables(client, employer, make_company, make_job):
    company = make_company(employer, "Data Works")
    make_job(employer, company["id"], "Data Analyst", skills=["dataviz"])
    found = client.get("/api/search/suggest?q=dat").json["items"]
    assert {(s["label"], s["kind"]) for s in found} == {
        ("Data Analyst", "job"),
        ("Data Works", "company"),
        ("dataviz", "skill"),
    }


def test_searches_are_logged(client, admin):
    for terms in ("go", "Go", "rust"):
        client.get(f"/api/search?q={terms}")
    popular = client.get("/api/admin/search/popular", headers=admin).json["items"]
    assert popular == [{"terms": "go", "asked": 2}, {"terms": "rust", "asked": 1}]


@pytest.fixture
def saved(client, candidate):
    body = {"name": "Go jobs", "terms": "backend", "filters": {"location": "Berlin"}}
    return client.post("/api/searches", json=body, headers=candidate).json


def test_a_saved_search_is_ones_own(client, candidate, employer, saved):
    assert client.get("/api/searches", headers=candidate).json["items"] == [saved]
    assert client.get("/api/searches", headers=employer).json["items"] == []
    url = f"/api/searches/{saved['id']}"
    assert client.delete(url, headers=employer).status_code == 404
    assert client.delete(url, headers=candidate).status_code == 204


def test_an_unknown_filter_is_refused(client, candidate):
    body = {"name": "x", "filters": {"colour": "red"}}
    assert client.post("/api/searches", json=body, headers=candidate).status_code == 422


def test_a_saved_search_runs(client, candidate, saved, job):
    answer = client.get(f"/api/searches/{saved['id']}/results", headers=candidate)
    assert [card["id"] for card in answer.json["items"]] == [job["id"]]


def alerts(client, headers):
    items = client.get("/api/notifications", headers=headers).json["items"]
    return [item["reference"] for item in items if item["kind"] == "search_alert"]


def test_an_alert_tells_of_a_matching_job(client, candidate, saved, employer, company, make_job):
    make_job(employer, company["id"], location="Rome")
    wanted = make_job(employer, company["id"], location="Berlin")
    assert alerts(client, candidate) == [f"job:{wanted['id']}"]


def test_alerts_can_be_off(client, candidate, saved, employer, company, make_job):
    url = f"/api/searches/{saved['id']}"
    assert client.patch(url, json={"alerts": False}, headers=candidate).json["alerts"] is False
    make_job(employer, company["id"], location="Berlin")
    assert alerts(client, candidate) == []
