"""URL patterns that code makes, that hang where nobody knows, and pages that Django makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.analyze.frameworks.django.urls import plain
from migrator.model.graph import Graph
from tests.analyze.django.support import project, untold

SETTINGS = "ROOT_URLCONF = 'site.urls'\nINSTALLED_APPS = ['shop']\n"
VIEWS = """
from django.views.generic import View

class Orders(View):
    def get(self, request): ...

class Order(View):
    def get(self, request): ...

def more(request): ...
"""


def routes(graph: Graph) -> set[tuple[str | None, str]]:
    return {
        (p.path, p.definition.partition(":")[2]) for p in graph.entry_points if p.kind == "route"
    }


@pytest.mark.parametrize(
    ("regex", "url"),
    [
        (r"^$", ""),
        (r"^orders/(?P<pk>\d+)/$", "orders/<pk>/"),
        (r"^(?P<year>[0-9]{4})-(?P<slug>[\w-]+)/?$", "<year>-<slug>/"),
        (r"^files/(?P<path>.*)$", "files/<path:path>"),
        (r"^(?P<tree>[\w-]+(/[\w-]+)*)_(?P<pk>\d+)/\Z", "<path:tree>_<pk>/"),
        (r"^robots.txt$", "robots.txt"),
        (r"^(\d+)/[a-z]+/(?:old|new)/", "<any>/<any>/<any>/"),
        (r"^not/(?P<all>[^/]+)/(?P<any>[^x]+)", "not/<all>/<path:any>"),
        (r"(?i)^a\.b(?=/)", "a.b"),
        (r"(", "("),
    ],
)
def test_regular_expressions_as_urls(regex: str, url: str) -> None:
    assert plain(regex) == url


def test_prefixes_from_settings(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "site/settings.py": SETTINGS + "ONE = 'one/'\nTWO = 'two/'\nBASE = read('BASE')\n",
            "site/production.py": SETTINGS + "TWO = 'zwei/'\n",
            "site/urls.py": """
            from django.conf import settings
            from django.urls import include, path
            from shop import views
            inside = [path("more", views.more)]
            urlpatterns = [
                path(settings.ONE, include(inside)),
                path(settings.TWO, include(inside)),
                path(settings.BASE, include(inside)),
            ]
            """,
            "shop/views.py": VIEWS,
        },
    )
    assert routes(graph) == {
        ("/one/more", "more"), ("/${settings.TWO}more", "more"), ("/${settings.BASE}more", "more"),
    }  # fmt: skip
    assert sum("it is computed" in t for t in untold(graph)) == 2


def test_lists_that_nothing_known_includes(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "site/settings.py": SETTINGS,
            "site/urls.py": """
            from django.urls import include, path
            from site.plugins import found
            from shop import views
            urlpatterns = [path("", views.more), path("plugins/", include(found()))]
            """,
            "site/plugins.py": "def found():\n    return load()\n",
            "shop/views.py": VIEWS,
            "shop/urls.py": """
            from django.urls import include, path
            from shop import views
            urlpatterns = [path("orders/", views.Orders.as_view())]
            urlpatterns += [path("in/", include("shop.below"))]
            """,
            "shop/below.py": """
            from django.urls import path
            from shop import views
            urlpatterns = [path("<int:pk>", views.Order.as_view())]
            """,
        },
    )
    assert routes(graph) == {
        ("/", "more"), ("/${shop.urls}orders/", "Orders"), ("/${shop.urls}in/<int:pk>", "Order"),
    }  # fmt: skip
    assert any("plugins.py:2 patterns of load: what it makes" in t for t in untold(graph))
    assert any("shop/urls.py:1 urlpatterns: nothing that is known" in t for t in untold(graph))


def test_functions_methods_and_properties_that_make_patterns(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "site/settings.py": SETTINGS,
            "site/loading.py": """
            import importlib
            def get_class(module, name):
                return getattr(importlib.import_module(f"site.{module}"), name)
            """,
            "site/urls.py": """
            from django.apps import apps
            from django.urls import include, path
            from site.loading import get_class
            from shop import views

            def extra(view, at="x/"):
                found = [path(at, view)]
                found.append(path("fixed/", views.more))
                return wrapped(found)

            def wrapped(patterns):
                for pattern in patterns:
                    check(pattern)
                return patterns

            class Base:
                name = "base"
                def get(self):
                    return [path("base/", views.more)]
                @property
                def urlpatterns(self):
                    return self.get(), self.name

            class Factory(Base):
                orders_view = get_class("views", "Orders")
                def __init__(self):
                    self.order = getattr(self, "order", views.Order.as_view())
                def get(self):
                    urls = super().get()
                    urls += [path("orders/", self.orders_view.as_view()), path("one/", self.order)]
                    return urls

            factory = Factory()
            urlpatterns = extra(views.Orders.as_view(), "given/")
            urlpatterns += [
                path("made/", include(factory.urlpatterns)),
                path("app/", apps.get_app_config("shop").urls),
                *[path(f"each/{one}", views.more) for one in compute()],
            ]
            """,
            "site/views.py": "class Orders:\n    def get(self, request): ...\n",
            "shop/apps.py": """
            from django.apps import AppConfig
            from django.urls import path
            class ShopConfig(AppConfig):
                name = "shop"
                def ready(self):
                    from shop import views
                    self.view = views.Order
                def get_urls(self):
                    return [path("<int:pk>/", self.view.as_view())]
                @property
                def urls(self):
                    return self.get_urls(), "shop", "shop"
            class Lost:
                def get_urls(self):
                    from shop.views import more
                    return [path("lost/", more)]
            """,
            "shop/views.py": VIEWS,
        },
    )
    assert routes(graph) == {
        ("/given/", "Orders"), ("/fixed/", "more"),
        ("/made/base/", "more"), ("/made/orders/", "Orders"), ("/made/one/", "Order"),
        ("/app/<int:pk>/", "Order"),
        ("/each/${one}", "more"),
        ("/${shop.apps.Lost}lost/", "more"),
    }  # fmt: skip
    assert any("its prefix is not known" in t for t in untold(graph))


def test_admin_sites_of_the_monolith_s_own(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "site/settings.py": SETTINGS,
            "site/site.py": """
            from django.contrib.admin import AdminSite
            from django.urls import path
            class Backoffice(AdminSite):
                def get_urls(self):
                    return [path("report/", self.admin_view(self.report))] + super().get_urls()
                def report(self, request): ...
            backoffice = Backoffice(name="backoffice")
            """,
            "site/urls.py": """
            from django.contrib import admin
            from django.urls import path
            from site.site import backoffice
            urlpatterns = [path("admin/", admin.site.urls), path("office/", backoffice.urls)]
            """,
            "shop/models.py": """
            class Order(models.Model):
                name = models.TextField()
            class Line(models.Model):
                name = models.TextField()
            """,
            "shop/admin.py": """
            from django.contrib import admin
            from django.contrib.auth.admin import UserAdmin
            from django.urls import re_path
            from shop.models import Line, Order
            from site.site import backoffice

            class OrderAdmin(UserAdmin):
                def get_urls(self):
                    urls = super().get_urls()
                    view = self.admin_site.admin_view(self.copy)
                    return [re_path(r"^(?P<pk>[0-9]+)/copy/$", view)] + urls
                def copy(self, request, pk): ...

            backoffice.register(Order, OrderAdmin)

            @admin.register(Line)
            class LineAdmin(admin.ModelAdmin):
                pass
            """,
        },
    )
    found = routes(graph)
    assert {
        ("/office/report/", "Backoffice"), ("/office/login/", "Backoffice"),
        ("/office/shop/order/", "OrderAdmin"), ("/office/shop/order/<pk>/copy/", "OrderAdmin"),
        ("/office/shop/order/<id>/password/", "OrderAdmin"), ("/admin/shop/line/add/", "LineAdmin"),
    } <= found  # fmt: skip
    assert not any("/admin/shop/order" in str(p) or "/office/shop/line" in str(p) for p, _ in found)


def test_nested_routers_and_what_viewsets_allow(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "shop/api.py": """
            from django.urls import include, path
            from rest_framework import viewsets
            from rest_framework.decorators import action
            from rest_framework.routers import SimpleRouter
            from rest_framework_nested.routers import NestedSimpleRouter

            class Orders(viewsets.ModelViewSet):
                lookup_field = "number"
                http_method_names = ["get", "post"]
                @action(detail=True, methods=["post"], url_path=r"pay/(?P<way>\\w+)")
                def pay(self, request, number, way): ...
                @pay.mapping.get
                def paid(self, request, number, way): ...

            class Lines(viewsets.ReadOnlyModelViewSet):
                pass

            orders = SimpleRouter(trailing_slash=False)
            orders.register("orders", Orders)
            lines = NestedSimpleRouter(orders, "orders", lookup="order")
            lines.register("lines", Lines)
            parts = NestedSimpleRouter(lines, "lines", lookup="line")
            parts.register(compute(), Lines)
            parts.register("parts", Lines)
            every = SimpleRouter()
            every.registry.extend(orders.registry)
            urlpatterns = [
                path("api/", include(orders.urls)), path("api/", include(lines.urls)),
                path("api/", include(parts.urls)), path("all/", include(every.urls)),
            ]
            """,
        },
    )
    found = {(p.method, p.path, p.definition.partition(":")[2]) for p in graph.entry_points}
    assert found == {
        ("GET", "/api/orders", "Orders"),
        ("POST", "/api/orders", "Orders"),
        ("GET", "/api/orders/<number>", "Orders"),
        ("POST", "/api/orders/<number>/pay/<way>", "Orders"),
        ("GET", "/api/orders/<number>/pay/<way>", "Orders"),
        ("GET", "/api/orders/<order_pk>/lines/", "Lines"),
        ("GET", "/api/orders/<order_pk>/lines/<pk>/", "Lines"),
        ("GET", "/api/orders/<order_pk>/lines/<line_pk>/parts/", "Lines"),
        ("GET", "/api/orders/<order_pk>/lines/<line_pk>/parts/<pk>/", "Lines"),
        ("GET", "/all/orders/", "Orders"),
        ("POST", "/all/orders/", "Orders"),
        ("GET", "/all/orders/<number>/", "Orders"),
        ("POST", "/all/orders/<number>/pay/<way>/", "Orders"),
        ("GET", "/all/orders/<number>/pay/<way>/", "Orders"),
    }
    assert any("route of a router: its prefix is not known" in t for t in untold(graph))
