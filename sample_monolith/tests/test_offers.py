import pytest


@pytest.fixture
def offer(client, employer):
    def make(application, amount=6_000_000, headers=employer):
        url = f"/api/applications/{application['id']}/offer"
        return client.post(url, json={"amount_cents": amount}, headers=headers)

    return make


@pytest.fixture
def offered(offer, application, move):
    move(application, "screening")
    answer = offer(application)
    assert answer.status_code == 201, answer.json
    return answer.json


def test_an_offer_has_a_price_and_a_day(offered, candidate, told):
    assert (offered["stage"], offered["offer"]) == ("offer", "60000.00 EUR")
    assert offered["offered_at"] is not None
    assert told(candidate)[-1] == "application_offer"


@pytest.mark.parametrize("amount", [0, -5, "much", 1.5, True])
def test_an_offer_is_a_whole_number(offer, application, move, amount, sql):
    move(application, "screening")
    assert offer(application, amount).status_code == 422
    assert sql("SELECT stage, offer_cents FROM applications") == [("screening", None)]


def test_no_offer_before_somebody_looked(offer, application):
    assert offer(application).status_code == 409


def test_candidates_and_viewers_offer_nothing(offer, application, move, candidate, colleague):
    move(application, "screening")
    for headers in (candidate, colleague("viewer")):
        assert offer(application, headers=headers).status_code == 403


def test_a_hire_is_charged_told_and_counted(
    client, offered, candidate, employer, company, sql, told
):
    url = f"/api/applications/{offered['id']}/offer/accept"
    answer = client.post(url, headers=candidate)
    assert (answer.json["stage"], answer.json["decided_at"] is not None) == ("hired", True)
    fees = sql(
        "SELECT company_id, amount_cents, reference FROM ledger_entries WHERE kind='hire_fee'"
    )
    assert fees == [(company["id"], 50_000, f"application:{offered['id']}")]
    assert sql("SELECT hires FROM daily_reports") == [(1,)]
    assert told(employer)[-1] == "application_offer"
    assert client.post(url, headers=candidate).status_code == 409


def test_a_hire_that_cannot_be_counted_does_not_happen(
    client, offered, candidate, sql, monkeypatch
):
    def fail(*args):
        raise RuntimeError("no reports today")

    monkeypatch.setattr("jobmarket.reporting.handlers.count", fail)
    with pytest.raises(RuntimeError):
        client.post(f"/api/applications/{offered['id']}/offer/accept", headers=candidate)
    assert sql("SELECT stage FROM applications") == [("offer",)]
    assert sql("SELECT count(*) FROM ledger_entries WHERE kind = 'hire_fee'") == [(0,)]


def test_a_declined_offer_ends_it(client, offered, candidate, employer, sql):
    talk = client.post(f"/api/applications/{offered['id']}/conversation", headers=employer).json
    url = f"/api/applications/{offered['id']}/offer/decline"
    assert client.post(url, headers=candidate).json["stage"] == "rejected"
    newest = client.get("/api/notifications", headers=employer).json["items"][0]
    assert newest["title"] == "Candidate declined the offer"
    shown = client.get(f"/api/conversations/{talk['id']}", headers=employer).json
    assert shown["closed_at"] is not None
    assert sql("SELECT count(*) FROM ledger_entries WHERE kind = 'hire_fee'") == [(0,)]


@pytest.mark.parametrize("answer", ["accept", "decline"])
def test_only_the_candidate_answers_an_offer(client, offered, employer, admin, answer):
    url = f"/api/applications/{offered['id']}/offer/{answer}"
    for headers in (employer, admin):
        assert client.post(url, headers=headers).status_code == 403


@pytest.mark.parametrize("answer", ["accept", "decline"])
def test_without_an_offer_there_is_no_answer(client, application, candidate, answer):
    url = f"/api/applications/{application['id']}/offer/{answer}"
    assert client.post(url, headers=candidate).status_code == 409


def test_an_offer_can_be_withdrawn_by_rejecting(client, offered, move, candidate):
    move(offered, "rejected")
    url = f"/api/applications/{offered['id']}/offer/accept"
    assert client.post(url, headers=candidate).status_code == 409
