"""Bad input: one clear message, exit code 2, no traceback, nothing overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.commands import migrator, refused

MODELS = """
from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a small monolith beside it."""
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "models.py").write_text(MODELS)
    return tmp_path


@pytest.fixture
def planned(project: Path) -> Path:
    assert migrator(project, "analyze", "shop").returncode == 0
    assert migrator(project, "plan").returncode == 0
    return project


def test_path_that_is_not_there(tmp_path: Path) -> None:
    assert "nowhere" in refused(tmp_path, "analyze", "nowhere")
    assert not (tmp_path / ".migrator").exists()


def test_file_that_is_not_python(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    assert "notes.txt" in refused(tmp_path, "analyze", "notes.txt")


def test_empty_tree(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "empty" in refused(tmp_path, "analyze", "empty")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.py", b"def f(:\n    pass\n"),
        ("latin.py", b"NAME = 'caf\xe9'\n"),
        ("null.py", b"a = 1\x00\n"),
    ],
)
def test_module_that_cannot_be_parsed_is_reported_and_the_rest_goes_on(
    project: Path, name: str, content: bytes
) -> None:
    (project / "shop" / name).write_bytes(content)
    assert migrator(project, "analyze", "shop").returncode == 0
    graph = json.loads((project / ".migrator" / "graph.json").read_text())
    assert [table["name"] for table in graph["tables"]] == ["users"]
    assert any(item["path"].endswith(name) for item in graph["unresolved"])


def test_unreadable_module_is_reported_and_the_rest_goes_on(project: Path) -> None:
    (project / "shop" / "gone.py").symlink_to(project / "nowhere.py")
    assert migrator(project, "analyze", "shop").returncode == 0
    graph = json.loads((project / ".migrator" / "graph.json").read_text())
    assert any(item["path"].endswith("gone.py") for item in graph["unresolved"])


def test_symlink_loop_ends(project: Path) -> None:
    (project / "shop" / "again").symlink_to(project / "shop", target_is_directory=True)
    assert migrator(project, "analyze", "shop").returncode == 0
    graph = json.loads((project / ".migrator" / "graph.json").read_text())
    assert len(graph["tables"]) == 1


def test_plan_without_a_graph(tmp_path: Path) -> None:
    assert "migrator analyze" in refused(tmp_path, "plan")


def test_damaged_graph(planned: Path) -> None:
    (planned / ".migrator" / "graph.json").write_text('{"schema_version": 1')
    assert "graph.json" in refused(planned, "plan")


def test_scaffold_without_a_plan(project: Path) -> None:
    assert migrator(project, "analyze", "shop").returncode == 0
    assert "migrator plan" in refused(project, "scaffold")
    assert not (project / "workspace").exists()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("version: 1\nservices:\n  billing: [\n", 3),
        ("version: 1\nservices: 3\n", 2),
        ("version: 1\nservices:\n  billing:\n    tables: 7\n", 4),
        ("version: 99\nservices: {}\n", 1),
        ("version: 1\nservices:\n  not a name!:\n    tables: []\n", 3),
        ("version: 1\nservices: {}\ncuts:\n- {from: a, to: b, what: c, decision: guess}\n", 4),
        ("version: 2\nservices:\n  billing:\n    purpose: x\n    tabels: []\n", "5:5: unknown"),
        ("version: 2\nservices: {}\npin: []\n", "3:1: unknown key 'pin'; did you mean 'pins'?"),
    ],
)
def test_damaged_plan_names_the_line(planned: Path, text: str, line: int | str) -> None:
    plan = planned / "migration.yaml"
    plan.write_text(text)
    for command in ("scaffold", "verify", "plan"):
        told = refused(planned, command)
        assert f"migration.yaml:{line}" in told or f"migration.yaml:{line}" in " ".join(
            told.split()
        )
    assert plan.read_text() == text
    assert not (planned / "workspace").exists()


_ONCE = """version: 2
services:
  a:
    tables: [users]
  b:
    tables: []
cuts:
  - {from: b, to: a, what: users, kind: read, decision: call}
"""


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            _ONCE + "  - {from: b, to: a, what: users, kind: read, decision: replicate}\n",
            ("migration.yaml:9", "line 8"),
        ),
        (_ONCE.replace("[]", "[users]"), ("migration.yaml:6", "line 4")),
        (
            _ONCE.replace("tables: []", "definitions: [shop.*]") + "shared:\n  - shop.*\n",
            ("migration.yaml:10", "line 6"),
        ),
    ],
)
def test_what_is_decided_twice_is_told_with_both_lines(
    planned: Path, text: str, lines: tuple[str, str]
) -> None:
    (planned / "migration.yaml").write_text(_ONCE)
    assert migrator(planned, "plan").returncode == 0
    (planned / "migration.yaml").write_text(text)
    said = refused(planned, "plan")
    assert all(line in said for line in lines), said


def test_pin_that_means_nothing(planned: Path) -> None:
    plan = planned / "migration.yaml"
    before = plan.read_text()
    assert "did you mean users" in refused(planned, "plan", "--pin", "user=accounts")
    assert "did you mean shop.*" in refused(planned, "plan", "--fresh", "--pin", "shop=accounts")
    assert plan.read_text() == before
    text = before.replace("pins: []", "pins:\n  - what: shop.model\n    service: users")
    plan.write_text(text)
    result = migrator(planned, "plan")
    line = text.splitlines().index("  - what: shop.model") + 1
    assert result.returncode == 0
    assert f"migration.yaml:{line}: warning" in result.stderr
    assert "shop.models" in result.stderr


def test_unknown_service(planned: Path) -> None:
    assert "no such service: nobody" in refused(planned, "scaffold", "nobody")


def test_output_with_foreign_files(planned: Path) -> None:
    workspace = planned / "workspace"
    workspace.mkdir()
    (workspace / "thesis.txt").write_text("years of work")
    assert "thesis.txt" in refused(planned, "scaffold")
    assert [path.name for path in workspace.iterdir()] == ["thesis.txt"]


def test_verify_and_up_without_a_workspace(planned: Path) -> None:
    assert "nowhere" in refused(planned, "verify", "--workspace", "nowhere")
    assert "nowhere" in refused(planned, "up", "--workspace", "nowhere")
