"""Routes, routers, commands, signals and transactions of Django."""

from __future__ import annotations

from pathlib import Path

from migrator.model.graph import Graph
from tests.analyze.django.support import project, touched, untold

MODELS = """
class Order(models.Model):
    name = models.TextField()

class Line(models.Model):
    order = models.ForeignKey(Order, models.CASCADE)
"""


def routes(graph: Graph) -> set[tuple[str | None, str | None, str, str]]:
    return {
        (p.method, p.path, p.name, p.definition.partition(":")[2])
        for p in graph.entry_points
        if p.kind == "route"
    }


def test_urls_with_include_namespaces_and_classes(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "site/settings.py": "ROOT_URLCONF = 'site.urls'\nINSTALLED_APPS = ['shop']",
            "site/urls.py": """
            from django.conf.urls.i18n import i18n_patterns
            from django.contrib import admin
            from django.urls import include, path, re_path
            from shop import views

            extra = [path("more/", views.more, name="more")]
            urlpatterns = [
                path("admin/", admin.site.urls),
                path("shop/", include("shop.urls")),
                path("two/", include(("shop.urls", "shop"), namespace="second")),
                path("x/", include(extra)),
                path("away/", include("elsewhere.urls")),
            ] + i18n_patterns(re_path(r"^(?P<year>[0-9]{4})/$", views.more))
            urlpatterns += [path(compute(), views.more)]
            WORD = "[a-z]+"
            urlpatterns += [re_path(rf"^feed/(?P<name>{WORD})$", views.Feed())]
            """,
            "shop/models.py": MODELS,
            "shop/urls.py": """
            from django.contrib.auth.decorators import login_required
            from django.urls import path
            from . import views
            app_name = "shop"
            urlpatterns = [
                path("", views.Orders.as_view(), name="list"),
                path("<int:pk>/", login_required(views.Change.as_view()), name="change"),
                path("post/", views.posted, name="posted"),
            ]
            """,
            "shop/views.py": """
            from django.shortcuts import get_object_or_404
            from django.views.decorators.http import require_POST
            from django.views.generic import ListView, UpdateView
            from shop.models import Line, Order

            def more(request):
                return request.user

            @require_POST
            def posted(request):
                return Order.objects.create(name=request.POST["name"])

            class Feed:
                pass

            class Orders(ListView):
                model = Order

            class Change(UpdateView):
                queryset = Order.objects.filter(line__isnull=False)
                def form_valid(self, form):
                    return super().form_valid(form)
                def first(self):
                    return self.get_object().line_set.first()
            """,
        },
    )
    assert routes(graph) == {
        ("GET", "/shop/", "shop:list", "Orders"),
        ("GET", "/shop/<int:pk>/", "shop:change", "Change"),
        ("POST", "/shop/<int:pk>/", "shop:change", "Change"),
        ("POST", "/shop/post/", "shop:posted", "posted"),
        ("GET", "/two/", "second:list", "Orders"),
        ("GET", "/two/<int:pk>/", "second:change", "Change"),
        ("POST", "/two/<int:pk>/", "second:change", "Change"),
        ("POST", "/two/post/", "second:posted", "posted"),
        ("GET", "/x/more/", "more", "more"),
        ("GET", "/${compute()}", "more", "more"),
        ("GET", "/feed/<name>", "Feed", "Feed"),
        ("GET", "/<language>/<year>/", "more", "more"),
    }
    assert any(
        "site/urls.py" in t and "URL ${compute()}: it is computed" in t for t in untold(graph)
    )
    assert touched(graph, "Orders") == {("shop_order", "read")}
    assert touched(graph, "Change") == {
        ("shop_order", "read"), ("shop_order", "update"), ("shop_order", "insert"),
        ("shop_line", "read"),
    }  # fmt: skip


