"""What-ifs, reasons, sagas, order, changes: on the sample."""

from __future__ import annotations

import pytest
from support.graphs import sample

from migrator.model.errors import MigratorError
from migrator.model.plan import Plan
from migrator.plan.changes import changes
from migrator.plan.constraints import Rules
from migrator.plan.explain import Reasons, reasons
from migrator.plan.propose import proposal, propose
from migrator.plan.resolve import assign
from migrator.plan.settings import Settings
from migrator.plan.whatif import joined, moved


@pytest.fixture(scope="module")
def plan() -> Plan:
    return propose(sample())


def why(name: str, plan: Plan) -> Reasons:
    return reasons(name, plan, assign(plan, sample()), sample(), Settings())


def test_move_takes_a_table_with_its_model(plan: Plan) -> None:
    after = moved(plan, sample(), (("quotas", "accounts"),))
    assignment = assign(after, sample())
    assert assignment.table_owner["quotas"] == "accounts"
    assert assignment.owner_of["jobmarket.billing.models:Quota"] == "accounts"
    assert any(c.target == "accounts" and c.what == "quotas" for c in after.cuts)


def test_merge_leaves_no_cut_between_the_two(plan: Plan) -> None:
    after = joined(plan, sample(), "applications", "billing")
    assert len(after.services) == len(plan.services) - 1
    assert "billing" not in {s for c in after.cuts for s in (c.source, c.target)}
    assert assign(after, sample()).table_owner["quotas"] == "applications"
    assert len(after.cuts) < len(plan.cuts)


def test_what_is_not_there_is_refused(plan: Plan) -> None:
    with pytest.raises(MigratorError, match="no table or definition"):
        moved(plan, sample(), (("nothing", "accounts"),))
    with pytest.raises(MigratorError, match="no service"):
        joined(plan, sample(), "accounts", "nothing")
    with pytest.raises(MigratorError, match="no table or definition"):
        why("nothing", plan)


def test_reasons_name_the_heaviest_ties_and_what_would_move_it(plan: Plan) -> None:
    found = why("quotas", plan)
    assert found.service == "billing"
    assert found.inside and len(found.inside) <= 5 and len(found.outside) <= 5
    assert [t.weight for t in found.inside] == sorted(t.weight for t in found.inside)[::-1]
    assert "insert" in found.inside[0].kinds
    assert found.pull["billing"] > max(w for s, w in found.pull.items() if s != "billing")
    assert "would have to lose" in found.change


def test_a_name_that_is_there_once_is_enough(plan: Plan) -> None:
    assert why("consume_quota", plan).name == "jobmarket.billing.quota:consume_quota"


def test_a_transaction_that_is_cut_is_a_saga_with_what_undoes_it(plan: Plan) -> None:
    [found] = [
        s for s in plan.sagas if s.transaction == "jobmarket.applications.service:apply_to_job"
    ]
    assert found.advice == "saga"
    assert found.steps[0].service == "applications"
    asked = {s.service: s for s in found.steps}["billing"]
    assert "quotas" in asked.writes
    assert asked.compensation.startswith("undo_")


def test_a_saga_of_too_many_is_advised_against(plan: Plan) -> None:
    [found] = [s for s in plan.sagas if s.transaction.endswith(":erase_user")]
    assert found.advice == "keep"


def test_order_waits_for_what_is_called_unless_in_a_ring(plan: Plan) -> None:
    seen: list[str] = []
    for step in plan.order:
        assert set(step.after) <= set(seen)
        assert step.leaves
        seen.append(step.service)
    assert sorted(seen) == [s.name for s in plan.services]
    assert "nothing is left in the monolith" in plan.order[-1].leaves


def test_every_cut_has_a_cost_and_alternatives(plan: Plan) -> None:
    assert all(c.cost and c.alternatives and c.reason for c in plan.cuts)


def test_candidates_stand_side_by_side_with_a_reason() -> None:
    choice = proposal(sample()).choice
    counts = [c.services for c in choice.candidates]
    assert len(counts) > 3 and counts == sorted(counts)
    assert choice.chosen in choice.candidates
    assert "knee" in choice.reason


@pytest.mark.parametrize(
    ("rules", "together"),
    [
        (Rules(together=(("quotas", "users"),)), True),
        (Rules(apart=(("jobs", "job_views"),)), False),
    ],
)
def test_rules_hold(rules: Rules, together: bool) -> None:
    owner = assign(propose(sample(), settings=Settings(rules=rules)), sample()).table_owner
    one, other = ("quotas", "users") if together else ("jobs", "job_views")
    assert (owner[one] == owner[other]) is together


def test_changes_are_told(plan: Plan) -> None:
    after = moved(plan, sample(), (("quotas", "accounts"),))
    told = changes(plan, after, sample())
    assert any("accounts quotas is new" in line for line in told)
    assert changes(plan, plan, sample()) == ()
