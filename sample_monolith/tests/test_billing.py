import threading

import pytest
from jobmarket.utils import month_of


@pytest.fixture
def subscribe(client, employer, company):
    def change(plan, headers=employer):
        url = f"/api/companies/{company['id']}/subscription"
        return client.put(url, json={"plan": plan}, headers=headers)

    return change


@pytest.fixture
def close_month(tasks):
    def close(month=None):
        result = tasks("close-month", "--month", month or month_of())
        assert result.exit_code == 0, result.output
        return int(result.output.removeprefix("invoices: "))

    return close


@pytest.fixture
def invoice(client, employer, company, application, close_month):
    assert close_month() == 1
    (found,) = client.get(f"/api/companies/{company['id']}/invoices", headers=employer).json[
        "items"
    ]
    return found


def balance(client, headers, company):
    url = f"/api/companies/{company['id']}/balance"
    return client.get(url, headers=headers).json["balance_cents"]


def test_plans_are_for_everybody_to_see(client):
    plans = client.get("/api/billing/plans").json["items"]
    assert [(p["code"], p["price"]) for p in plans] == [
        ("free", "0.00 EUR"),
        ("team", "49.00 EUR"),
        ("scale", "199.00 EUR"),
    ]


def test_a_new_company_is_on_the_free_plan(client, employer, company):
    found = client.get(f"/api/companies/{company['id']}/subscription", headers=employer).json
    assert (found["plan"]["code"], found["status"]) == ("free", "active")
    assert (found["company"], found["changed_by"]) == (company["name"], "Employer")


def test_a_company_that_cannot_be_billed_is_not_founded(client, employer, sql, monkeypatch):
    def fail(*args):
        raise RuntimeError("no billing today")

    monkeypatch.setattr("jobmarket.billing.handlers.start_free", fail)
    with pytest.raises(RuntimeError):
        client.post("/api/companies", json={"name": "X"}, headers=employer)
    assert sql("SELECT count(*) FROM companies") == [(0,)]
    assert sql("SELECT count(*) FROM company_members") == [(0,)]


def test_only_the_owner_changes_the_plan(subscribe, colleague, candidate):
    for headers in (candidate, colleague("recruiter"), colleague("viewer")):
        assert subscribe("team", headers).status_code == 403
    answer = subscribe("team")
    assert (answer.status_code, answer.json["plan"]["code"]) == (200, "team")


@pytest.mark.parametrize(("plan", "status"), [("free", 409), ("gold", 404), (["team"], 404)])
def test_a_plan_is_another_and_exists(subscribe, plan, status):
    assert subscribe(plan).status_code == status


def test_a_cancelled_plan_counts_as_free(client, employer, company, subscribe, make_job, sql):
    subscribe("scale")
    url = f"/api/companies/{company['id']}/subscription"
    answer = client.delete(url, headers=employer)
    assert (answer.json["status"], answer.json["cancelled_at"] is not None) == ("cancelled", True)
    assert client.delete(url, headers=employer).status_code == 409
    make_job(employer, company["id"])
    assert sql("SELECT kind, amount_cents FROM ledger_entries") == [("listing_fee", 900)]
    assert subscribe("scale").json["cancelled_at"] is None


@pytest.mark.parametrize(("plan", "fees"), [("free", [900]), ("team", [300]), ("scale", [])])
def test_publishing_costs_what_the_plan_says(
    employer, company, subscribe, make_job, sql, plan, fees
):
    if plan != "free":
        subscribe(plan)
    make_job(employer, company["id"])
    found = sql("SELECT amount_cents FROM ledger_entries WHERE kind = 'listing_fee'")
    assert [row[0] for row in found] == fees


def test_a_job_is_charged_once(client, employer, job, sql):
    client.post(f"/api/jobs/{job['id']}/close", headers=employer)
    client.post(f"/api/jobs/{job['id']}/publish", headers=employer)
    assert sql("SELECT count(*) FROM ledger_entries WHERE kind = 'listing_fee'") == [(1,)]


def test_the_ledger_tells_each_charge(client, employer, company, application, job):
    page = client.get(f"/api/companies/{company['id']}/ledger", headers=employer).json
    assert [(e["kind"], e["amount_cents"], e["reference"]) for e in page["items"]] == [
        ("application_fee", 150, f"application:{application['id']}"),
        ("listing_fee", 900, f"job:{job['id']}"),
    ]
    url = f"/api/companies/{company['id']}/ledger?month="
    assert client.get(f"{url}{month_of()}", headers=employer).json["total"] == 2
    assert client.get(f"{url}2001-01", headers=employer).json["total"] == 0


