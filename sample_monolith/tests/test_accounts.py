import pytest

PASSWORD = "long enough"


def test_registering_makes_a_candidate_with_a_profile(client, register):
    me = register("ada@example.com", name="Ada")
    assert me.user["role"] == "candidate"
    profile = client.get("/api/me/profile", headers=me).json
    assert profile["user_id"] == me.id
    assert profile["headline"] == ""


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"email": "nobody"}, 422),
        ({"password": "short"}, 422),
        ({"role": "admin"}, 422),
        ({"name": ""}, 422),
    ],
)
def test_bad_registrations_are_refused(client, change, status):
    body = {"email": "ada@example.com", "name": "Ada", "password": PASSWORD, **change}
    answer = client.post("/api/auth/register", json=body)
    assert answer.status_code == status
    assert answer.json["error"]["code"] == "validation_failed"


def test_an_address_is_taken_whatever_its_case(client, register):
    register("ada@example.com")
    body = {"email": "ADA@example.com", "name": "Ada", "password": PASSWORD}
    assert client.post("/api/auth/register", json=body).status_code == 409


def test_a_wrong_password_and_an_unknown_address_sound_the_same(client, candidate):
    wrong = {"email": candidate.email, "password": "something else"}
    unknown = {"email": "who@example.com", "password": "something else"}
    answers = [client.post("/api/auth/login", json=body) for body in (wrong, unknown)]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json == answers[1].json


def test_login_remembers_when(client, candidate):
    assert client.get("/api/me", headers=candidate).json["last_login_at"] is not None


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer forged.token", "Basic abc"])
def test_without_a_good_token_nobody_is_logged_in(client, token):
    assert client.get("/api/me", headers={"Authorization": token}).status_code == 401


def test_a_name_can_change(client, candidate):
    answer = client.patch("/api/me", json={"name": " Grace "}, headers=candidate)
    assert answer.json["name"] == "Grace"


def test_a_profile_keeps_what_was_not_sent(client, candidate):
    client.put("/api/me/profile", json={"headline": "Engineer"}, headers=candidate)
    answer = client.put("/api/me/profile", json={"location": "Berlin"}, headers=candidate)
    assert answer.json["headline"] == "Engineer"
    assert answer.json["location"] == "Berlin"


def test_a_password_changes_only_with_the_old_one(client, candidate, login):
    body = {"old": "not it", "new": "another long one"}
    assert client.post("/api/me/password", json=body, headers=candidate).status_code == 403
    body["old"] = PASSWORD
    assert client.post("/api/me/password", json=body, headers=candidate).status_code == 204
    assert login(candidate.email, "another long one").id == candidate.id


def test_a_program_exchanges_its_token_until_it_is_revoked(client, candidate):
    made = client.post("/api/me/tokens", json={"label": "ci"}, headers=candidate).json
    answer = client.post("/api/auth/token", json={"secret": made["secret"]})
    bearer = {"Authorization": f"Bearer {answer.json['token']}"}
    assert client.get("/api/me", headers=bearer).json["id"] == candidate.id
    assert client.delete(f"/api/me/tokens/{made['id']}", headers=candidate).status_code == 204
    assert client.post("/api/auth/token", json={"secret": made["secret"]}).status_code == 401


def test_secrets_are_shown_once(client, candidate):
    client.post("/api/me/tokens", json={"label": "ci"}, headers=candidate)
    (token,) = client.get("/api/me/tokens", headers=candidate).json["items"]
    assert token["label"] == "ci"
    assert "secret" not in token


def test_nobody_revokes_the_token_of_another(client, candidate, employer):
    made = client.post("/api/me/tokens", json={"label": "ci"}, headers=candidate).json
    assert client.delete(f"/api/me/tokens/{made['id']}", headers=employer).status_code == 404


def test_others_see_the_name_but_not_the_address(client, candidate, employer):
    seen = client.get(f"/api/users/{candidate.id}", headers=employer).json
    assert seen == {"id": candidate.id, "name": "Candidate", "headline": ""}
    own = client.get(f"/api/users/{candidate.id}?full=1", headers=candidate).json
    assert own["email"] == candidate.email


def test_export_holds_account_and_profile(client, candidate):
    data = client.get("/api/me/export", headers=candidate).json
    assert data["user"]["email"] == candidate.email
    assert data["profile"]["user_id"] == candidate.id
    assert data["applications"] == []


def test_erasing_leaves_nothing_of_a_person(client, candidate, admin):
    client.post("/api/searches", json={"name": "x", "terms": "go"}, headers=candidate)
    client.post("/api/me/tokens", json={"label": "ci"}, headers=candidate)
    assert client.delete("/api/me", headers=candidate).status_code == 204
    assert client.get("/api/me", headers=candidate).status_code == 401
    assert client.get(f"/api/admin/users/{candidate.id}", headers=admin).status_code == 404


def test_an_owner_hands_over_first(client, employer, company):
    assert client.delete("/api/me", headers=employer).status_code == 409


@pytest.mark.parametrize("path", ["users", "stats", "search/popular"])
def test_admin_pages_are_for_admins(client, candidate, path):
    assert client.get(f"/api/admin/{path}", headers=candidate).status_code == 403


def test_admins_find_people(client, admin, candidate, employer):
    page = client.get("/api/admin/users?role=employer", headers=admin).json
    assert [user["id"] for user in page["items"]] == [employer.id]
    page = client.get("/api/admin/users?q=candidate@", headers=admin).json
    assert [user["id"] for user in page["items"]] == [candidate.id]


def test_people_come_in_pages(client, admin, candidate, employer):
    page = client.get("/api/admin/users?per_page=2&page=2", headers=admin).json
    assert page["total"] == 3
    assert len(page["items"]) == 1


def test_an_account_that_is_off_is_out_at_once(client, admin, candidate):
    url = f"/api/admin/users/{candidate.id}"
    assert client.patch(url, json={"is_active": False}, headers=admin).status_code == 200
    assert client.get("/api/me", headers=candidate).status_code == 401
    body = {"email": candidate.email, "password": PASSWORD}
    assert client.post("/api/auth/login", json=body).status_code == 403


def test_no_role_is_invented(client, admin, candidate):
    url = f"/api/admin/users/{candidate.id}"
    assert client.patch(url, json={"role": "king"}, headers=admin).status_code == 422


def test_stats_count_each_part(client, admin, job):
    stats = client.get("/api/admin/stats", headers=admin).json
    assert stats == {"users": 2, "companies": 1, "open_jobs": 1, "applications": 0}


def test_an_unknown_path_is_json_too(client):
    assert client.get("/api/nothing").json["error"]["code"] == "not_found"
