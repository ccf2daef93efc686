"""Rows and classes that come in dicts, and names whose class is compared."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from migrator.analyze.pipeline import analyze

MODELS = """
from django.db import models

class Tag(models.Model):
    class Meta:
        db_table = "tag"

class Task(models.Model):
    tags = models.ManyToManyField(Tag, db_table="task_tags")
    class Meta:
        db_table = "task"

class Memo(models.Model):
    tags = models.ManyToManyField(Tag, db_table="memo_tags")
    class Meta:
        db_table = "memo"
"""


@pytest.mark.parametrize(
    ("body", "tables"),
    [
        ("for item in EVERY:\n    item['model'].objects.update(done=True)", {"task", "memo"}),
        ("if thing.__class__ == Memo:\n    thing.tags.clear()", {"memo_tags"}),
        ("if type(thing) is Task:\n    thing.tags.clear()", {"task_tags"}),
        ("if type(thing) is not Task:\n    thing.tags.clear()", set()),
        ("args = thing.parsed()\nargs['memo'] = Memo.objects.get()\nclear(args)", {"memo"}),
    ],
)
def test_what_is_known_of_it(tmp_path: Path, body: str, tables: set[str]) -> None:
    work = """
from shop.models import Memo, Tag, Task

EVERY = ({"model": Task, "more": Tag}, {"model": Memo})

def clear(args):
    args["memo"].tags.clear()

def work(thing):
"""
    inner = "\n".join(f"    {line}" for line in body.split("\n"))
    for name, source in (("__init__", ""), ("models", MODELS), ("work", work + inner)):
        path = tmp_path / "shop" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(source))
    found = analyze(tmp_path).accesses
    assert {a.table for a in found if a.definition == "shop.work:work"} == tables
    cleared = {a.table for a in found if a.definition == "shop.work:clear"}
    assert cleared == ({"memo_tags"} if "clear(args)" in body else set())
