"""Cuts in the file: grouped for review, one by one in the plan, whoever wrote them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from support.graphs import sample

from migrator.model.plan import Cut
from migrator.model.plan_cuts import braced, chosen, expanded, grouped, unbraced
from migrator.model.plan_file import dump_plan, read_plan
from migrator.plan.propose import propose
from migrator.plan.replan import replan

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True)
THINGS = st.lists(
    st.one_of(NAMES, st.builds("{}.{}:{}".format, NAMES, NAMES, NAMES)), min_size=1, unique=True
)


@given(THINGS)
def test_braces_say_the_same_things(whats: list[str]) -> None:
    assert sorted(n for item in braced(whats) for n in unbraced(item)) == sorted(whats)


def test_keys_are_left_alone() -> None:
    key = "orders.user_id,shop_id -> users"
    assert braced([key]) == [key]
    assert unbraced(key) == [key]


def test_what_is_decided_alike_is_one_entry() -> None:
    def copied(what: str) -> Cut:
        reason = f"a {what} that carries no state: copied"
        return Cut("a", "b", f"m:{what}", "code", "replicate", reason)

    asked = Cut("a", "b", "m:ask", "code", "call", "its result is used", cost="one request")
    entries = grouped([copied("one"), copied("two"), asked])
    assert [e["what"] for e in entries] == ["m:{one, two}", "m:ask"]
    assert entries[1]["cost"] == "one request"


def test_an_entry_of_its_own_wins() -> None:
    several = expanded(Cut("a", "b", "", "read", "replicate", "as all"), ["users", "posts"])
    one = expanded(Cut("a", "b", "", "read", "call", "must be fresh"), ["users"])
    for entries in ([several, one], [one, several]):
        found = {c.what: c.decision for c in chosen(entries)}
        assert found == {"users": "call", "posts": "replicate"}


def test_one_thing_decided_by_hand_stays(tmp_path: Path) -> None:
    plan = propose(sample())
    reads = Counter((c.source, c.target) for c in plan.cuts if c.kind == "read")
    listed = [c for c in plan.cuts if c.kind == "read" and reads[c.source, c.target] > 1]
    cut = listed[0]
    entry = (
        f"cuts:\n  - from: {cut.source}\n    to: {cut.target}\n    what: {cut.what}\n"
        "    kind: read\n    decision: call\n    reason: must be fresh\n"
    )
    text = dump_plan(plan).replace("cuts:\n", entry, 1)
    path = tmp_path / "migration.yaml"
    path.write_text(text, "utf-8")
    again = replan(read_plan(path), sample())
    assert {(c.what, c.decision) for c in again.cuts if c.reason == "must be fresh"} == {
        (cut.what, "call")
    }
    assert len(again.cuts) == len(plan.cuts)
    path.write_text(dump_plan(again, text), "utf-8")
    assert replan(read_plan(path), sample()) == again


def test_a_plan_of_version_1_is_read_and_written_as_2(tmp_path: Path) -> None:
    plan = propose(sample())
    old = [
        "# ours\n",
        "version: 1\n",
        "services:\n",
        *(
            f"  {s.name}:\n    purpose: ''\n    tables: [{', '.join(s.tables)}]\n"
            f"    definitions:\n" + "".join(f"      - {d}\n" for d in s.definitions)
            for s in plan.services
        ),
        "cuts:\n",
        *(
            f"  - from: {c.source}\n    to: {c.target}\n    what: {c.what}\n    kind: {c.kind}\n"
            f"    decision: {c.decision}\n    reason: {json.dumps(c.reason)}\n"
            "    places: [x.py:1]\n"
            for c in plan.cuts
        ),
    ]
    text = "".join(old)
    path = tmp_path / "migration.yaml"
    path.write_text(text, "utf-8")
    read = read_plan(path)
    assert {(c.source, c.what, c.kind, c.decision) for c in read.cuts} == {
        (c.source, c.what, c.kind, c.decision) for c in plan.cuts
    }
    made = replan(read, sample())
    written = dump_plan(made, text)
    assert written.startswith("# ours\nversion: 2\n")
    assert "x.py:1" not in written
    assert written.count("    kind: ") == len(grouped(made.cuts))
    path.write_text(written, "utf-8")
    assert replan(read_plan(path), sample()) == made
