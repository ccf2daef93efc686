"""Where alerts lead people."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.cli.scaffold import _runbooks
from migrator.model.errors import MigratorError
from migrator.scaffold.observability import with_runbooks_at

RULE = "annotations:\n  runbook_url: docs/runbooks/ServiceDown.md\n"


def test_links_lead_to_the_url_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "migrator.toml").write_text(
        '[scaffold]\nrunbooks = "https://git.test/shop/books/"\n'
    )
    base = _runbooks(tmp_path)
    files = with_runbooks_at(base, {"a/rules/x.yml": RULE, "docs/runbooks/README.md": RULE})
    assert files["a/rules/x.yml"].endswith(
        "runbook_url: https://git.test/shop/books/ServiceDown.md\n"
    )
    assert files["docs/runbooks/README.md"] == RULE


def test_without_a_setting_links_stay_in_the_workspace(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert _runbooks(tmp_path) == ""
    assert with_runbooks_at("", {"x.yml": RULE}) == {"x.yml": RULE}


@pytest.mark.parametrize("given", ['"docs/books"', "7"])
def test_what_is_no_url_is_refused_with_its_line(tmp_path: Path, given: str) -> None:
    (tmp_path / "migrator.toml").write_text(f"[scaffold]\nrunbooks = {given}\n")
    with pytest.raises(MigratorError, match="an absolute URL expected") as refused:
        _runbooks(tmp_path)
    assert refused.value.where == f"{tmp_path}/migrator.toml:2"
