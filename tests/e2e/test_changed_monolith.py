"""A monolith that goes on changing after its services were carved."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

from support.commands import succeeds

SAMPLE = Path(__file__).parents[2] / "sample_monolith"
COLUMN = "    pitch: Mapped[str | None] = mapped_column(String(80))\n"


def owns(manifest: Path, table: str) -> bool:
    return table in tomllib.loads(manifest.read_text("utf-8"))["tables"]["owned"]


def test_a_new_column_becomes_a_second_revision(tmp_path: Path) -> None:
    shutil.copytree(SAMPLE, tmp_path / "monolith")
    succeeds(tmp_path, "analyze", "monolith")
    succeeds(tmp_path, "plan")
    succeeds(tmp_path, "scaffold")
    services = tmp_path / "workspace" / "services"
    [owner] = [path.parent for path in services.glob("*/service.toml") if owns(path, "companies")]
    versions = owner / "migrations" / "versions"
    first = (versions / "0001_initial.py").read_bytes()

    models = tmp_path / "monolith" / "jobmarket" / "models.py"
    text = models.read_text("utf-8")
    head = '    __tablename__ = "companies"\n'
    assert head in text
    models.write_text(text.replace(head, head + COLUMN), "utf-8")
    succeeds(tmp_path, "scaffold")
    assert sorted(p.name for p in versions.glob("*.py")) == [
        "0001_initial.py",
        "0002_alter_companies.py",
    ]
    assert (versions / "0001_initial.py").read_bytes() == first
    second = (versions / "0002_alter_companies.py").read_text("utf-8")
    assert 'op.add_column("companies", sa.Column("pitch", sa.String(80), nullable=True))' in second
    assert "create" not in succeeds(tmp_path, "scaffold")
    found = json.loads(succeeds(tmp_path, "verify", "--format", "json"))["findings"]
    assert [f for f in found if f["rule"] == "migration-drift"] == []

    succeeds(tmp_path, "scaffold", "--fresh-migrations")
    assert [p.name for p in versions.glob("*.py")] == ["0001_initial.py"]
    assert '"pitch"' in (versions / "0001_initial.py").read_text("utf-8")
