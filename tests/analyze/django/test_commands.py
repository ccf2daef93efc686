"""The commands after `analyze`, on a Django monolith."""

from __future__ import annotations

from pathlib import Path

from tests.analyze.django.support import project
from tests.support.commands import migrator

SHOP = {
    "shop/models.py": """
    class Order(models.Model):
        pass
    class Line(models.Model):
        order = models.ForeignKey(Order, models.CASCADE)
    """,
    "people/models.py": "class Person(models.Model):\n    pass\n",
}


def test_plan_and_verify_work_and_scaffold_says_what_it_cannot(tmp_path: Path) -> None:
    project(tmp_path, SHOP)
    assert migrator(tmp_path, "analyze", ".").returncode == 0
    planned = migrator(tmp_path, "plan")
    assert planned.returncode == 0, planned.stderr
    assert "shop_order" in (tmp_path / "migration.yaml").read_text()
    assert migrator(tmp_path, "verify").returncode == 0
    carved = migrator(tmp_path, "scaffold")
    assert carved.returncode == 2
    assert "Django's" in carved.stderr and "SQLAlchemy monoliths only" in carved.stderr
    assert "Traceback" not in carved.stderr
    assert not (tmp_path / "workspace").exists()
