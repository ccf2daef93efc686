import pytest


@pytest.fixture
def talk(client, application, employer):
    url = f"/api/applications/{application['id']}/conversation"
    answer = client.post(url, headers=employer)
    assert answer.status_code == 201, answer.json
    return answer.json


@pytest.fixture
def say(client, talk):
    def send(headers, body="Hello"):
        url = f"/api/conversations/{talk['id']}/messages"
        return client.post(url, json={"body": body}, headers=headers)

    return send


def unread(client, headers):
    return client.get("/api/conversations/unread-count", headers=headers).json["unread"]


def test_an_application_has_one_conversation(client, talk, application, candidate, job, company):
    assert (talk["subject"], talk["closed_at"]) == (job["title"], None)
    assert talk["candidate"] == {"id": candidate.id, "name": "Candidate"}
    assert talk["company"] == {"id": company["id"], "name": company["name"]}
    url = f"/api/applications/{application['id']}/conversation"
    assert client.post(url, headers=candidate).json["id"] == talk["id"]


def test_strangers_start_and_read_nothing(client, talk, application, say, register):
    stranger = register("stranger@example.com")
    url = f"/api/applications/{application['id']}/conversation"
    assert client.post(url, headers=stranger).status_code == 403
    for path in ("", "/messages"):
        answer = client.get(f"/api/conversations/{talk['id']}{path}", headers=stranger)
        assert answer.status_code == 404
    assert say(stranger).status_code == 404
    assert client.get("/api/conversations", headers=stranger).json["total"] == 0


def test_a_message_reaches_the_other_side(client, say, candidate, employer, told, sql):
    answer = say(employer, "  When can you start?  ")
    assert answer.status_code == 201
    assert (answer.json["body"], answer.json["sender"]) == ("When can you start?", "Employer")
    assert told(candidate)[-1] == "message_received"
    assert "message_received" not in told(employer)
    assert (unread(client, candidate), unread(client, employer)) == (1, 0)
    assert sql("SELECT used FROM quotas WHERE kind = 'messages'") == [(1,)]


def test_a_candidate_reaches_every_recruiter(say, candidate, employer, colleague, told):
    recruiter = colleague("recruiter")
    assert say(candidate).status_code == 201
    assert told(employer)[-1] == told(recruiter)[-1] == "message_received"


def test_reading_is_for_the_other_side(client, talk, say, candidate, employer):
    say(employer), say(employer), say(candidate)
    url = f"/api/conversations/{talk['id']}/read"
    assert client.post(url, headers=candidate).json == {"read": 2}
    assert client.post(url, headers=candidate).json == {"read": 0}
    assert (unread(client, candidate), unread(client, employer)) == (0, 1)
    assert client.post(url, headers=employer).json == {"read": 1}


def test_messages_come_in_order_and_pages(client, talk, say, candidate, employer):
    for number, headers in enumerate((employer, candidate, employer)):
        say(headers, f"message {number}")
    page = client.get(f"/api/conversations/{talk['id']}/messages?per_page=2", headers=candidate)
    assert [m["body"] for m in page.json["items"]] == ["message 0", "message 1"]
    assert page.json["total"] == 3


def test_both_sides_list_the_conversation(client, talk, candidate, employer, colleague):
    for headers in (candidate, employer, colleague("viewer")):
        page = client.get("/api/conversations", headers=headers).json
        assert [found["id"] for found in page["items"]] == [talk["id"]]
        shown = client.get(f"/api/conversations/{talk['id']}", headers=headers).json
        assert shown == talk


def test_a_viewer_reads_but_does_not_write(say, colleague, sql):
    assert say(colleague("viewer")).status_code == 403
    assert sql("SELECT count(*) FROM messages") == [(0,)]


@pytest.mark.parametrize("body", ["   ", "x" * 5001])
def test_odd_messages_are_refused(say, candidate, body, sql):
    assert say(candidate, body).status_code == 422
    assert sql("SELECT count(*) FROM messages") == [(0,)]
    assert sql("SELECT count(*) FROM quotas WHERE kind = 'messages'") == [(0,)]


def test_messages_have_a_quota(client, admin, say, candidate, sql):
    url = f"/api/admin/users/{candidate.id}/quotas/messages"
    client.put(url, json={"allowed": 1}, headers=admin)
    assert [say(candidate).status_code for _ in range(2)] == [201, 429]
    assert sql("SELECT count(*) FROM messages") == [(1,)]


def test_a_message_that_cannot_be_told_is_not_sent(say, candidate, sql, monkeypatch):
    def fail(*args):
        raise RuntimeError("nobody listens")

    monkeypatch.setattr("jobmarket.notifications.handlers.notify", fail)
    with pytest.raises(RuntimeError):
        say(candidate)
    assert sql("SELECT count(*) FROM messages") == [(0,)]
    assert sql("SELECT count(*) FROM quotas WHERE kind = 'messages'") == [(0,)]


def test_withdrawing_closes_the_conversation(client, talk, say, application, candidate, employer):
    client.post(f"/api/applications/{application['id']}/withdraw", headers=candidate)
    assert say(employer).status_code == 409
    shown = client.get(f"/api/conversations/{talk['id']}", headers=candidate).json
    assert shown["closed_at"] is not None


def test_who_left_has_no_name(client, talk, say, employer, candidate, colleague):
    recruiter = colleague("recruiter")
    say(recruiter)
    assert client.delete("/api/me", headers=recruiter).status_code == 204
    page = client.get(f"/api/conversations/{talk['id']}/messages", headers=candidate).json
    assert [(m["sender_id"], m["sender"]) for m in page["items"]] == [(None, "(deleted)")]
