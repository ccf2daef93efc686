"""The same tree under the same plan is not judged twice, and any other is."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.analyze.pipeline import analyze
from migrator.model.graph_file import dump_graph
from migrator.verify import verdict as verdicts
from migrator.verify.load import load
from migrator.verify.rule import verify
from migrator.verify.verdict import verdict

MODELS = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
PLAN = "version: 1\nservices: {}\nshared: []\ncuts: []\norder: []\npins: []\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/models.py").write_text(MODELS)
    (tmp_path / "migration.yaml").write_text(PLAN)
    (tmp_path / ".migrator").mkdir()
    monkeypatch.chdir(tmp_path)
    cache = Path(".migrator/cache")
    Path(".migrator/graph.json").write_text(dump_graph(analyze(Path("shop"), cache=cache)))
    return tmp_path


def test_a_verdict_stands_until_the_tree_or_the_plan_changes(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[int] = []
    real = verdicts._judged
    monkeypatch.setattr(verdicts, "_judged", lambda *a: (judged.append(1), real(*a))[1])
    graph, plan = Path(".migrator/graph.json"), Path("migration.yaml")

    def asked() -> int:
        """How often rules were run for one verdict, which is what they say."""
        judged.clear()
        assert verdict(graph, plan, None) == verify(load(graph, plan, None))
        return len(judged)

    assert [asked(), asked()] == [1, 0]
    (project / "shop/models.py").write_text(MODELS.replace('"users"', '"people"'))
    assert [asked(), asked()] == [1, 0]
    services = "services:\n  people:\n    tables: [people]\n    definitions: [shop.*]\n"
    plan.write_text(PLAN.replace("services: {}\n", services))
    assert [asked(), asked()] == [1, 0]
    kept = project / ".migrator/cache/verdict.bin"
    kept.write_bytes(kept.read_bytes()[:-1])
    assert [asked(), asked()] == [1, 0]
    # Another plan of the same bytes stands at another place.
    other = Path("other.yaml")
    other.write_bytes(plan.read_bytes())
    assert verdict(graph, other, None) == verify(load(graph, other, None))
