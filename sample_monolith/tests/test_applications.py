"""Applying, moving, withdrawing, notes: and everything that one application sets in motion."""

import threading

import pytest

EVERYTHING = (
    "applications",
    "quotas",
    "ledger_entries",
    "notifications",
    "daily_reports",
)


def counts(sql):
    return {name: sql(f"SELECT count(*) FROM {name}")[0][0] for name in EVERYTHING}


def test_an_application_says_what_it_is(application, job, candidate, company):
    assert application["stage"] == "submitted"
    assert application["user_id"] == candidate.id
    assert application["candidate"] == "Candidate"
    assert application["job"] == {
        "id": job["id"],
        "title": job["title"],
        "company": company["name"],
    }
    assert application["offer"] is application["decided_at"] is None


def test_applying_writes_what_five_parts_keep(application, sql, candidate, employer, company):
    reference = f"application:{application['id']}"
    assert sql("SELECT user_id, kind, used FROM quotas") == [(candidate.id, "applications", 1)]
    entries = sql(
        "SELECT company_id, amount_cents, reference FROM ledger_entries"
        " WHERE kind = 'application_fee'"
    )
    assert entries == [(company["id"], 150, reference)]
    told = sql("SELECT user_id, kind FROM notifications WHERE reference = :r", r=reference)
    assert sorted(told) == [
        (candidate.id, "application_confirmed"),
        (employer.id, "application_received"),
    ]
    assert sql("SELECT applications, jobs_published FROM daily_reports") == [(1, 1)]


def test_every_recruiter_hears_but_no_viewer(apply, candidate, job, colleague, told, employer):
    recruiter, viewer = colleague("recruiter"), colleague("viewer")
    apply(candidate, job)
    assert told(recruiter) == ["company_invited", "application_received"]
    assert told(employer) == ["application_received"]
    assert told(viewer) == ["company_invited"]


@pytest.mark.parametrize("broken", ["jobmarket.reporting.handlers", "jobmarket.billing.ledger"])
def test_a_failure_anywhere_undoes_everything(app, apply, candidate, job, sql, monkeypatch, broken):
    """One transaction over five parts: a late failure must not leave the early writes behind."""
    before = counts(sql)

    def fail(*args, **kwargs):
        raise RuntimeError("the disk is full")

    place = {
        "jobmarket.reporting.handlers": "jobmarket.reporting.handlers.count",
        "jobmarket.billing.ledger": "jobmarket.applications.service.record_entry",
    }[broken]
    with monkeypatch.context() as patch:
        patch.setattr(place, fail)
        with pytest.raises(RuntimeError, match="disk is full"):
            apply(candidate, job)
    assert counts(sql) == before
    assert apply(candidate, job).status_code == 201
    assert sql("SELECT used FROM quotas") == [(1,)]


def test_the_last_statement_failing_undoes_everything(apply, candidate, job, sql):
    """As above, but it is the database that refuses."""
    before = counts(sql)
    sql("ALTER TABLE daily_reports ADD CONSTRAINT calm CHECK (applications < 1)")
    try:
        answer = apply(candidate, job)
    finally:
        sql("ALTER TABLE daily_reports DROP CONSTRAINT calm")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "conflict")
    assert counts(sql) == before


def test_nobody_applies_twice(apply, application, candidate, job, sql):
    before = counts(sql)
    answer = apply(candidate, job)
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "conflict")
    assert counts(sql) == before
    assert sql("SELECT used FROM quotas") == [(1,)]


