"""The published schema of migration.yaml is the code's, and what is written keeps to it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from ruamel.yaml import YAML
from support.graphs import sample

from migrator.model.errors import MigratorError
from migrator.model.plan_file import dump_plan, read_plan
from migrator.model.plan_schema import dump_schema, plan_schema
from migrator.plan.propose import propose
from migrator.plan.replan import replan

PUBLISHED = Path(__file__).parents[2] / "docs/schemas/plan.schema.json"


def test_published_is_what_the_code_says() -> None:
    assert PUBLISHED.read_text("utf-8") == dump_schema()


def test_a_written_plan_keeps_to_it_and_names_it() -> None:
    text = dump_plan(propose(sample()))
    assert text.startswith("# yaml-language-server: $schema=.migrator/plan.schema.json\n")
    document: Any = YAML(typ="safe").load(text)
    validator = Draft202012Validator(plan_schema())
    validator.validate(document)
    document["cuts"][0]["decision"] = "perhaps"
    with pytest.raises(ValidationError):
        validator.validate(document)


def test_errors_have_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "migration.yaml"
    path.write_text("version: 1\nservices:\n  one:\n    tables: 3\n", "utf-8")
    with pytest.raises(MigratorError) as raised:
        read_plan(path)
    assert str(raised.value.where).endswith("migration.yaml:4:5")


def test_comments_and_order_survive_what_moves_beneath_them(tmp_path: Path) -> None:
    plan = propose(sample())
    lines = dump_plan(plan).splitlines()
    first = lines.index("cuts:") + 2
    lines[first:first] = ["  # the auditors want this"]
    text = "\n".join(lines) + "\n"
    path = tmp_path / "migration.yaml"
    path.write_text(text, "utf-8")
    assert dump_plan(replan(read_plan(path), sample()), text) == text
    fewer = YAML()
    document = fewer.load(text)
    del document["cuts"][0]
    stream = io.StringIO()
    fewer.dump(document, stream)
    path.write_text(stream.getvalue(), "utf-8")
    again = dump_plan(replan(read_plan(path), sample()), text)
    assert "# the auditors want this" in again
