"""Classes that a function of the monolith imports by text."""

from __future__ import annotations

from pathlib import Path

from tests.analyze.django.support import project, touched

FILES = {
    "core/loading.py": """
    from importlib import import_module
    def get_class(label, name):
        return get_classes(label, [name])[0]
    def get_classes(label, names):
        module = import_module("app." + label)
        return [getattr(module, n) for n in names]
    """,
    "app/shop/models.py": """
    class Item(models.Model):
        name = models.CharField(max_length=9)
    class Part(models.Model):
        item = models.ForeignKey(Item, models.CASCADE)
    """,
    "app/shop/mixins.py": """
    from app.shop.models import Item, Part
    class Counting:
        def count(self):
            return Item.objects.count()
    class Parts:
        def parts(self):
            return Part.objects.count()
    """,
}


def test_a_class_that_is_imported_by_text_is_that_class(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        FILES
        | {
            "app/views.py": """
            from core.loading import get_class, get_classes
            Counting = get_class("shop.mixins", "Counting")
            A, B = get_classes("shop.mixins", ["Counting", "Parts"])
            Nothing = get_class("shop.mixins", "Nothing")
            class View(Counting):
                pass
            def by_base():
                return View().count()
            def by_place():
                return B().parts()
            def inside():
                return get_class("shop.mixins", "Parts")().parts()
            """
        },
    )
    edges = {(d.source, d.target) for d in graph.dependencies}
    assert ("app.views:View", "app.shop.mixins:Counting") in edges
    assert ("app.views:by_place", "app.shop.mixins:Parts") in edges
    assert ("app.views:inside", "app.shop.mixins:Parts") in edges
    assert touched(graph, "Parts") == {("shop_part", "read")}


def test_a_model_that_is_asked_of_the_registry_may_be_a_base(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        FILES
        | {
            "app/kinds/models.py": """
            from django.apps import apps
            Part = apps.get_model("shop", "Part")
            class Wheel(Part):
                def of(self):
                    return self.item.name
                class Meta:
                    proxy = True
            """
        },
    )
    assert touched(graph, "Wheel") == {("shop_item", "read")}
