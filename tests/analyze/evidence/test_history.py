"""Co-change out of real git repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from migrator.analyze.evidence.history import Commit, co_changes, read_commits, with_history
from migrator.model.errors import MigratorError
from migrator.model.graph import CoChange, Graph, Module


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True
    )


def commit(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "change")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """`a` and `b` change together twice, once before `b` was renamed from `old`."""
    git(tmp_path, "init", "-q")
    body = "".join(f"x{n} = {n}\n" for n in range(40))
    commit(tmp_path, src__a=body, src__old=body + "y = 1\n", src__c=body + "z = 1\n")
    commit(tmp_path, src__a=body + "# 1\n", src__old=body + "y = 2\n")
    git(tmp_path, "mv", "src/old.py", "src/b.py")
    git(tmp_path, "commit", "-q", "-m", "rename")
    commit(tmp_path, src__a=body + "# 2\n", src__b=body + "y = 3\n", other="x = 1\n")
    commit(tmp_path, src__c=body + "z = 2\n")
    return tmp_path


def graph() -> Graph:
    modules = tuple(Module(n, f"{n}.py", 1) for n in ("a", "b", "c"))
    return Graph(root="src", modules=modules)


def test_renames_are_followed_and_paths_are_those_of_the_folder(repository: Path) -> None:
    found = with_history(graph(), repository / "src").co_changes
    # Three commits: with c at first (1/2), then alone twice (1 each).
    assert found == (CoChange("a", "b", 3, 2.5),)


def test_names_in_any_script_and_with_spaces(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    for n in range(2):
        for name in ("größe", "two words"):
            (tmp_path / f"{name}.py").write_text(f"x = {n}\n")
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-q", "-m", "c")
    assert {p for c in read_commits(tmp_path) for p in c.paths} == {"größe.py", "two words.py"}


def test_a_commit_weighs_one_for_each_module_however_large_it_is() -> None:
    names = {f"m{n}.py": f"m{n}" for n in range(60)}
    wide = Commit(tuple(f"m{n}.py" for n in range(5)))
    huge = Commit(tuple(names))
    found = co_changes([wide, wide, huge, huge], names)
    total = sum(c.weight for c in found if "m0" in (c.source, c.target))
    assert total == pytest.approx(2)
    assert not [c for c in found if "m59" in (c.source, c.target)]


def test_once_together_says_nothing() -> None:
    assert co_changes([Commit(("a.py", "b.py"))], {"a.py": "a", "b.py": "b"}) == ()


def test_a_shallow_clone_is_told(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    clone = tmp_path_factory.mktemp("shallow")
    git(clone, "clone", "-q", "--depth=2", repository.as_uri(), "here")
    unresolved = with_history(graph(), clone / "here" / "src").unresolved
    assert [u.what for u in unresolved] == ["history"]


def test_no_repository_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(MigratorError, match="not a git repository"):
        with_history(graph(), tmp_path)
