"""Objects that are made with a row are told apart by it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from migrator.analyze.pipeline import analyze
from migrator.model.graph import Access

MODELS = """
from django.db import models
from lazy import lazy_property
from shop.work import Basket, Counter

class Item(models.Model): ...

class Order(models.Model):
    items = models.ManyToManyField(Item)

    @lazy_property
    def counter(self):
        return Counter(self)

class Invoice(models.Model):
    items = models.ManyToManyField(Item)
"""

WORK = """
class Counter:
    def __init__(self, row):
        self.row = row

    def total(self):
        return list(self.row.items.all())

class Basket:
    def __init__(self, owner):
        self._owner = owner

    def empty(self):
        self._owner.items.clear()
"""

CALLS = """
from shop.models import Invoice, Order
from shop.work import Basket, Counter

def count(order: Order):
    return order.counter.total()

def forget(order: Order):
    Basket(order).empty()

def void(invoice: Invoice):
    Basket(invoice).empty()
"""


def _analyzed(root: Path, models: str, work: str, calls: str) -> tuple[Access, ...]:
    files = {"models": models, "work": work, "calls": calls, "__init__": ""}
    for name, source in files.items():
        path = root / "shop" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source))
    return analyze(root).accesses


def test_what_an_object_does_with_the_row_it_was_made_with(tmp_path: Path) -> None:
    accesses = _analyzed(tmp_path, MODELS, WORK, CALLS)
    found = {(a.definition, a.table, a.mode) for a in accesses}
    # Of the class itself where all agree what the row is, of who made it where they do not.
    assert ("shop.work:Counter", "shop_order_items", "read") in found
    assert ("shop.calls:forget", "shop_order_items", "delete") in found
    assert ("shop.calls:void", "shop_invoice_items", "delete") in found
    assert not any(d == "shop.work:Basket" for d, _, _ in found)


TAGS = """
from django.db import models
from shop.work import Labels

class Tag(models.Model): ...

class Post(models.Model):
    tags = models.ManyToManyField(Tag)

    @property
    def labels(self):
        return Labels(self)

class Photo(models.Model):
    tags = models.ManyToManyField(Tag)

    @property
    def labels(self):
        return Labels(self)
"""

LABELS = """
class Labels:
    def __init__(self, row):
        self.row = row

    def forget(self):
        self.row.tags.clear()
"""

FORGET = """
from shop.models import Post

def forget(post: Post):
    post.labels.forget()

def forget_any(thing):
    thing.labels.forget()
"""


def test_one_row_that_is_seen_says_nothing_of_a_class_that_is_made_with_others_too(
    tmp_path: Path,
) -> None:
    found = {(a.definition, a.table): a.via for a in _analyzed(tmp_path, TAGS, LABELS, FORGET)}
    assert found["shop.calls:forget", "shop_post_tags"] == ("shop/work.py:7",)
    assert not any(definition == "shop.work:Labels" for definition, _ in found)


def test_the_rows_of_an_abstract_model_are_several(tmp_path: Path) -> None:
    models = """
    from django.db import models
    from shop.work import Labels

    class Tag(models.Model): ...

    class Labelled(models.Model):
        tags = models.ManyToManyField(Tag)

        class Meta:
            abstract = True

        @property
        def labels(self):
            return Labels(self)

    class Post(Labelled): ...

    class Photo(Labelled): ...
    """
    found = {(a.definition, a.table) for a in _analyzed(tmp_path, models, LABELS, FORGET)}
    assert ("shop.calls:forget", "shop_post_tags") in found
    assert not any(definition == "shop.work:Labels" for definition, _ in found)
    one = models.replace("class Photo(Labelled): ...", "")
    found = {(a.definition, a.table) for a in _analyzed(tmp_path / "one", one, LABELS, FORGET)}
    assert ("shop.work:Labels", "shop_post_tags") in found
