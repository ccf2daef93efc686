"""What is a migration is told by what is in a file, not by the name of its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.analyze.facts.read import facts_of
from migrator.analyze.migrations import is_migration
from migrator.analyze.pipeline import analyze
from migrator.analyze.test_files import is_test

MODEL = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
class Base(DeclarativeBase): ...
class Version(Base):
    __tablename__ = "versions"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
ALEMBIC = "revision = 'a'\ndown_revision = None\ndef upgrade(): ...\n"
DJANGO = "from django.db import migrations\nclass Migration(migrations.Migration): ...\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (ALEMBIC, True),
        (DJANGO, True),
        ("def upgrade(migrate_engine): ...", True),
        ("steps = [step('CREATE TABLE a (id INT)')]", True),
        ("revision = 'a'\ndef upgrade(): ...", False),
        ("class Migration: ...", False),
        ("steps = []", False),
        ("def upgrade(package): ...", False),
    ],
)
def test_what_a_file_says(source: str, expected: bool) -> None:
    assert is_migration(facts_of(source.encode()).interface) is expected


def test_only_the_folders_of_migrations_are_left_out(tmp_path: Path) -> None:
    for path, source in {
        "shop/versions/models.py": MODEL,
        "shop/versions/migrations/0001_first.py": DJANGO,
        "shop/versions/migrations/helpers.py": "",
        "alembic/env.py": "",
        "alembic/versions/a.py": ALEMBIC,
        "schema/b.py": ALEMBIC,
        "migration/tool.py": "",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(source)
    graph = analyze(tmp_path)
    assert {m.path for m in graph.modules} == {"shop/versions/models.py", "migration/tool.py"}
    assert {t.id for t in graph.tables} == {"versions"}


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        ("shop/models_test.py", "def test_a(db): ...\n", True),
        ("shop/test_models.py", "import pytest\ndef helper(): ...\n", True),
        ("shop/models_test.py", "from unittest.mock import Mock\n", True),
        ("shop/test_db.py", "import click\ndef ask(): ...\ndef test_db(): ...\n", False),
        ("shop/factories.py", "import factory\nclass F(factory.Factory): ...\n", True),
        ("shop/factories.py", "from shop.models import Order\ndef make(): ...\n", False),
        ("shop/speed_test.py", "LIMIT = 3\n", False),
        ("shop/tests.py", "from django.test import TestCase\nclass T(TestCase): ...\n", True),
        (
            "shop/tests.py",
            "from lib.tests import ModelTestCase\nclass T(ModelTestCase): ...\n",
            True,
        ),
        ("shop/tests.py", "from django.db import models\nclass Test(models.Model): ...\n", False),
        ("shop/models.py", "import pytest\ndef test_a(): ...\n", False),
    ],
)
def test_tests_beside_the_code_are_left_out(path: str, source: str, expected: bool) -> None:
    assert is_test(path, facts_of(source.encode()).interface) is expected
