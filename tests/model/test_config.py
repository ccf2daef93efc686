"""migrator.toml: found, read, and refused with the line where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.model.config import read_config
from migrator.model.errors import MigratorError


def test_no_file_is_all_defaults(tmp_path: Path) -> None:
    assert read_config(tmp_path).section("plan").section("weights").number("read", 1.5) == 1.5


@pytest.mark.parametrize(
    ("name", "head"),
    [("migrator.toml", "plan.weights"), ("pyproject.toml", "tool.migrator.plan.weights")],
)
def test_both_homes_and_the_line_of_a_wrong_key(tmp_path: Path, name: str, head: str) -> None:
    path = tmp_path / name
    path.write_text(f"# first\n[{head}]\nread = 3\nraed = 4\n", "utf-8")
    section = read_config(tmp_path).section("plan").section("weights")
    assert section.number("read", 1.0) == 3.0
    with pytest.raises(MigratorError) as caught:
        section.known(("read",))
    assert caught.value.where == f"{path}:4"
    assert "raed" in caught.value.what


@pytest.mark.parametrize("value", ['"much"', "-1", "true", "nan", "[1]"])
def test_a_weight_is_a_number_from_zero_up(tmp_path: Path, value: str) -> None:
    (tmp_path / "migrator.toml").write_text(f"[plan.weights]\nread = {value}\n", "utf-8")
    section = read_config(tmp_path).section("plan").section("weights")
    with pytest.raises(MigratorError, match="number"):
        section.number("read", 1.0)


def test_broken_toml_has_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "migrator.toml"
    path.write_text("[plan]\nx = \n", "utf-8")
    with pytest.raises(MigratorError) as caught:
        read_config(tmp_path)
    assert caught.value.where == f"{path}:2:5"


def test_a_value_where_a_table_belongs(tmp_path: Path) -> None:
    (tmp_path / "migrator.toml").write_text("plan = 3\n", "utf-8")
    with pytest.raises(MigratorError, match="table"):
        read_config(tmp_path).section("plan")
