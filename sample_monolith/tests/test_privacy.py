"""What a person may take along, and what is left when they are gone."""

import pytest

# What points at a person with ON DELETE SET NULL: it stays, without the person.
KEPT = {
    "application_notes.author_id",
    "companies.owner_id",
    "interviews.interviewer_id",
    "invoices.paid_by_id",
    "job_views.viewer_id",
    "jobs.created_by_id",
    "messages.sender_id",
    "search_logs.user_id",
    "subscriptions.changed_by_id",
}


@pytest.fixture
def busy(client, application, employer, candidate, job):
    """A candidate who has left a trace in every part."""
    talk = client.post(f"/api/applications/{application['id']}/conversation", headers=candidate)
    client.post(
        f"/api/conversations/{talk.json['id']}/messages", json={"body": "Hi"}, headers=candidate
    )
    client.get(f"/api/jobs/{job['id']}", headers=candidate)
    client.get("/api/search?q=backend", headers=candidate)
    client.post("/api/searches", json={"name": "x", "terms": "go"}, headers=candidate)
    client.post("/api/me/tokens", json={"label": "ci"}, headers=candidate)
    preference = "/api/notifications/preferences/welcome"
    client.put(preference, json={"email": False}, headers=candidate)
    return candidate


def columns_with_people(sql):
    return sql(
        "SELECT c.conrelid::regclass::text, a.attname FROM pg_constraint c"
        " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]"
        " WHERE c.contype = 'f' AND c.confrelid = 'users'::regclass ORDER BY 1, 2"
    )


def test_erasing_leaves_no_row_that_names_a_person(client, busy, sql):
    before = {
        (table, column): sql(f"SELECT count(*) FROM {table} WHERE {column} = :u", u=busy.id)[0][0]
        for table, column in columns_with_people(sql)
    }
    assert sum(1 for rows in before.values() if rows) >= 9
    assert client.delete("/api/me", headers=busy).status_code == 204
    for table, column in before:
        left = sql(f"SELECT count(*) FROM {table} WHERE {column} = :u", u=busy.id)
        assert left == [(0,)], f"{table}.{column}"
    assert sql("SELECT count(*) FROM users WHERE id = :u", u=busy.id) == [(0,)]


def test_what_is_kept_is_kept_without_the_person(client, busy, sql):
    client.delete("/api/me", headers=busy)
    assert sql("SELECT viewer_id FROM job_views") == [(None,)]
    assert sql("SELECT user_id, terms FROM search_logs") == [(None, "backend")]
    assert sql("SELECT count(*) FROM ledger_entries WHERE kind = 'application_fee'") == [(1,)]


def test_every_column_with_a_person_is_known(sql):
    """A new table with people in it must say whether it survives them."""
    rules = sql(
        "SELECT c.conrelid::regclass::text || '.' || a.attname FROM pg_constraint c"
        " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]"
        " WHERE c.contype = 'f' AND c.confrelid = 'users'::regclass AND c.confdeltype = 'n'"
    )
    assert {row[0] for row in rules} == KEPT


def test_a_failure_erases_nobody(client, busy, sql, monkeypatch):
    from jobmarket.signals import user_deleted

    def fail(sender, **extra):
        raise RuntimeError("not today")

    with user_deleted.connected_to(fail), pytest.raises(RuntimeError):
        client.delete("/api/me", headers=busy)
    assert client.get("/api/me", headers=busy).status_code == 200
    assert sql("SELECT count(*) FROM applications") == [(1,)]
    assert sql("SELECT count(*) FROM quotas") == [(2,)]


def test_admins_erase_others(client, admin, candidate, employer):
    url = f"/api/admin/users/{candidate.id}"
    assert client.delete(url, headers=employer).status_code == 403
    assert client.delete(url, headers=admin).status_code == 204
    assert client.delete(url, headers=admin).status_code == 404


def test_who_handed_over_may_go(client, employer, company, colleague, sql):
    """Once another owner is there, the founder can leave, and is forgotten."""
    heir = colleague("owner")
    assert client.delete("/api/me", headers=employer).status_code == 409
    members = f"/api/companies/{company['id']}/members"
    answer = client.delete(f"{members}/{employer.id}", headers=heir)
    assert answer.status_code == 204
    assert sql("SELECT owner_id FROM companies") == [(heir.id,)]
    assert client.delete("/api/me", headers=employer).status_code == 204
    assert client.get(f"/api/companies/{company['id']}", headers=heir).status_code == 200


def test_who_steps_down_owns_no_more(client, employer, company, colleague, sql):
    heir = colleague("owner")
    url = f"/api/companies/{company['id']}/members/{employer.id}"
    client.patch(url, json={"role": "recruiter"}, headers=heir)
    assert sql("SELECT owner_id FROM companies") == [(heir.id,)]


def test_an_export_tells_all(client, application, candidate, company, job):
    data = client.get("/api/me/export", headers=candidate).json
    (mine,) = data["applications"]
    assert (mine["id"], mine["stage"]) == (application["id"], "submitted")
    assert (mine["job"], mine["company"]) == (job["title"], company["name"])
    kinds = [told["kind"] for told in data["notifications"]]
    assert kinds == ["welcome", "application_confirmed"]


def test_an_export_is_of_oneself(client, application, employer):
    data = client.get("/api/me/export", headers=employer).json
    assert data["applications"] == []
    assert data["user"]["id"] == employer.id
