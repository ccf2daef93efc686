"""What the admin's pages, fixtures and commands called by name touch; users by their name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from migrator.analyze.frameworks.django.fixtures import rows_in
from migrator.model.graph import Graph
from tests.analyze.django.support import project, touched

MODELS = """
class Maker(models.Model):
    class Meta:
        db_table = "maker"
class Tag(models.Model):
    class Meta:
        db_table = "tag"
class Car(models.Model):
    maker = models.ForeignKey(Maker, models.CASCADE)
    second = models.ForeignKey("Tag", models.CASCADE, related_name="+")
    tags = models.ManyToManyField(Tag)
    class Meta:
        db_table = "car"
class Part(models.Model):
    car = models.ForeignKey(Car, models.CASCADE)
    class Meta:
        db_table = "part"
class Profile(models.Model):
    user = models.OneToOneField("auth.User", models.CASCADE, related_name="profile")
    class Meta:
        db_table = "profile"
"""
ADMIN = """
from django.contrib import admin
from shop.models import Car, Part
class PartInline(admin.TabularInline):
    model = Part
@admin.register(Car)
class CarAdmin(admin.ModelAdmin):
"""


def of(folder: Path, files: dict[str, str]) -> Graph:
    return project(folder, {"shop/models.py": MODELS, **files})


def page(folder: Path, *options: str) -> set[tuple[str, str]]:
    body = "".join(f"    {o}\n" for o in options)
    return touched(of(folder, {"shop/admin.py": ADMIN + body}), "CarAdmin")


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("fields = ['id']", set()),
        ("fields = ['maker']", {("maker", "read")}),
        ("fieldsets = [(None, {'fields': ('maker',)})]", {("maker", "read")}),
        ("fields = ['id']; list_display = ['maker']", {("maker", "read")}),
        ("fields = ['id']; list_filter = ['maker']", {("maker", "read")}),
        ("fields = ['id']; search_fields = ['^part__id']", {("part", "read")}),
        ("exclude = ['maker', 'second', 'tags']", set()),
        ("readonly_fields = ['second', 'tags']", {("maker", "read")}),
        (
            "fields = ['tags']",
            {("tag", "read")} | {("car_tags", m) for m in ("read", "insert")},
        ),
        (
            "fields = ['id']; inlines = [PartInline]",
            {("part", m) for m in ("read", "insert", "update")},
        ),
    ],
)
def test_a_page_touches_what_its_options_name(
    tmp_path: Path, option: str, expected: set[tuple[str, str]]
) -> None:
    plain = page(tmp_path / "plain", "fields = ['id']")  # the rows, and what a deletion takes along
    assert page(tmp_path / "page", option) == plain | expected


COMMAND = """
from django.core.management import call_command
from django.core.management.base import BaseCommand
from shop.models import Maker
def load():
    call_command("loaddata", "cars", verbosity=0)
def whole():
    call_command("loaddata", "cars.json")
def other():
    call_command("loaddata", "bus.json")
def run():
    call_command("purge")
"""
PURGE = """
from django.core.management.base import BaseCommand
from shop.models import Maker
class Command(BaseCommand):
    def handle(self, *args, **options):
        Maker.objects.all().delete()
"""
ROWS = [
    {"model": "shop.Car", "pk": 1, "fields": {"maker": 1, "tags": [1, 2]}},
    {"model": "shop.maker", "pk": 1, "fields": {}},
]


def test_fixtures_fill_the_tables_of_their_rows(tmp_path: Path) -> None:
    files = {
        "shop/work.py": COMMAND,
        "shop/fixtures/cars.json": json.dumps(ROWS),
        "shop/management/__init__.py": "",
        "shop/management/commands/__init__.py": "",
        "shop/management/commands/purge.py": PURGE,
    }
    graph = of(tmp_path, files)
    filled = {(t, m) for t in ("car", "maker") for m in ("insert", "update")}
    filled |= {("car_tags", "read"), ("car_tags", "insert")}
    assert touched(graph, "load") == touched(graph, "whole") == filled
    assert touched(graph, "other") == set()
    reached = {(d.source, d.target) for d in graph.dependencies if d.kind == "calls"}
    assert ("shop.work:run", "shop.management.commands.purge:Command") in reached


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (json.dumps(ROWS), (("shop.car", ("tags",)), ("shop.maker", ()))),
        ("- model: shop.car\n  pk: 1\n", (("shop.car", ()),)),
        ('<object model="shop.car" pk="1"/>', (("shop.car", ()),)),
        ('[{"model": "shop.car", "pk": 1}, {"mod', (("shop.car", ()),)),
        ('{"a": 1}', ()),
        ("[1, 2]", ()),
    ],
)
def test_what_a_fixture_holds(
    content: str, expected: tuple[tuple[str, tuple[str, ...]], ...]
) -> None:
    assert rows_in(content.encode()) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return user.profile", {("profile", "read")}),
        ("return user.is_authenticated and user.profile", {("profile", "read")}),
        ("return user.nothing, user.profile", set()),
        ("user = 1\n    return user.profile", set()),
    ],
)
def test_what_is_called_user_is_a_user(
    tmp_path: Path, body: str, expected: set[tuple[str, str]]
) -> None:
    graph = of(tmp_path, {"shop/work.py": f"def work(user):\n    {body}\n"})
    assert touched(graph, "work") == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("for n in ('part_set', 'tags'):\n        getattr(car, n).count()",
         {("part", "read"), ("car_tags", "read")}),
        ("for n, m in (('part_set', Tag), ('tags', Tag)):\n        getattr(car, n).count()",
         {("part", "read"), ("car_tags", "read")}),
        ("for d in ({'m': Tag}, {'m': Maker}):\n        d.get('m').objects.count()",
         {("tag", "read"), ("maker", "read")}),
        ("Car.objects.filter(id=1).values(f'maker__{name}').first()",
         {("car", "read"), ("maker", "read")}),
    ],
)  # fmt: skip
def test_names_that_are_one_of_a_few(
    tmp_path: Path, body: str, expected: set[tuple[str, str]]
) -> None:
    head = "from shop.models import Car, Maker, Tag\n"
    graph = of(tmp_path, {"shop/work.py": f"{head}def work(car: Car, name):\n    {body}\n"})
    assert touched(graph, "work") == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [("", {("car", "read"), ("part", "read")}), ("    actions = [work]\n", set())],
)
def test_an_action_is_handed_rows_of_the_model_that_lists_it(
    tmp_path: Path, more: str, expected: set[tuple[str, str]]
) -> None:
    admin = f"""
from django.contrib import admin
from shop.models import Car, Maker
def work(modeladmin, request, queryset):
    for one in queryset:
        one.part_set.count()
class CarAdmin(admin.ModelAdmin):
    actions = [work]
class MakerAdmin(admin.ModelAdmin):
    list_display = ["id"]
{more}
admin.site.register(Car, CarAdmin)
admin.site.register(Maker, MakerAdmin)
"""
    graph = of(tmp_path, {"shop/admin.py": admin})
    assert touched(graph, "work") == expected