@pytest.mark.parametrize("page", ["ledger", "balance", "invoices"])
def test_money_is_the_owners_business(client, company, colleague, candidate, admin, page):
    url = f"/api/companies/{company['id']}/{page}"
    for headers in (candidate, colleague("recruiter"), colleague("viewer")):
        assert client.get(url, headers=headers).status_code == 403
    assert client.get(url, headers=admin).status_code == 200


def test_credit_is_in_the_companys_favour(client, admin, employer, company, job):
    url = f"/api/admin/companies/{company['id']}/credit"
    body = {"amount_cents": 500, "reason": "sorry"}
    assert client.post(url, json=body, headers=employer).status_code == 403
    answer = client.post(url, json=body, headers=admin)
    assert (answer.status_code, answer.json["balance_cents"]) == (201, 400)
    shown = client.get(f"/api/companies/{company['id']}/balance", headers=employer).json
    assert shown["balance"] == "4.00 EUR"


@pytest.mark.parametrize("amount", [-1, "5", 1.5, True])
def test_odd_credits_are_refused(client, admin, company, amount, sql):
    url = f"/api/admin/companies/{company['id']}/credit"
    body = {"amount_cents": amount, "reason": "x"}
    assert client.post(url, json=body, headers=admin).status_code == 422
    assert sql("SELECT count(*) FROM ledger_entries") == [(0,)]


def test_credit_for_nobody(client, admin):
    body = {"amount_cents": 1, "reason": "x"}
    assert client.post("/api/admin/companies/9/credit", json=body, headers=admin).status_code == 404


def test_an_invoice_sums_the_open_entries(client, employer, company, invoice, told):
    assert (invoice["total_cents"], invoice["total"]) == (1050, "10.50 EUR")
    assert invoice["number"] == f"JM-{month_of()}-{company['id']:05d}-1"
    detail = client.get(f"/api/invoices/{invoice['id']}", headers=employer).json
    assert detail["lines"] == [
        {"kind": "application_fee", "quantity": 1, "amount_cents": 150},
        {"kind": "listing_fee", "quantity": 1, "amount_cents": 900},
    ]
    assert told(employer)[-1] == "invoice_issued"


def test_a_month_is_closed_once(close_month, invoice, sql):
    assert close_month() == 0
    assert sql("SELECT count(*) FROM ledger_entries WHERE invoice_id IS NULL") == [(0,)]


def test_subscriptions_are_charged_once_a_month(subscribe, close_month, sql):
    subscribe("team")
    assert close_month() == 1
    assert close_month() == 0
    rows = sql("SELECT amount_cents, month FROM ledger_entries WHERE kind = 'subscription'")
    assert rows == [(4900, month_of())]


def test_cancelled_subscriptions_are_not_charged(client, employer, company, subscribe, close_month):
    subscribe("team")
    client.delete(f"/api/companies/{company['id']}/subscription", headers=employer)
    assert close_month() == 0


def test_what_comes_later_waits(close_month, job):
    assert close_month("2001-01") == 0


def test_a_credit_waits_for_the_next_month(client, admin, company, job, close_month):
    url = f"/api/admin/companies/{company['id']}/credit"
    client.post(url, json={"amount_cents": 900, "reason": "sorry"}, headers=admin)
    assert close_month() == 0


@pytest.mark.parametrize("month", ["yesterday", "2024-13", "2024-1", "2024-05-01"])
def test_a_month_that_is_none_closes_nothing(tasks, job, sql, month):
    result = tasks("close-month", "--month", month)
    assert result.exit_code == 2
    assert "2024-05" in result.output
    assert sql("SELECT count(*) FROM invoices") == [(0,)]


def test_cron_closes_the_month_that_is_over(tasks, job, sql):
    assert tasks("close-month").output == "invoices: 0\n"
    sql("UPDATE ledger_entries SET month = '2020-01'")
    assert tasks("close-month").output == "invoices: 1\n"


def test_paying_settles_it(client, employer, company, invoice, sql, told):
    url = f"/api/invoices/{invoice['id']}/pay"
    answer = client.post(url, json={"card": "tok_visa"}, headers=employer)
    assert (answer.json["status"], answer.json["paid_by"]) == ("paid", "Employer")
    assert balance(client, employer, company) == 0
    assert sql("SELECT revenue_cents FROM daily_reports") == [(1050,)]
    assert told(employer)[-1] == "invoice_paid"
    assert client.post(url, json={"card": "tok_visa"}, headers=employer).status_code == 409
    invoices = f"/api/companies/{company['id']}/invoices"
    assert client.get(f"{invoices}?status=open", headers=employer).json["total"] == 0
    assert client.get(f"{invoices}?status=paid", headers=employer).json["total"] == 1


