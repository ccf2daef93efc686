"""`slos` in migration.yaml: read, written, and refused with the line of what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.model.errors import MigratorError
from migrator.model.plan_file import dump_plan, read_plan
from migrator.model.slo import Slo

PLAN = """\
version: 1
services:
  search:
    purpose: find jobs
    tables: []
    definitions: []
    slos:
      - name: search-fast
        objective: 95
        within: 0.25
        methods: [get]
        routes: ["/api/search*"]
      - {name: all-available, objective: 99.5}
"""


def test_slos_are_read_and_written_again(tmp_path: Path) -> None:
    path = tmp_path / "migration.yaml"
    path.write_text(PLAN, "utf-8")
    plan = read_plan(path)
    [service] = plan.services
    assert service.slos == (
        Slo("search-fast", 95.0, 0.25, ("GET",), ("/api/search*",)),
        Slo("all-available", 99.5),
    )
    path.write_text(dump_plan(plan), "utf-8")
    assert read_plan(path) == plan


@pytest.mark.parametrize(
    ("old", "new", "line", "word"),
    [
        ("objective: 95", "objective: 100", 9, "objective"),
        ("objective: 95", "objective: yes", 9, "objective"),
        ("within: 0.25", "within: 0.3", 10, "within"),
        ("name: search-fast", "name: Fast", 8, "Fast"),
        ("name: all-available", "name: search-fast", 13, "two are called"),
        ("methods: [get]", "methods: get", 11, "methods"),
        ("methods: [get]", "verbs: [get]", 11, "verbs"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, word: str
) -> None:
    path = tmp_path / "migration.yaml"
    path.write_text(PLAN.replace(old, new), "utf-8")
    with pytest.raises(MigratorError) as caught:
        read_plan(path)
    assert word in caught.value.what
    assert str(caught.value.where).startswith(f"{path}:{line}:")