def test_two_clicks_at_once_are_one_application(app, candidate, job, sql):
    start = threading.Barrier(4)
    statuses = []

    def click():
        start.wait()
        answer = app.test_client().post(
            f"/api/jobs/{job['id']}/applications", json={"cover_letter": "me"}, headers=candidate
        )
        statuses.append(answer.status_code)

    clicks = [threading.Thread(target=click) for _ in range(4)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert sorted(statuses) == [201, 409, 409, 409]
    assert sql("SELECT used FROM quotas") == [(1,)]
    assert sql("SELECT count(*) FROM ledger_entries WHERE kind = 'application_fee'") == [(1,)]


def test_a_used_up_quota_leaves_nothing_behind(client, apply, admin, candidate, job, sql):
    url = f"/api/admin/users/{candidate.id}/quotas/applications"
    assert client.put(url, json={"allowed": 0}, headers=admin).status_code == 200
    before = counts(sql)
    answer = apply(candidate, job)
    assert (answer.status_code, answer.json["error"]["code"]) == (429, "quota_exceeded")
    assert counts(sql) == before


def test_the_quota_counts_down_to_none(
    client, apply, admin, candidate, employer, company, make_job
):
    url = f"/api/admin/users/{candidate.id}/quotas/applications"
    client.put(url, json={"allowed": 2}, headers=admin)
    jobs = [make_job(employer, company["id"], f"Job {number}") for number in range(3)]
    assert [apply(candidate, job).status_code for job in jobs] == [201, 201, 429]


@pytest.mark.parametrize("publish", [False, True])
def test_drafts_and_closed_jobs_take_none(
    client, apply, candidate, employer, company, make_job, publish
):
    job = make_job(employer, company["id"], publish=publish)
    client.post(f"/api/jobs/{job['id']}/close", headers=employer)
    assert apply(candidate, job).status_code == 409


def test_no_such_job(apply, candidate):
    assert apply(candidate, {"id": 999}).status_code == 404


def test_employers_do_not_apply(apply, employer, job):
    assert apply(employer, job).status_code == 403


def test_a_letter_is_needed(client, candidate, job):
    answer = client.post(f"/api/jobs/{job['id']}/applications", json={}, headers=candidate)
    assert answer.status_code == 422
    assert answer.json["error"]["message"] == "missing: cover_letter"


def test_who_sees_an_application(
    client, application, candidate, employer, admin, colleague, register
):
    url = f"/api/applications/{application['id']}"
    for headers in (candidate, employer, admin, colleague("viewer")):
        assert client.get(url, headers=headers).json["id"] == application["id"]
    assert client.get(url, headers=register()).status_code == 403
    assert client.get(url).status_code == 401
    assert client.get("/api/applications/999", headers=admin).status_code == 404


def test_a_job_lists_its_applications_for_the_company(
    client, apply, application, job, employer, candidate, colleague, move, register
):
    second = apply(register("second@example.com"), job, "word " * 50).json
    move(second, "screening")
    url = f"/api/jobs/{job['id']}/applications"
    page = client.get(url, headers=colleague("viewer")).json
    assert [card["id"] for card in page["items"]] == [application["id"], second["id"]]
    assert len(page["items"][1]["summary"]) <= 80
    page = client.get(f"{url}?stage=screening", headers=employer).json
    assert [card["candidate"] for card in page["items"]] == ["Second"]
    assert client.get(url, headers=candidate).status_code == 403


def test_my_applications_come_newest_first(
    client, apply, application, candidate, employer, company, make_job
):
    other = apply(candidate, make_job(employer, company["id"], "Data Analyst")).json
    page = client.get("/api/me/applications", headers=candidate).json
    assert [card["id"] for card in page["items"]] == [other["id"], application["id"]]
    assert page["items"][0]["job"] == "Data Analyst"
    assert client.get("/api/me/applications?stage=hired", headers=candidate).json["total"] == 0
    assert client.get("/api/me/applications", headers=employer).json["total"] == 0


def test_moving_it_tells_the_candidate(client, application, employer, candidate, move, told):
    move(application, "screening", "interview")
    assert told(candidate) == ["application_confirmed", "application_moved", "application_moved"]
    shown = client.get(f"/api/applications/{application['id']}", headers=candidate).json
    assert (shown["stage"], shown["decided_at"]) == ("interview", None)


@pytest.mark.parametrize(
    ("stages", "new", "status"),
    [
        ((), "interview", 409),
        ((), "hired", 409),
        ((), "withdrawn", 409),
        ((), "offer", 409),
        ((), "nonsense", 422),
        (("screening",), "submitted", 409),
        (("rejected",), "screening", 409),
    ],
)
def test_stages_have_an_order(client, application, employer, move, stages, new, status):
    move(application, *stages)
    url = f"/api/applications/{application['id']}/stage"
    assert client.post(url, json={"stage": new}, headers=employer).status_code == status


def test_candidates_and_viewers_move_nothing(client, application, candidate, colleague):
    url = f"/api/applications/{application['id']}/stage"
    for headers in (candidate, colleague("viewer")):
        answer = client.post(url, json={"stage": "screening"}, headers=headers)
        assert answer.status_code == 403


def test_a_rejection_is_dated_and_ends_the_conversation(
    client, application, employer, candidate, move
):
    url = f"/api/applications/{application['id']}/conversation"
    talk = client.post(url, headers=employer).json
    move(application, "rejected")
    shown = client.get(f"/api/applications/{application['id']}", headers=candidate).json
    assert shown["decided_at"] is not None
    answer = client.post(
        f"/api/conversations/{talk['id']}/messages", json={"body": "Why?"}, headers=candidate
    )
    assert answer.status_code == 409


def test_withdrawing_early_is_refunded(client, application, employer, candidate, sql, told):
    url = f"/api/applications/{application['id']}/withdraw"
    assert client.post(url, headers=candidate).json["stage"] == "withdrawn"
    amounts = sql(
        "SELECT kind, amount_cents FROM ledger_entries WHERE reference = :r ORDER BY id",
        r=f"application:{application['id']}",
    )
    assert amounts == [("application_fee", 150), ("application_refund", -150)]
    assert told(employer) == ["application_received", "application_withdrawn"]
    assert client.post(url, headers=candidate).status_code == 409


def test_withdrawing_late_is_not_refunded(client, application, candidate, sql, move):
    move(application, "screening")
    answer = client.post(f"/api/applications/{application['id']}/withdraw", headers=candidate)
    assert answer.status_code == 200
    assert sql("SELECT count(*) FROM ledger_entries WHERE kind = 'application_refund'") == [(0,)]


def test_only_the_candidate_withdraws(client, application, employer, admin):
    url = f"/api/applications/{application['id']}/withdraw"
    assert client.post(url, headers=employer).status_code == 403
    assert client.post(url, headers=admin).status_code == 403


def test_a_closed_job_tells_those_who_wait(
    client, apply, application, job, employer, candidate, move, told, register
):
    rejected = register("rejected@example.com")
    move(apply(rejected, job).json, "rejected")
    client.post(f"/api/jobs/{job['id']}/close", headers=employer)
    assert told(candidate)[-1] == "job_closed"
    assert "job_closed" not in told(rejected)


def test_a_job_with_applications_stays(client, application, job, employer):
    assert client.delete(f"/api/jobs/{job['id']}", headers=employer).status_code == 409


def test_notes_are_the_companys(client, application, employer, candidate, colleague):
    url = f"/api/applications/{application['id']}/notes"
    recruiter = colleague("recruiter")
    client.post(url, json={"body": "strong"}, headers=employer)
    answer = client.post(url, json={"body": "shy"}, headers=recruiter)
    assert (answer.status_code, answer.json["author_id"]) == (201, recruiter.id)
    notes = client.get(url, headers=employer).json["items"]
    assert [(n["author"], n["body"]) for n in notes] == [
        ("Employer", "strong"),
        ("Recruiter", "shy"),
    ]
    for headers in (candidate, colleague("viewer")):
        assert client.get(url, headers=headers).status_code == 403
        assert client.post(url, json={"body": "me"}, headers=headers).status_code == 403


def test_a_note_is_deleted_by_who_wrote_it(
    client, apply, application, job, employer, colleague, register, sql
):
    url = f"/api/applications/{application['id']}/notes"
    note = client.post(url, json={"body": "strong"}, headers=employer).json
    recruiter = colleague("recruiter")
    assert client.delete(f"{url}/{note['id']}", headers=recruiter).status_code == 403
    other = apply(register("other@example.com"), job).json
    elsewhere = f"/api/applications/{other['id']}/notes/{note['id']}"
    assert client.delete(elsewhere, headers=employer).status_code == 404
    assert client.delete(f"{url}/{note['id']}", headers=employer).status_code == 204
    assert sql("SELECT count(*) FROM application_notes") == [(0,)]


def test_the_dashboard_counts_stages(client, apply, application, job, employer, company, move):
    move(application, "screening")
    board = client.get(f"/api/companies/{company['id']}/dashboard", headers=employer).json
    assert board["jobs"][0]["applications"] == 1
    assert {stage: n for stage, n in board["stages"].items() if n} == {"screening": 1}
