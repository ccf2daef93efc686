"""Rows, queries and forms that Django hands to methods, and what it does by itself."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from migrator.model.graph import Graph
from tests.analyze.django.support import project, touched, untold

MODELS = """
class Order(models.Model):
    user = models.ForeignKey("auth.User", models.CASCADE)
    name = models.CharField(max_length=9, unique=True)
    class Meta:
        db_table = "orders"
class Line(models.Model):
    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    class Meta:
        db_table = "line"
        ordering = ["order"]
class Tag(models.Model):
    class Meta:
        db_table = "tag"
"""


def of(folder: Path, text: str, file: str = "shop/work.py") -> Graph:
    return project(folder, {"shop/models.py": MODELS, file: dedent(text)})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("def work(sender, instance, **kw):\n    instance.lines.count()", {("line", "read")}),
        ("def work(instance, **kw):\n    instance.save()", {("orders", "update")}),
        ("def work(**kwargs):\n    kwargs['instance'].lines.count()", {("line", "read")}),
        ("def work(sender, **kw):\n    sender.objects.count()", {("orders", "read")}),
    ],
)
def test_receivers(tmp_path: Path, body: str, expected: set[tuple[str, str]]) -> None:
    head = """
    from django.db.models.signals import post_save
    from django.dispatch import receiver
    from shop.models import Order
    @receiver(post_save, sender=Order)
    """
    graph = project(tmp_path, {"shop/models.py": MODELS, "shop/work.py": dedent(head) + body})
    assert touched(graph, "work") == expected


def test_a_computed_sender_is_told_and_any_sender_leaves_the_row_unknown(tmp_path: Path) -> None:
    graph = of(
        tmp_path,
        """
        from django.db.models.signals import post_save
        from django.dispatch import receiver
        from elsewhere import choose
        @receiver(post_save, sender=choose())
        def computed(sender, instance, **kw):
            instance.save()
        @receiver(post_save)
        def every(sender, instance, **kw):
            instance.save()
        """,
    )
    assert touched(graph, "computed") == touched(graph, "every") == set()
    told = untold(graph)
    assert any(t.startswith("shop/work.py:5 receiver computed of post_save: its") for t in told)
    assert [t for t in told if "instance.save(…)" in t] == [
        "shop/work.py:7 instance.save(…): what it is called on is not known",
        "shop/work.py:10 instance.save(…): what it is called on is not known",
    ]


def test_a_sender_imported_where_it_is_connected(tmp_path: Path) -> None:
    graph = of(
        tmp_path,
        """
        from django.apps import AppConfig
        from django.db.models.signals import post_delete
        def gone(sender, instance, **kw):
            instance.lines.all()
        class ShopConfig(AppConfig):
            name = "shop"
            def ready(self):
                from shop.models import Order
                post_delete.connect(gone, sender=Order)
        """,
    )
    assert touched(graph, "gone") == {("line", "read")}


ADMIN = """
from django.contrib import admin
from django.urls import path
from shop.models import Line, Order, Tag

class LineInline(admin.TabularInline):
    model = Line

@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    inlines = [LineInline]
    def count(self, obj):
        return obj.lines.count()
    def get_urls(self):
        return [path("export/", self.export, name="export"), *super().get_urls()]

admin.site.register([Line])

class Actions(admin.ModelAdmin):
    def empty(self, request, queryset):
        queryset.update(name="")

class TagAdmin(Actions):
    pass

