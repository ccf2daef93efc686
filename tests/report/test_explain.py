"""`--explain`: what is told of a table, a module, a definition, and of a name that is none."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from rich.console import Console
from support.graphs import sample

from migrator.model.errors import MigratorError
from migrator.report.explain import as_json, explain
from migrator.report.explanation import shown


def text_of(name: str) -> str:
    out = StringIO()
    Console(file=out, soft_wrap=True, highlight=False).print(shown(explain(sample(), name)))
    return out.getvalue()


def test_a_table_names_every_reader_and_writer_with_its_place() -> None:
    text = text_of("interviews")
    accesses = [a for a in sample().accesses if a.table == "interviews"]
    assert accesses
    for access in accesses:
        line = next(
            row for row in text.splitlines() if f"{access.path}:{access.line}" in row.split()
        )
        assert access.definition in line
    assert "application_id -> applications" in text
    assert "jobmarket.accounts.privacy:erase_user  12:" in text


def test_entry_points_that_reach_a_table_are_followed_through_calls() -> None:
    (found,) = explain(sample(), "quotas")
    assert "DELETE /api/me" in found.entry_points
    assert "GET /health" not in found.entry_points


def test_a_definition_by_its_short_name_and_by_its_id() -> None:
    (short,) = explain(sample(), "erase_user")
    assert (short,) == explain(sample(), "jobmarket.accounts.privacy:erase_user")
    assert {a.table for a in short.writes} >= {"users", "quotas"}
    assert short.called_by


def test_a_module_by_name_and_by_path() -> None:
    (found,) = explain(sample(), "jobmarket.accounts.privacy")
    assert found.kind == "module"
    assert (found,) == explain(sample(), found.path)


def test_several_of_one_short_name_are_all_told() -> None:
    names = [d.name for d in sample().definitions]
    twice = next(
        n for n in names if names.count(n) > 1 and n not in {t.id for t in sample().tables}
    )
    assert len(explain(sample(), twice)) == names.count(twice)


@pytest.mark.parametrize(("wrong", "right"), [("intervews", "interviews"), ("quotaz", "quotas")])
def test_a_name_that_is_none_gets_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(MigratorError) as caught:
        explain(sample(), wrong)
    assert right in str(caught.value)


def test_json_holds_the_same() -> None:
    (read,) = json.loads(as_json(explain(sample(), "quotas")))
    assert read["kind"] == "table"
    assert {a["definition"] for a in read["writes"]}
