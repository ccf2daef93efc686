"""What the data of serializers read, what saving them sets, and histories of what goes along."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.analyze.django.support import project, touched

MODELS = """
class Land(models.Model):
    class Meta:
        db_table = "land"
class City(models.Model):
    land = models.ForeignKey(Land, models.CASCADE)
    class Meta:
        db_table = "city"
class Tag(models.Model):
    class Meta:
        db_table = "tag"
class House(models.Model):
    city = models.ForeignKey(City, models.CASCADE)
    tags = models.ManyToManyField(Tag)
    class Meta:
        db_table = "house"
class Room(models.Model):
    house = models.ForeignKey(House, models.CASCADE, related_name="rooms")
    class Meta:
        db_table = "room"
"""
HEAD = """
from rest_framework import serializers, viewsets
from shop.models import City, House, Land, Room, Tag
class LandSerializer(serializers.ModelSerializer):
    class Meta:
        model = Land
        fields = ["id"]
class CitySerializer(serializers.ModelSerializer):
    land = LandSerializer()
    class Meta:
        model = City
        fields = ["land"]
class HouseSerializer(serializers.ModelSerializer):
"""
VIEW = """
class Houses(viewsets.ReadOnlyModelViewSet):
    queryset = House.objects.all()
    serializer_class = HouseSerializer
def data(request, house):
    return HouseSerializer(house).data
"""


def meta(*fields: str, more: str = "") -> str:
    return f"    class Meta:\n        model = House\n        fields = {list(fields)}\n{more}"


TAGS = {("tag", "read"), ("house_tags", "read")}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (meta("id"), set()),
        (meta("city"), set()),  # its key is in the row
        (meta("city", more="        depth = 1\n"), {("city", "read")}),
        (meta("tags"), TAGS),
        (meta("rooms"), {("room", "read")}),
        ("    city = CitySerializer()\n" + meta("city"), {("city", "read"), ("land", "read")}),
        ("    where = serializers.CharField(source='city.land.id')\n" + meta("where"),
         {("city", "read"), ("land", "read")}),
        ("    city = serializers.StringRelatedField()\n" + meta("city"), {("city", "read")}),
        ("    tags = serializers.ManyRelatedField(many=True)\n" + meta("tags"),
         TAGS),
        ("    city = CitySerializer(write_only=True)\n" + meta("city"), set()),
    ],
)  # fmt: skip
def test_data_are_made_of_related_rows(
    tmp_path: Path, body: str, expected: set[tuple[str, str]]
) -> None:
    graph = project(tmp_path, {"shop/models.py": MODELS, "shop/api.py": HEAD + body + VIEW})
    assert touched(graph, "data") == expected
    assert touched(graph, "Houses") == expected | {("house", "read")}


def test_serializers_that_hold_each_other_end(tmp_path: Path) -> None:
    body = "    rooms = RoomSerializer(many=True)\n" + meta("rooms")
    ring = "class RoomSerializer(serializers.ModelSerializer):\n    house = HouseSerializer()\n"
    ring += "    class Meta:\n        model = Room\n        fields = ['house']\n"
    graph = project(tmp_path, {"shop/models.py": MODELS, "shop/api.py": HEAD + body + ring + VIEW})
    assert touched(graph, "data") == {("room", "read"), ("house", "read")}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [("'city'", set()), ("'tags'", {*TAGS, ("house_tags", "insert")})],
)
def test_saving_a_form_sets_the_rows_that_it_lets_choose(
    tmp_path: Path, fields: str, expected: set[tuple[str, str]]
) -> None:
    work = f"""
from django import forms
from shop.models import House
class HouseForm(forms.ModelForm):
    class Meta:
        model = House
        fields = [{fields}]
def work(request):
    HouseForm(request.POST).save()
def later(request):
    HouseForm(request.POST).save(commit=False)
"""
    graph = project(tmp_path, {"shop/models.py": MODELS, "shop/work.py": work})
    saved = {("house", "insert"), ("house", "update")}
    assert touched(graph, "work") == saved | expected
    assert touched(graph, "later") == set()


def test_what_goes_along_leaves_its_history(tmp_path: Path) -> None:
    models = """
from simple_history.models import HistoricalRecords
class House(models.Model):
    class Meta:
        db_table = "house"
class Room(models.Model):
    house = models.ForeignKey(House, models.CASCADE)
    history = HistoricalRecords()
    class Meta:
        db_table = "room"
"""
    work = "from shop.models import House\ndef work():\n    House.objects.get(id=1).delete()\n"
    graph = project(tmp_path, {"shop/models.py": models, "shop/work.py": work})
    assert touched(graph, "work") >= {
        ("room", "read"), ("room", "delete"), ("shop_historicalroom", "insert"),
    }  # fmt: skip