@pytest.mark.parametrize("card", ["tok_declined", "4242424242424242"])
def test_a_declined_card_pays_nothing(client, employer, company, invoice, sql, card):
    url = f"/api/invoices/{invoice['id']}/pay"
    answer = client.post(url, json={"card": card}, headers=employer)
    assert (answer.status_code, answer.json["error"]["code"]) == (402, "payment_declined")
    assert sql("SELECT status, charge_reference FROM invoices") == [("open", None)]
    assert balance(client, employer, company) == 1050


def test_a_payment_that_nobody_can_be_thanked_for_is_undone(
    client, employer, company, invoice, sql, monkeypatch
):
    def fail(*args):
        raise RuntimeError("no reports today")

    monkeypatch.setattr("jobmarket.reporting.handlers.count", fail)
    with pytest.raises(RuntimeError):
        client.post(
            f"/api/invoices/{invoice['id']}/pay", json={"card": "tok_visa"}, headers=employer
        )
    assert sql("SELECT status, paid_at FROM invoices") == [("open", None)]
    assert sql("SELECT count(*) FROM ledger_entries WHERE kind = 'payment'") == [(0,)]


def test_two_clicks_pay_once(app, employer, invoice, sql):
    start = threading.Barrier(3)
    statuses = []

    def click():
        start.wait()
        url = f"/api/invoices/{invoice['id']}/pay"
        answer = app.test_client().post(url, json={"card": "tok_visa"}, headers=employer)
        statuses.append(answer.status_code)

    clicks = [threading.Thread(target=click) for _ in range(3)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert sorted(statuses) == [200, 409, 409]
    assert sql("SELECT count(*) FROM ledger_entries WHERE kind = 'payment'") == [(1,)]


def test_a_void_invoice_frees_its_entries(client, admin, employer, company, invoice, close_month):
    url = f"/api/admin/invoices/{invoice['id']}/void"
    assert client.post(url, headers=employer).status_code == 403
    assert client.post(url, headers=admin).json["status"] == "void"
    assert client.post(url, headers=admin).status_code == 409
    assert close_month() == 1
    page = client.get(f"/api/companies/{company['id']}/invoices?status=open", headers=employer)
    (second,) = page.json["items"]
    assert (second["total_cents"], second["number"][-2:]) == (1050, "-2")


def test_a_void_invoice_is_not_paid(client, admin, employer, invoice):
    client.post(f"/api/admin/invoices/{invoice['id']}/void", headers=admin)
    url = f"/api/invoices/{invoice['id']}/pay"
    assert client.post(url, json={"card": "tok_visa"}, headers=employer).status_code == 409


def test_strangers_neither_see_nor_pay(client, invoice, candidate):
    url = f"/api/invoices/{invoice['id']}"
    assert client.get(url, headers=candidate).status_code == 403
    answer = client.post(f"{url}/pay", json={"card": "tok_visa"}, headers=candidate)
    assert answer.status_code == 403


def test_no_such_invoice(client, admin):
    assert client.get("/api/invoices/999", headers=admin).status_code == 404
    assert client.post("/api/admin/invoices/999/void", headers=admin).status_code == 404


def test_quotas_show_what_is_left(client, candidate, application):
    shown = client.get("/api/me/quotas", headers=candidate).json["items"]
    month = month_of()
    assert shown == [
        {"kind": "applications", "month": month, "allowed": 20, "used": 1, "left": 19},
        {"kind": "messages", "month": month, "allowed": 200, "used": 0, "left": 200},
    ]


def test_last_month_is_forgotten(client, candidate, application, apply, sql):
    sql("UPDATE quotas SET month = '2001-01', used = 20")
    shown = client.get("/api/me/quotas", headers=candidate).json["items"]
    assert shown[0]["used"] == 0


def test_an_allowance_is_the_admins_to_give(client, admin, candidate):
    url = f"/api/admin/users/{candidate.id}/quotas/messages"
    assert client.put(url, json={"allowed": 5}, headers=candidate).status_code == 403
    answer = client.put(url, json={"allowed": 5}, headers=admin)
    assert (answer.json["allowed"], answer.json["used"]) == (5, 0)


@pytest.mark.parametrize(
    ("path", "allowed", "status"),
    [("1/quotas/luck", 5, 422), ("1/quotas/messages", -5, 422), ("99/quotas/messages", 5, 404)],
)
def test_odd_allowances_are_refused(client, candidate, admin, path, allowed, status):
    answer = client.put(f"/api/admin/users/{path}", json={"allowed": allowed}, headers=admin)
    assert answer.status_code == status