def test_rest_routers(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "shop/models.py": MODELS,
            "shop/api.py": """
            from django.urls import include, path
            from rest_framework import mixins, serializers, viewsets
            from rest_framework.decorators import action
            from rest_framework.routers import DefaultRouter
            from shop.models import Line, Order

            class OrderSerializer(serializers.ModelSerializer):
                class Meta:
                    model = Order
                    fields = ["name"]
                def create(self, data):
                    return super().create(data)

            class Orders(viewsets.ModelViewSet):
                queryset = Order.objects.all()
                serializer_class = OrderSerializer
                @action(detail=True, methods=["post"])
                def close(self, request, pk=None):
                    return self.get_object().line_set.count()

            class Lines(mixins.ListModelMixin, viewsets.GenericViewSet):
                queryset = Line.objects.all()

            router = DefaultRouter()
            router.register("orders", Orders)
            router.register(prefix=r"lines", viewset=Lines, basename="row")
            urlpatterns = [path("api/", include(router.urls))]
            """,
        },
    )
    assert routes(graph) == {
        ("GET", "/api/orders/", "orders-list", "Orders"),
        ("POST", "/api/orders/", "orders-list", "Orders"),
        ("GET", "/api/orders/<pk>/", "orders-detail", "Orders"),
        ("PUT", "/api/orders/<pk>/", "orders-detail", "Orders"),
        ("PATCH", "/api/orders/<pk>/", "orders-detail", "Orders"),
        ("DELETE", "/api/orders/<pk>/", "orders-detail", "Orders"),
        ("POST", "/api/orders/<pk>/close/", "orders-close", "Orders"),
        ("GET", "/api/lines/", "row-list", "Lines"),
    }
    assert touched(graph, "Orders") >= {
        ("shop_order", "read"), ("shop_order", "insert"), ("shop_order", "update"),
        ("shop_order", "delete"), ("shop_line", "read"),
    }  # fmt: skip
    assert touched(graph, "Lines") == {("shop_line", "read")}
    assert ("shop_order", "insert") in touched(graph, "OrderSerializer")


def test_commands_admin_and_own_signals(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "shop/models.py": MODELS,
            "shop/management/commands/tidy.py": """
            from django.core.management.base import BaseCommand
            from shop.models import Order
            class Command(BaseCommand):
                def handle(self, *args, **options):
                    Order.objects.filter(name="").delete()
            """,
            "shop/admin.py": """
            from django.contrib import admin
            from shop.models import Line, Order
            @admin.register(Order)
            class OrderAdmin(admin.ModelAdmin):
                pass
            class LineAdmin(admin.ModelAdmin):
                pass
            admin.site.register(Line, LineAdmin)
            """,
            "shop/events.py": """
            from django.dispatch import Signal, receiver
            paid = Signal()
            @receiver(paid)
            def on_paid(sender, **kwargs):
                pass
            def pay():
                paid.send(sender=None)
            """,
        },
    )
    points = {(p.kind, p.name, p.definition) for p in graph.entry_points if p.kind != "route"}
    assert points == {
        ("cli", "tidy", "shop.management.commands.tidy:Command"),
        ("signal", "paid", "shop.events:on_paid"),
    }
    traits = {d.name: d.traits for d in graph.definitions}
    assert "admin" in traits["OrderAdmin"] and "admin" in traits["LineAdmin"]
    edges = {(d.source, d.target) for d in graph.dependencies if d.kind == "signals"}
    assert edges == {("shop.events:pay", "shop.events:on_paid")}


def test_transactions(tmp_path: Path) -> None:
    files = {
        "shop/models.py": MODELS,
        "shop/urls.py": """
        from django.urls import path
        from shop import views
        urlpatterns = [path("a", views.together), path("b", views.apart), path("c", views.partly)]
        """,
        "shop/views.py": """
        from django.db import transaction
        from shop.models import Line, Order

        def inner(order):
            Line.objects.create(order=order)

        @transaction.atomic
        def together(request):
            inner(Order.objects.create())

        def apart(request):
            inner(Order.objects.create())

        def partly(request):
            with transaction.atomic():
                inner(Order.objects.create())
            transaction.on_commit(after)

        def after():
            Order.objects.all().delete()
        """,
    }

    def units(graph: Graph) -> set[tuple[str | None, tuple[str, ...]]]:
        return {(t.entry_point, t.tables) for t in graph.transactions}

    both = ("shop_line", "shop_order")
    graph = project(tmp_path / "one", files)
    assert units(graph) == {("GET /a", both), ("GET /c", both)}
    files["shop/settings.py"] = (
        "INSTALLED_APPS = ['shop']\n"
        "DATABASES = {'default': {'ENGINE': 'x', 'ATOMIC_REQUESTS': True}}\n"
    )
    graph = project(tmp_path / "two", files)
    assert units(graph) == {("GET /a", both), ("GET /b", both), ("GET /c", both)}
