"""Forms, formsets, signals and histories: rows that Django itself hands on."""

from __future__ import annotations

from pathlib import Path

from tests.analyze.django.support import columns, project, touched


def test_signals_lead_from_who_saves_to_who_listens(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "shop/models.py": "class Order(models.Model):\n    pass\n"
            "class Other(models.Model):\n    pass\n",
            "shop/handlers.py": """
            from django.db.models.signals import post_delete, post_save
            from django.dispatch import receiver
            from shop.models import Order

            @receiver(post_save, sender=Order)
            def saved(sender, instance, **kwargs):
                pass

            def gone(sender, **kwargs):
                pass

            post_delete.connect(gone, sender=Order)
            """,
            "shop/work.py": """
            from shop.models import Order, Other
            def make():
                Order.objects.create()
            def drop(pk):
                Order.objects.get(pk=pk).delete()
            def other():
                Other.objects.create()
            """,
        },
    )
    edges = {
        (d.source.partition(":")[2], d.target.partition(":")[2])
        for d in graph.dependencies
        if d.kind == "signals"
    }
    assert edges == {("make", "saved"), ("drop", "gone")}
    points = {(p.kind, p.name, p.definition.partition(":")[2]) for p in graph.entry_points}
    assert points == {("signal", "post_save", "saved"), ("signal", "post_delete", "gone")}


def test_forms_write_their_model(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "shop/models.py": "class Order(models.Model):\n    name = models.TextField()\n",
            "shop/forms.py": """
            from django import forms
            from shop.models import Order
            class OrderForm(forms.ModelForm):
                class Meta:
                    model = Order
                    fields = ["name"]
                def save(self, commit=True):
                    return super().save(commit=commit)
            class Plain(forms.ModelForm):
                class Meta:
                    model = Order
                    fields = "__all__"
            """,
            "shop/work.py": """
            from shop.forms import OrderForm, Plain
            def work(data):
                return Plain(data).save()
            def later(data):
                return Plain(data).save(commit=False)
            """,
        },
    )
    written = {("shop_order", "insert"), ("shop_order", "update")}
    assert touched(graph, "OrderForm") == written
    assert touched(graph, "work") == written
    assert touched(graph, "later") == set()


def test_own_signals_hand_objects_to_who_listens(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "blog/models.py": """
            class Blog(models.Model):
                title = models.TextField()

                def merge(self, other):
                    from .signals import merged
                    merged.send(sender=self, other=other)

            class Entry(models.Model):
                blog = models.ForeignKey(Blog, models.CASCADE)
            """,
            "blog/signals.py": """
            from django.dispatch import Signal, receiver
            merged = Signal()

            @receiver(merged)
            def move(sender, **kwargs):
                kwargs["other"].entry_set.update(blog=sender)
            """,
            "blog/views.py": """
            from .models import Blog
            def merge(request):
                blog, other = Blog.objects.get(pk=1), Blog.objects.get(pk=2)
                blog.merge(other)
            """,
        },
    )
    assert ("blog_entry", "update") in {
        (a.table, a.mode) for a in graph.accesses if a.definition == "blog.signals:move"
    }
    edges = {(e.source, e.target, e.kind) for e in graph.dependencies}
    assert ("blog.models:Blog", "blog.signals:move", "signals") in edges
    assert ("blog.models:Blog", "blog.signals:move", "calls") not in edges


def test_each_change_of_a_row_is_kept_in_its_history(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "shop/models.py": """
            from simple_history.models import HistoricalRecords
            class Item(models.Model):
                name = models.CharField(max_length=9)
                maker = models.ForeignKey("Maker", models.CASCADE)
                history = HistoricalRecords()
            class Maker(models.Model):
                history = HistoricalRecords(table_name="maker_log")
            """,
            "shop/use.py": """
            from shop.models import Item, Maker
            def make(maker):
                Item.objects.create(name="x", maker=maker)
            def rename(item: Item):
                item.name = "y"
                item.save()
            def update():
                Item.objects.filter(name="x").update(name="y")
            def drop(maker: Maker):
                maker.delete()
            def past(item: Item):
                return list(Item.history.filter(name="x"))
            def last(item: Item):
                return item.history.first()
            """,
        },
    )
    assert columns(graph, "shop_historicalitem") == {
        "id", "name", "maker_id", "history_id", "history_date", "history_change_reason",
        "history_type", "history_user_id",
    }  # fmt: skip
    assert ("shop_historicalitem", "insert") in touched(graph, "make")
    assert ("shop_historicalitem", "insert") in touched(graph, "rename")
    assert touched(graph, "update") == {("shop_item", "update")}
    assert ("maker_log", "insert") in touched(graph, "drop")
    assert touched(graph, "past") == {("shop_historicalitem", "read")}
    assert touched(graph, "last") == {("shop_historicalitem", "read")}
    assert not [k for k in graph.foreign_keys if k.source == "shop_historicalitem" and
                k.target == "shop_maker"]  # fmt: skip


