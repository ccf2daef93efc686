"""`migrator analyze` as people run it: each option once, and what is refused."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from pathlib import Path

import pytest
from support.commands import migrator, refused

SOURCE = """
from sqlalchemy import String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, Session


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))


def names(session: Session):
    return session.scalars(select(User)).all()
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    (tmp_path / "shop" / "users.py").write_text(SOURCE)
    return tmp_path


def answered(cwd: Path, *arguments: str) -> str:
    result = migrator(cwd, "analyze", "shop", *arguments)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""  # piped: no progress
    return result.stdout


def test_every_kind_of_evidence_at_once(shop: Path) -> None:
    with sqlite3.connect(shop / "shop.db") as connection:
        connection.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)")
        connection.execute("CREATE TABLE forgotten (id INTEGER PRIMARY KEY)")
    span = {
        "traceID": "1", "spanID": "1", "operationName": "x", "duration": 5, "references": [],
        "tags": [
            {"key": "code.function.name", "value": "shop.users.names"},
            {"key": "db.query.text", "value": "SELECT name FROM users"},
        ],
    }  # fmt: skip
    (shop / "traces.json").write_text(json.dumps({"data": [{"spans": [span]}]}))
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=shop, check=True)
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, "commit", "-qm", "all"], cwd=shop, check=True)
    options = ["--database", "sqlite:///shop.db", "--traces", "traces.json", "--history"]
    graph = json.loads(answered(shop, *options, "--format", "json"))
    assert {t["name"]: t["source"] for t in graph["tables"]} == {
        "forgotten": "database",
        "users": "orm",
    }
    assert [(o["from"], o["to"], o["in_code"]) for o in graph["observations"]] == [
        ("shop.users:names", "users", True)
    ]
    assert json.loads((shop / ".migrator/graph.json").read_text()) == graph


def test_the_page_needs_no_plan_and_takes_one(shop: Path) -> None:
    assert "users" in answered(shop, "--html", "page.html")
    assert '"kind":"package"' in (shop / "page.html").read_text()
    assert migrator(shop, "plan").returncode == 0
    answered(shop, "--html", "page.html")
    assert '"kind":"service"' in (shop / "page.html").read_text()


def test_a_damaged_plan_is_named_and_no_page_is_written(shop: Path) -> None:
    (shop / "migration.yaml").write_text("version: 1\nservices: 3\n")
    assert "migration.yaml:2" in refused(shop, "analyze", "shop", "--html", "page.html")
    assert not (shop / "page.html").exists()


def test_explain_in_text_and_json(shop: Path) -> None:
    text = answered(shop, "--explain", "users")
    assert "shop.users:names  users.py:" in text or "shop.users:names  shop/users.py:" in text
    (told,) = json.loads(answered(shop, "--explain", "users", "--format", "json"))
    assert told["reads"][0]["definition"] == "shop.users:names"
    assert "did you mean users" in refused(shop, "analyze", "shop", "--explain", "uesrs")


@pytest.mark.parametrize(("form", "head"), [("mermaid", "flowchart"), ("dot", "//")])
def test_diagrams_go_to_standard_output(shop: Path, form: str, head: str) -> None:
    assert answered(shop, "--format", form).startswith(head)


@pytest.mark.parametrize(
    "option", [("--database", "mongodb://x/y"), ("--traces", "none.json"), ("--html", "shop")]
)
def test_what_cannot_be_used_is_refused(shop: Path, option: tuple[str, str]) -> None:
    assert option[1].partition(":")[0] in refused(shop, "analyze", "shop", *option)


def test_settings_say_what_to_leave_out(shop: Path) -> None:
    (shop / "shop" / "more.py").write_text("x = 1\n")
    (shop / "migrator.toml").write_text('[analyze]\nexclude = ["more.py"]\n')
    graph = json.loads(answered(shop, "--format", "json"))
    assert not any(m["path"].endswith("more.py") for m in graph["modules"])
    assert any(m["path"].endswith("users.py") for m in graph["modules"])


@pytest.mark.parametrize("line", ["exclude = 3", "exlude = []"])
def test_a_wrong_setting_is_named_with_its_line(shop: Path, line: str) -> None:
    (shop / "migrator.toml").write_text(f"# settings\n[analyze]\n{line}\n")
    assert "migrator.toml:3" in refused(shop, "analyze", "shop")
