def test_candidates_make_no_companies(client, candidate):
    answer = client.post("/api/companies", json={"name": "X"}, headers=candidate)
    assert answer.status_code == 403


def test_the_maker_is_the_owner(client, employer, company):
    members = client.get(f"/api/companies/{company['id']}/members", headers=employer).json
    assert [(m["user_id"], m["role"]) for m in members["items"]] == [(employer.id, "owner")]
    mine = client.get("/api/me/companies", headers=employer).json
    assert [found["id"] for found in mine["items"]] == [company["id"]]


def test_two_companies_of_one_name_have_two_slugs(employer, make_company):
    slugs = [make_company(employer, "Müller & Söhne")["slug"] for _ in range(2)]
    assert slugs == ["muller-sohne", "muller-sohne-2"]


def test_the_list_is_filtered_and_sorted(client, employer, make_company):
    for name, city in (("Zebra", "Berlin"), ("Antilope", "Berlin"), ("Okapi", "Lisbon")):
        make_company(employer, name, city=city)
    page = client.get("/api/companies?city=Berlin").json
    assert [found["name"] for found in page["items"]] == ["Antilope", "Zebra"]
    assert client.get("/api/companies?q=oka").json["total"] == 1


def test_only_members_change_a_company(client, employer, company, register):
    url = f"/api/companies/{company['id']}"
    stranger = register(role="employer")
    assert client.patch(url, json={"city": "Rome"}, headers=stranger).status_code == 403
    assert client.patch(url, json={"city": "Rome"}, headers=employer).json["city"] == "Rome"


def test_no_such_company(client):
    assert client.get("/api/companies/999").status_code == 404


def test_members_are_invited_by_address_and_once(client, employer, company, register):
    colleague = register("colleague@example.com", "employer")
    url = f"/api/companies/{company['id']}/members"
    body = {"email": colleague.email, "role": "viewer"}
    assert client.post(url, json=body, headers=employer).json["user_id"] == colleague.id
    assert client.post(url, json=body, headers=employer).status_code == 409
    assert client.post(url, json={"email": "who@x.org"}, headers=employer).status_code == 404


def test_a_viewer_looks_but_does_not_touch(client, employer, company, register):
    viewer = register(role="employer")
    url = f"/api/companies/{company['id']}"
    body = {"email": viewer.email, "role": "viewer"}
    client.post(f"{url}/members", json=body, headers=employer)
    assert client.get(f"{url}/dashboard", headers=viewer).status_code == 200
    answer = client.post(f"{url}/jobs", json={"title": "X"}, headers=viewer)
    assert answer.status_code == 403


def test_the_last_owner_stays(client, employer, company):
    url = f"/api/companies/{company['id']}/members/{employer.id}"
    assert client.delete(url, headers=employer).status_code == 409
    assert client.patch(url, json={"role": "viewer"}, headers=employer).status_code == 409


def test_a_member_rises_and_leaves(client, employer, company, register):
    colleague = register(role="employer")
    url = f"/api/companies/{company['id']}/members"
    client.post(url, json={"email": colleague.email}, headers=employer)
    answer = client.patch(f"{url}/{colleague.id}", json={"role": "owner"}, headers=employer)
    assert answer.json["role"] == "owner"
    assert client.delete(f"{url}/{employer.id}", headers=colleague).status_code == 204
    assert client.get(url, headers=employer).status_code == 403


def test_open_jobs_hold_a_company(client, employer, company, job):
    url = f"/api/companies/{company['id']}"
    assert client.delete(url, headers=employer).status_code == 409
    client.post(f"/api/jobs/{job['id']}/close", headers=employer)
    assert client.delete(url, headers=employer).status_code == 204
    assert client.get(f"/api/jobs/{job['id']}").status_code == 404


def test_the_dashboard_counts_views_once_a_view(client, employer, company, job, candidate):
    for _ in range(2):
        client.get(f"/api/jobs/{job['id']}", headers=candidate)
    board = client.get(f"/api/companies/{company['id']}/dashboard", headers=employer).json
    assert board["jobs"] == [
        {"id": job["id"], "title": job["title"], "status": "open", "applications": 0, "views": 2}
    ]
    assert board["stages"]["submitted"] == 0


def test_admins_verify(client, admin, employer, company):
    url = f"/api/admin/companies/{company['id']}/verify"
    assert client.post(url, headers=employer).status_code == 403
    assert client.post(url, headers=admin).json["is_verified"] is True