FORMS = {
    "shop/models.py": """
    class Maker(models.Model):
        name = models.CharField(max_length=9, unique=True)
    class Place(models.Model): ...
    class Item(models.Model):
        name = models.CharField(max_length=9)
        maker = models.ForeignKey(Maker, models.CASCADE)
        place = models.ForeignKey(Place, models.CASCADE, null=True)
    """,
    "shop/forms.py": """
    from django import forms
    from rest_framework import serializers
    from shop.models import Item, Maker, Place
    class ItemForm(forms.ModelForm):
        class Meta:
            model = Item
            fields = ["name", "maker", "place"]
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.fields["maker"].queryset = self.fields["maker"].queryset.filter(item__name="x")
    class PickForm(forms.Form):
        place = forms.ModelChoiceField(queryset=Place.objects.all())
        maker = forms.ModelChoiceField(queryset=Maker.objects.all(), required=False)
    class MakerSerializer(serializers.ModelSerializer):
        class Meta:
            model = Maker
            fields = ["name"]
    """,
}


def test_checking_a_form_reads_the_rows_that_it_asks_for(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        FORMS
        | {
            "shop/views.py": """
            from shop.forms import ItemForm, MakerSerializer, PickForm
            def item(request):
                return ItemForm(request.POST).is_valid()
            def pick(request):
                return PickForm(request.POST).is_valid()
            def move(request):
                form = PickForm(request.POST)
                return form.cleaned_data["place"].item_set.count()
            def maker(request):
                return MakerSerializer(data=request.data).is_valid(raise_exception=True)
            """
        },
    )
    assert touched(graph, "item") == {("shop_maker", "read")}
    assert touched(graph, "pick") == {("shop_place", "read")}
    assert touched(graph, "move") == {("shop_item", "read")}
    assert touched(graph, "maker") == {("shop_maker", "read")}
    assert ("shop_item", "read") in touched(graph, "ItemForm")


def test_a_class_on_a_formset_of_a_factory_reads_and_saves_its_rows(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        FORMS
        | {
            "shop/sets.py": """
            from django.forms import inlineformset_factory
            from shop.models import Item, Maker
            BaseItemFormSet = inlineformset_factory(Maker, Item, fields="__all__")
            class ItemFormSet(BaseItemFormSet):
                def clean(self):
                    return [form.instance.place.pk for form in self.forms]
            class Plain(inlineformset_factory(Maker, Item, fields="__all__")): ...
            def save(request):
                ItemFormSet(request.POST).save()
            """
        },
    )
    assert {("shop_item", "read"), ("shop_place", "read")} <= touched(graph, "ItemFormSet")
    assert {("shop_item", "insert"), ("shop_item", "delete")} <= touched(graph, "save")


def test_the_column_of_a_key_stands_in_the_table_before_it(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        FORMS
        | {
            "shop/use.py": """
            from shop.models import Maker, Item
            def over():
                return Maker.objects.filter(item__place_id=1).exists()
            def own():
                return Item.objects.filter(maker_id=1).exists()
            """
        },
    )
    assert touched(graph, "over") == {("shop_maker", "read"), ("shop_item", "read")}
    assert touched(graph, "own") == {("shop_item", "read")}


def test_a_model_named_by_parts_of_a_setting(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        FORMS
        | {
            "shop/use.py": """
            from django.apps import apps
            NAME = "shop.Maker"
            LABEL, MODEL = NAME.rsplit(".", 1)
            Maker = apps.get_model(LABEL, MODEL)
            def all_of_them():
                return list(Maker.objects.prefetch_related("item_set"))
            """
        },
    )
    assert touched(graph, "all_of_them") == {("shop_maker", "read"), ("shop_item", "read")}
