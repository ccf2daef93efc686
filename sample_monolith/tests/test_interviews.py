from datetime import UTC, datetime, timedelta

import pytest

SOON = (datetime.now(UTC) + timedelta(days=3)).replace(microsecond=0)
LATER = SOON + timedelta(days=2)


@pytest.fixture
def schedule(client, employer):
    def make(application, headers=employer, **details):
        body = {"starts_at": SOON.isoformat(), "location": "Room 1", **details}
        url = f"/api/applications/{application['id']}/interviews"
        return client.post(url, json=body, headers=headers)

    return make


@pytest.fixture
def interview(schedule, application, move):
    move(application, "screening")
    answer = schedule(application)
    assert answer.status_code == 201, answer.json
    return answer.json


def test_an_interview_moves_the_application_on(client, interview, application, employer):
    assert interview["interviewer_id"] == employer.id
    assert (interview["status"], interview["duration_minutes"]) == ("scheduled", 45)
    shown = client.get(f"/api/applications/{application['id']}", headers=employer).json
    assert shown["stage"] == "interview"


def test_an_interview_tells_the_candidate(client, interview, candidate, told, job):
    assert told(candidate)[-2:] == ["interview_scheduled", "application_moved"]
    items = client.get("/api/notifications?kind=interview_scheduled", headers=candidate).json
    (notification,) = items["items"]
    assert notification["title"] == f"Interview for {job['title']}"
    assert notification["reference"] == f"interview:{interview['id']}"


def test_a_second_interview_leaves_the_stage(client, interview, application, schedule, told):
    assert schedule(application, starts_at=LATER.isoformat()).status_code == 201


@pytest.mark.parametrize("stages", [(), ("rejected",)])
def test_no_interview_out_of_turn(schedule, application, move, stages, sql):
    move(application, *stages)
    assert schedule(application).status_code == 409
    assert sql("SELECT count(*) FROM interviews") == [(0,)]


@pytest.mark.parametrize(
    "details",
    [
        {"starts_at": "2020-01-01T10:00:00"},
        {"starts_at": "tomorrow"},
        {"interviewer_id": 999},
        {"interviewer_id": "me"},
        {"duration_minutes": "long"},
        {"duration_minutes": 0},
    ],
)
def test_impossible_interviews_are_refused(schedule, application, move, details, sql):
    move(application, "screening")
    answer = schedule(application, **details)
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "validation_failed")
    assert sql("SELECT count(*) FROM interviews") == [(0,)]


def test_a_colleague_interviews(client, schedule, application, move, colleague, told):
    move(application, "screening")
    viewer = colleague("viewer")
    answer = schedule(application, interviewer_id=viewer.id)
    assert answer.json["interviewer_id"] == viewer.id
    (mine,) = client.get("/api/me/interviews", headers=viewer).json["items"]
    assert mine["id"] == answer.json["id"]


def test_candidates_and_viewers_schedule_nothing(schedule, application, move, candidate, colleague):
    move(application, "screening")
    for headers in (candidate, colleague("viewer")):
        assert schedule(application, headers).status_code == 403


def test_times_without_a_zone_mean_utc(schedule, application, move):
    move(application, "screening")
    answer = schedule(application, starts_at=SOON.replace(tzinfo=None).isoformat())
    assert datetime.fromisoformat(answer.json["starts_at"]) == SOON


def test_both_sides_find_their_interviews(client, interview, candidate, employer, company, job):
    for headers in (candidate, employer):
        (mine,) = client.get("/api/me/interviews", headers=headers).json["items"]
        assert (mine["job"], mine["company"]) == (job["title"], company["name"])
        assert "feedback" not in mine


def test_feedback_is_for_the_companys_eyes(client, interview, application, candidate, employer):
    url = f"/api/interviews/{interview['id']}/feedback"
    body = {"rating": 4, "feedback": "clear thinking"}
    answer = client.post(url, json=body, headers=employer)
    assert (answer.json["status"], answer.json["rating"]) == ("done", 4)
    listed = f"/api/applications/{application['id']}/interviews"
    (inside,) = client.get(listed, headers=employer).json["items"]
    assert inside["feedback"] == "clear thinking"
    (outside,) = client.get(listed, headers=candidate).json["items"]
    assert not {"rating", "feedback"} & set(outside)
    assert client.get("/api/me/interviews", headers=candidate).json["items"] == []
    assert client.post(url, json=body, headers=employer).status_code == 409


@pytest.mark.parametrize("rating", [0, 6, "5", True, 2.5])
def test_a_rating_goes_from_1_to_5(client, interview, employer, rating, sql):
    url = f"/api/interviews/{interview['id']}/feedback"
    assert client.post(url, json={"rating": rating}, headers=employer).status_code == 422
    assert sql("SELECT status, rating FROM interviews") == [("scheduled", None)]


def test_a_moved_interview_tells_the_candidate(client, interview, candidate, employer, told):
    url = f"/api/interviews/{interview['id']}"
    answer = client.patch(url, json={"starts_at": LATER.isoformat()}, headers=employer)
    assert datetime.fromisoformat(answer.json["starts_at"]) == LATER
    newest = client.get("/api/notifications", headers=candidate).json["items"][0]
    assert newest["title"].startswith("Your interview moved")
    past = client.patch(url, json={"starts_at": "2020-01-01"}, headers=employer)
    assert past.status_code == 422


def test_a_cancelled_interview_is_over(client, interview, candidate, employer, told):
    url = f"/api/interviews/{interview['id']}"
    assert client.post(f"{url}/cancel", headers=candidate).status_code == 403
    answer = client.post(f"{url}/cancel", headers=employer)
    assert answer.json["status"] == "cancelled"
    assert told(candidate)[-1] == "interview_cancelled"
    assert client.post(f"{url}/cancel", headers=employer).status_code == 409
    body = {"starts_at": LATER.isoformat()}
    assert client.patch(url, json=body, headers=employer).status_code == 409


def test_who_does_not_want_to_hear_of_it_is_not_told_when_it_is_cancelled(
    client, interview, candidate, employer, told
):
    preference = "/api/notifications/preferences/interview_cancelled"
    client.put(preference, json={"in_app": False}, headers=candidate)
    client.post(f"/api/interviews/{interview['id']}/cancel", headers=employer)
    assert "interview_cancelled" not in told(candidate)


def test_the_dashboard_shows_what_comes_next(client, interview, employer, company, job):
    board = client.get(f"/api/companies/{company['id']}/dashboard", headers=employer).json
    (coming,) = board["next_interviews"]
    assert (coming["id"], coming["job"]) == (interview["id"], job["title"])


def test_no_such_interview(client, employer):
    assert client.post("/api/interviews/999/cancel", headers=employer).status_code == 404
