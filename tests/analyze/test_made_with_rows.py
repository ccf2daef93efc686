"""Objects that are made with a row are told apart by it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from migrator.analyze.pipeline import analyze

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


def test_what_an_object_does_with_the_row_it_was_made_with(tmp_path: Path) -> None:
    for name, source in (("models", MODELS), ("work", WORK), ("calls", CALLS), ("__init__", "")):
        path = tmp_path / "shop" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(source))
    found = {(a.definition, a.table, a.mode) for a in analyze(tmp_path).accesses}
    # Of the class itself where all agree what the row is, of who made it where they do not.
    assert ("shop.work:Counter", "shop_order_items", "read") in found
    assert ("shop.calls:forget", "shop_order_items", "delete") in found
    assert ("shop.calls:void", "shop_invoice_items", "delete") in found
    assert not any(d == "shop.work:Basket" for d, _, _ in found)
