"""What a scaffold does to files that a person may have touched since the last one."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.model.errors import MigratorError
from migrator.scaffold.write import apply, changes_to

FIRST = "one\ntwo\nthree\nfour\nfive\n"
SECOND = "one\ntwo\nthree\nfour\nFIVE\n"


def scaffold(workspace: Path, files: dict[str, str]) -> dict[str, str]:
    changes = changes_to(workspace, files, ("",))
    apply(workspace, changes, files)
    return {change.path: change.action for change in changes}


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    assert scaffold(tmp_path / "w", {"a.py": FIRST}) == {"a.py": "create"}
    assert scaffold(tmp_path / "w", {"a.py": FIRST}) == {"a.py": "unchanged"}


def test_an_edit_by_hand_stays_when_the_template_stays(tmp_path: Path) -> None:
    scaffold(tmp_path, {"a.py": FIRST})
    (tmp_path / "a.py").write_text("mine\n")
    assert scaffold(tmp_path, {"a.py": FIRST}) == {"a.py": "keep"}
    assert (tmp_path / "a.py").read_text() == "mine\n"


def test_an_edit_by_hand_is_merged_with_a_change_of_the_template(tmp_path: Path) -> None:
    scaffold(tmp_path, {"a.py": FIRST})
    (tmp_path / "a.py").write_text("ONE\n" + FIRST.partition("\n")[2])
    assert scaffold(tmp_path, {"a.py": SECOND}) == {"a.py": "merge"}
    assert (tmp_path / "a.py").read_text() == "ONE\ntwo\nthree\nfour\nFIVE\n"


def test_a_conflict_keeps_both_sides_between_markers(tmp_path: Path) -> None:
    scaffold(tmp_path, {"a.py": FIRST})
    (tmp_path / "a.py").write_text(FIRST.replace("five", "my five"))
    assert scaffold(tmp_path, {"a.py": SECOND}) == {"a.py": "conflict"}
    text = (tmp_path / "a.py").read_text()
    assert "my five" in text and "FIVE" in text and "<<<<<<<" in text


def test_a_deleted_file_stays_deleted(tmp_path: Path) -> None:
    scaffold(tmp_path, {"a.py": FIRST, "b.py": FIRST})
    (tmp_path / "a.py").unlink()
    assert scaffold(tmp_path, {"a.py": SECOND, "b.py": FIRST})["a.py"] == "absent"
    assert not (tmp_path / "a.py").exists()


def test_a_file_generated_no_more_goes_unless_edited(tmp_path: Path) -> None:
    scaffold(tmp_path, {"a.py": FIRST, "b.py": FIRST})
    (tmp_path / "b.py").write_text("mine\n")
    assert scaffold(tmp_path, {}) == {"a.py": "delete", "b.py": "keep"}
    assert not (tmp_path / "a.py").exists()
    assert (tmp_path / "b.py").read_text() == "mine\n"


def test_files_outside_the_scope_stay(tmp_path: Path) -> None:
    scaffold(tmp_path, {"services/a/x.py": FIRST, "services/b/x.py": FIRST})
    changes = changes_to(tmp_path, {"services/a/x.py": FIRST}, ("services/a/",))
    assert [change.path for change in changes] == ["services/a/x.py"]


def test_a_folder_with_foreign_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(MigratorError, match=r"thesis\.txt"):
        scaffold(tmp_path, {"a.py": FIRST})
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_foreign_file_in_the_way_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    scaffold(tmp_path, {"a.py": FIRST})
    (tmp_path / "b.py").write_text("mine\n")
    with pytest.raises(MigratorError, match="did not write"):
        scaffold(tmp_path, {"a.py": SECOND, "b.py": FIRST})
    assert (tmp_path / "a.py").read_text() == FIRST
    assert (tmp_path / "b.py").read_text() == "mine\n"


def test_a_damaged_lock_is_named(tmp_path: Path) -> None:
    scaffold(tmp_path, {"a.py": FIRST})
    (tmp_path / ".migrator" / "lock.json").write_text("{")
    with pytest.raises(MigratorError, match="lock file is damaged"):
        scaffold(tmp_path, {"a.py": FIRST})