admin.site.register(Tag, TagAdmin)
"""


def test_admin_classes_read_and_write_what_they_show(tmp_path: Path) -> None:
    graph = of(tmp_path, ADMIN, "shop/admin.py")
    every = {"read", "insert", "update", "delete"}
    assert {m for t, m in touched(graph, "OrderAdmin") if t == "orders"} == every
    assert {m for t, m in touched(graph, "LineInline") if t == "line"} == every
    assert ("line", "read") in touched(graph, "OrderAdmin")
    assert touched(graph, "TagAdmin") >= {("tag", m) for m in every}
    assert touched(graph, "Actions") == {("tag", "update")}
    sure = {a.confidence for a in graph.accesses if a.definition.endswith(":TagAdmin")}
    assert sure == {"likely"}


def test_admin_pages_are_routes(tmp_path: Path) -> None:
    files = {
        "shop/models.py": MODELS,
        "shop/admin.py": ADMIN,
        "urls.py": """
        from django.contrib import admin
        from django.urls import path
        urlpatterns = [path("admin/", admin.site.urls)]
        """,
    }
    graph = project(tmp_path, files)
    routes = {(p.method, p.path, p.definition) for p in graph.entry_points if p.kind == "route"}
    order = "shop.admin:OrderAdmin"
    assert ("GET", "/admin/shop/order/", order) in routes
    assert ("POST", "/admin/shop/order/add/", order) in routes
    assert ("GET", "/admin/shop/order/export/", order) in routes
    assert ("POST", "/admin/shop/tag/<path:object_id>/delete/", "shop.admin:TagAdmin") in routes
    # Without a class of its own the pages are the model's.
    assert ("GET", "/admin/shop/line/", "shop.models:Line") in routes
    assert not any("export" in t or "route" in t for t in untold(graph))


def test_serializers(tmp_path: Path) -> None:
    graph = of(
        tmp_path,
        """
        from rest_framework import serializers, viewsets
        from shop.models import Line, Order, Tag
        class OrderSerializer(serializers.ModelSerializer):
            class Meta:
                model = Order
                fields = "__all__"
            def get_count(self, obj):
                return obj.lines.count()
            def create(self, validated_data):
                return super().create(validated_data)
            def update(self, instance, validated_data):
                instance.lines.all().delete()
                return super().update(instance, validated_data)
        class TagSerializer(serializers.ModelSerializer):
            class Meta:
                model = Tag
        class Tags(viewsets.ViewSet):
            serializer_class = TagSerializer
            def put(self, request):
                serializer = self.get_serializer(data=request.data)
                serializer.save()
        class Line2(serializers.ModelSerializer):
            class Meta:
                model = Line
                fields = []
            def create(self, validated_data):
                validated_data["order"].save()
                validated_data["unknown"].save()
        """,
    )
    assert touched(graph, "OrderSerializer") >= {
        ("line", "read"), ("line", "delete"), ("orders", "insert"), ("orders", "update"),
    }  # fmt: skip
    assert touched(graph, "Tags") == {("tag", "insert"), ("tag", "update")}
    assert touched(graph, "Line2") == {("orders", "update")}
    assert any("validated_data" in t or "unknown" in t for t in untold(graph))


def test_forms_of_views_and_factories(tmp_path: Path) -> None:
    graph = of(
        tmp_path,
        """
        from django import forms
        from django.forms import inlineformset_factory, modelform_factory
        from django.views import generic
        from shop.models import Line, Order, Tag
        class TagForm(forms.ModelForm):
            class Meta:
                model = Tag
                fields = []
        class LineForm(forms.ModelForm):
            class Meta:
                model = Line
                fields = []
            def clean(self):
                self.cleaned_data["order"].lines.count()
        class Make(generic.FormView):
            form_class = TagForm
            def form_valid(self, form):
                form.save()
        class Chosen(generic.FormView):
            def get_form_class(self):
                return TagForm
            def form_valid(self, form):
                form.save(commit=False).delete()
        Lines = inlineformset_factory(Order, Line, form=LineForm)
        def lines(request):
            formset = Lines(request.POST)
            formset.save()
        def made(data):
            modelform_factory(Tag, fields=[])(data).save()
        """,
    )
    written = {("tag", "insert"), ("tag", "update")}
    assert touched(graph, "Make") == written == touched(graph, "made")
    assert touched(graph, "Chosen") == {("tag", "delete")}
    assert touched(graph, "LineForm") == {("line", "read")}
    assert touched(graph, "lines") == {("line", m) for m in ("read", "insert", "update", "delete")}


def test_feeds_filters_and_functions_of_migrations(tmp_path: Path) -> None:
    graph = of(
        tmp_path,
        """
        import django_filters
        from django.contrib.syndication.views import Feed
        from shop.models import Line, Order
        class Orders(Feed):
            def get_object(self, request):
                return Order.objects.get(pk=1)
            def items(self, obj):
                return obj.lines.all()
            def item_title(self, item):
                return item.order.name
        class OrderFilter(django_filters.FilterSet):
            class Meta:
                model = Order
            def filter_lines(self, queryset, name, value):
                return queryset.filter(lines__isnull=value)
        def forward(apps, schema_editor):
            apps.get_model("shop", "Tag").objects.create()
        """,
    )
    assert touched(graph, "Orders") == {("orders", "read"), ("line", "read")}
    assert touched(graph, "OrderFilter") == {("orders", "read"), ("line", "read")}
    assert touched(graph, "forward") == {("tag", "insert")}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # Checks look the keys up, and equals where something is unique.
        ("Line().full_clean()", {("orders", "read")}),
        ("Order().validate_unique()", {("orders", "read")}),
        # Rows in a dict.
        ("found = {}\nfound[1] = Tag()\nfor t in found.values(): t.save()", {("tag", "insert")}),
        # A default ordering by a relation.
        ("Line.objects.first()", {("line", "read")}),
        ("authenticate(username='a')", {("auth_user", "read")}),
        ("login(x, y)", {("auth_user", "update")}),
    ],
)
def test_access(tmp_path: Path, body: str, expected: set[tuple[str, str]]) -> None:
    head = "from shop.models import *\nfrom django.contrib.auth import authenticate, login\n"
    inside = "\n".join("    " + line for line in body.splitlines())
    text = f"{head}from django.contrib.auth.models import User\ndef work(x, y):\n{inside}\n"
    graph = project(tmp_path, {"shop/models.py": MODELS, "shop/work.py": text})
    assert touched(graph, "work") == expected


def test_annotated_querysets(tmp_path: Path) -> None:
    graph = of(
        tmp_path,
        """
        from django.db.models import QuerySet
        from shop.models import Order
        class Typed(QuerySet):
            pass
        def plain(rows: QuerySet[Order]):
            rows.delete()
        def derived(rows: "Typed[Order]"):
            rows.update(name="")
        """,
    )
    assert ("orders", "delete") in touched(graph, "plain")
    assert touched(graph, "derived") == {("orders", "update")}


def test_trees(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "shop/models.py": """
            from treebeard.mp_tree import MP_Node
            class Category(MP_Node):
                name = models.TextField()
                class Meta:
                    db_table = "category"
            def above(category: Category):
                for one in category.get_ancestors():
                    one.save()
            def root():
                Category.add_root(name="a")
            """
        },
    )
    assert touched(graph, "above") == {("category", "read"), ("category", "update")}
    assert ("category", "insert") in touched(graph, "root")


def test_what_only_looks_like_a_model_is_none(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "shop/models.py": """
            from abc import ABC
            from django.db.models import Func, IntegerField
            class Length(Func):
                output_field = IntegerField()
            class Row(models.Model):
                pass
            """,
            "shop/rows.py": "from abc import ABC\nclass Row(ABC):\n    pass\n",
            "shop/migrations/0001.py": """
            from django.db import migrations, models
            class Migration(migrations.Migration):
                operations = [migrations.CreateModel("Row", [("id", models.AutoField())])]
            """,
        },
    )
    assert [t.id for t in graph.tables] == ["shop_row"]
    assert not untold(graph)


def test_what_middleware_puts_on_a_request(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "shop/models.py": MODELS,
            "shop/middleware.py": """
                from shop.models import Order, Tag

                class OrderMiddleware:
                    def process_request(self, request):
                        request.order = Order.objects.first()

                def tagging(get_response):
                    def middleware(request):
                        request.tag = Tag.objects.get()
                        return get_response(request)
                    return middleware

                def elsewhere(request):
                    request.other = Tag.objects.get()
            """,
            "shop/work.py": """
                from rest_framework.serializers import Serializer

                def lines(request):
                    return request.order.lines.count()

                def save(request):
                    request.tag.save()

                def other(request):
                    request.other.save()

                class Shown(Serializer):
                    def validate(self, data):
                        self.context["request"].order.delete()
            """,
        },
    )
    assert touched(graph, "lines") == {("line", "read")}
    assert touched(graph, "save") == {("tag", "update")}
    assert touched(graph, "other") == set()
    assert ("orders", "delete") in touched(graph, "Shown")


def test_the_row_of_a_serializer_is_what_its_views_list(tmp_path: Path) -> None:
    graph = of(
        tmp_path,
        """
        from rest_framework import serializers, viewsets
        from shop.models import Order, Tag

        class Lines(serializers.Serializer):
            def to_representation(self, instance):
                return instance.lines.count()

        class Both(serializers.Serializer):
            def update(self, instance, validated_data):
                instance.save()

        class LinesView(viewsets.GenericViewSet):
            serializer_class = Lines
            def get_queryset(self):
                return Order.objects.filter(name="a")

        class First(viewsets.GenericViewSet):
            serializer_class = Both
            queryset = Order.objects.all()

        class Second(viewsets.GenericViewSet):
            serializer_class = Both
            queryset = Tag.objects.all()
        """,
    )
    assert touched(graph, "Lines") == {("line", "read")}
    assert touched(graph, "Both") == set()
