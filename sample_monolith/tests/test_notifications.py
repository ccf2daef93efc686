import pytest


def test_who_registers_is_welcomed(client, candidate, employer):
    for headers, text in (
        (candidate, "Find your next job."),
        (employer, "Publish your first job."),
    ):
        (welcome,) = client.get("/api/notifications", headers=headers).json["items"]
        assert (welcome["kind"], welcome["body"], welcome["read_at"]) == ("welcome", text, None)


def test_a_notification_is_read_once(client, candidate):
    (welcome,) = client.get("/api/notifications", headers=candidate).json["items"]
    url = f"/api/notifications/{welcome['id']}/read"
    first = client.post(url, headers=candidate).json["read_at"]
    assert first is not None
    assert client.post(url, headers=candidate).json["read_at"] == first
    assert client.get("/api/notifications/unread-count", headers=candidate).json == {"unread": 0}


def test_all_are_read_at_once(client, application, candidate, employer):
    assert client.get("/api/notifications/unread-count", headers=candidate).json == {"unread": 2}
    assert client.post("/api/notifications/read-all", headers=candidate).json == {"read": 2}
    assert client.post("/api/notifications/read-all", headers=candidate).json == {"read": 0}
    assert client.get("/api/notifications?unread=1", headers=candidate).json["total"] == 0
    assert client.get("/api/notifications/unread-count", headers=employer).json == {"unread": 2}


def test_the_list_is_filtered_and_paged(client, application, candidate):
    page = client.get("/api/notifications?kind=application_confirmed", headers=candidate).json
    assert [item["kind"] for item in page["items"]] == ["application_confirmed"]
    page = client.get("/api/notifications?per_page=1&page=2", headers=candidate).json
    assert (page["total"], [item["kind"] for item in page["items"]]) == (2, ["welcome"])


def test_nobody_touches_the_notifications_of_others(client, candidate, employer, sql):
    (welcome,) = client.get("/api/notifications", headers=candidate).json["items"]
    url = f"/api/notifications/{welcome['id']}"
    assert client.post(f"{url}/read", headers=employer).status_code == 404
    assert client.delete(url, headers=employer).status_code == 404
    assert client.delete(url, headers=candidate).status_code == 204
    assert client.delete(url, headers=candidate).status_code == 404
    assert sql("SELECT count(*) FROM notifications WHERE user_id = :u", u=candidate.id) == [(0,)]


@pytest.mark.parametrize(
    "url", ["", "/unread-count", "/preferences"], ids=["list", "count", "preferences"]
)
def test_notifications_need_somebody(client, url):
    assert client.get(f"/api/notifications{url}").status_code == 401


def test_preferences_start_with_everything_on(client, candidate):
    items = client.get("/api/notifications/preferences", headers=candidate).json["items"]
    assert len(items) == 15
    assert all(item["in_app"] and item["email"] for item in items)


def test_a_preference_is_kept_and_changed(client, candidate, sql):
    url = "/api/notifications/preferences/welcome"
    body = {"email": False}
    answer = client.put(url, json=body, headers=candidate).json
    assert answer == {"kind": "welcome", "in_app": True, "email": False}
    answer = client.put(url, json={"in_app": False}, headers=candidate).json
    assert answer == {"kind": "welcome", "in_app": False, "email": True}
    assert sql("SELECT kind, in_app, email FROM notification_preferences") == [
        ("welcome", False, True)
    ]


def test_a_preference_is_yes_or_no_and_of_a_known_kind(client, candidate):
    url = "/api/notifications/preferences"
    assert client.put(f"{url}/welcome", json={"email": "?"}, headers=candidate).status_code == 422
    assert client.put(f"{url}/gossip", json={}, headers=candidate).status_code == 404


def test_who_does_not_want_to_hear_is_not_told(client, apply, job, employer, candidate, told):
    url = "/api/notifications/preferences/application_received"
    client.put(url, json={"in_app": False}, headers=employer)
    assert apply(candidate, job).status_code == 201
    assert told(employer) == []
    assert told(candidate) == ["application_confirmed"]


def test_a_saved_search_alerts(client, candidate, employer, company, make_job, told, sql):
    for name, terms in (("mine", "data"), ("other", "cook")):
        client.post("/api/searches", json={"name": name, "terms": terms}, headers=candidate)
    make_job(employer, company["id"], "Data Analyst")
    assert told(candidate) == ["search_alert"]
    (newest, *_) = client.get("/api/notifications", headers=candidate).json["items"]
    assert (newest["title"], newest["body"]) == ("New job for “mine”", "Data Analyst")
    alerted = sql("SELECT name FROM saved_searches WHERE last_alert_at IS NOT NULL")
    assert alerted == [("mine",)]


def test_a_job_that_cannot_alert_is_not_published(
    client, candidate, employer, company, make_job, sql, monkeypatch
):
    """The handlers run in the transaction of the sender."""
    client.post("/api/searches", json={"name": "x", "terms": "data"}, headers=candidate)
    job = make_job(employer, company["id"], "Data Analyst", publish=False)

    def fail(*args):
        raise RuntimeError("no alerts today")

    monkeypatch.setattr("jobmarket.search.handlers.notify", fail)
    with pytest.raises(RuntimeError):
        client.post(f"/api/jobs/{job['id']}/publish", headers=employer)
    assert sql("SELECT status, published_at FROM jobs") == [("draft", None)]
    assert sql("SELECT count(*) FROM ledger_entries") == [(0,)]
    assert sql("SELECT count(*) FROM daily_reports") == [(0,)]


def test_a_verified_company_hears_of_it(client, admin, employer, company, told):
    client.post(f"/api/admin/companies/{company['id']}/verify", headers=admin)
    assert told(employer) == ["company_verified"]


def test_a_digest_holds_what_is_unread(tasks, application, candidate, employer, sql):
    from jobmarket.notifications.mailer import mailer

    mailer.sent.clear()
    assert tasks("send-digests").output == "sent: 2\n"
    mails = {mail.to: mail for mail in mailer.sent}
    assert set(mails) == {candidate.email, employer.email}
    assert mails[candidate.email].subject == "2 new on jobmarket"
    assert "- You applied to Okapi Robotics" in mails[candidate.email].text
    assert sql("SELECT count(*) FROM notifications WHERE emailed_at IS NULL") == [(0,)]
    assert tasks("send-digests").output == "sent: 0\n"


def test_a_digest_respects_preferences_and_reading(client, tasks, application, candidate, employer):
    client.post("/api/notifications/read-all", headers=candidate)
    for kind in ("welcome", "application_received"):
        url = f"/api/notifications/preferences/{kind}"
        client.put(url, json={"email": False}, headers=employer)
    assert tasks("send-digests").output == "sent: 0\n"


def test_a_digest_is_short(client, tasks, candidate, employer, company, make_job):
    from jobmarket.notifications.mailer import mailer

    client.post("/api/searches", json={"name": "all", "terms": ""}, headers=candidate)
    for number in range(12):
        make_job(employer, company["id"], f"Job {number}")
    mailer.sent.clear()
    tasks("send-digests")
    (mail,) = [mail for mail in mailer.sent if mail.to == candidate.email]
    assert mail.subject == "13 new on jobmarket"
    assert "and 3 more" in mail.text


def test_accounts_that_are_off_get_no_mail(client, tasks, admin, candidate):
    client.patch(f"/api/admin/users/{candidate.id}", json={"is_active": False}, headers=admin)
    assert tasks("send-digests").output == "sent: 1\n"
