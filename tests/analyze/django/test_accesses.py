"""Who reads and writes what through Django's ORM: never a wrong edge, the unknown told."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest

from tests.analyze.django.support import columns, project, touched, untold

MODELS = """
from django.contrib.contenttypes.fields import GenericForeignKey

class Country(models.Model):
    code = models.CharField(max_length=2)
    class Meta:
        db_table = "country"

class Person(models.Model):
    name = models.CharField(max_length=80)
    country = models.ForeignKey(Country, models.PROTECT)
    class Meta:
        db_table = "person"

class Author(Person):
    rank = models.IntegerField()
    class Meta:
        db_table = "author"

class Tag(models.Model):
    slug = models.SlugField()
    class Meta:
        db_table = "tag"

class PostQuerySet(models.QuerySet):
    def shown(self):
        return self.filter(hidden=False)
    def of(self, country):
        return self.filter(author__country__code=country)

class PostManager(models.Manager.from_queryset(PostQuerySet)):
    def get_queryset(self):
        return super().get_queryset().select_related("author")
    def drafts(self):
        return self.filter(hidden=True)

class Post(models.Model):
    author = models.ForeignKey(Author, models.CASCADE, related_name="posts")
    hidden = models.BooleanField()
    tags = models.ManyToManyField(Tag)
    objects = PostManager()
    plain = models.Manager()
    class Meta:
        db_table = "post"

class Comment(models.Model):
    post = models.ForeignKey(Post, models.CASCADE)
    text = models.TextField()
    class Meta:
        db_table = "comment"
        ordering = ["post__hidden"]

class Like(models.Model):
    comment = models.ForeignKey(Comment, models.CASCADE)
    by = models.ForeignKey(Person, models.SET_NULL, null=True)
    class Meta:
        db_table = "likes"

class Profile(models.Model):
    person = models.OneToOneField(Person, models.CASCADE)
    class Meta:
        db_table = "profile"

class Note(models.Model):
    content_type = models.ForeignKey("contenttypes.ContentType", models.CASCADE)
    object_id = models.PositiveIntegerField()
    on = GenericForeignKey()
    class Meta:
        db_table = "note"
"""

HEAD = """
from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, Subquery, Sum
from django.shortcuts import get_object_or_404, get_list_or_404
from django.apps import apps
from django.db import connection, transaction
from blog.models import (
    Author, Comment, Country, Like, Note, Person, Post, Profile, Tag,
)
"""


def facts(tmp_path: Path, body: str) -> tuple[set[tuple[str, str]], list[str]]:
    source = HEAD + "def work(x=None):\n" + indent(dedent(body), "    ")
    graph = project(tmp_path, {"blog/models.py": MODELS, "blog/work.py": source})
    return touched(graph, "work"), untold(graph)


def reads(*tables: str) -> set[tuple[str, str]]:
    return {(t, "read") for t in tables}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Tag.objects", set()),
        ("Tag.objects.all()", reads("tag")),
        ("Tag.objects.get(pk=1)", reads("tag")),
        ("Tag.objects.filter(slug='x').exists()", reads("tag")),
        ("Tag.objects.none()", set()),
        ("[t for t in Tag.objects.all()]", reads("tag")),
        ("return await_(Tag.objects.acount())", reads("tag")),
        # Inheritance: a row of a child is read from both tables.
        ("Author.objects.get(rank=1)", reads("author", "person")),
        # Conditions over relations join, the key alone does not.
        ("Comment.objects.filter(post=1).count()", reads("comment")),
        ("Comment.objects.filter(post_id=1).count()", reads("comment")),
        ("Comment.objects.filter(post__id=1).count()", reads("comment")),
        ("Comment.objects.filter(post__isnull=True).count()", reads("comment")),
        ("Comment.objects.filter(text__icontains='a').count()", reads("comment")),
        ("Comment.objects.filter(post__hidden=True).count()", reads("comment", "post")),
        (
            "Comment.objects.filter(post__author__country__code='d').count()",
            reads("comment", "post", "author", "person", "country"),
        ),
        ("Post.plain.filter(tags=1).count()", reads("post", "post_tags")),
        ("Post.plain.filter(tags__slug='a').count()", reads("post", "post_tags", "tag")),
        ("Post.plain.filter(comment__text='a').count()", reads("post", "comment")),
        ("Tag.objects.filter(post__hidden=True).count()", reads("tag", "post_tags", "post")),
        ("Person.objects.exclude(profile__isnull=True).count()", reads("person", "profile")),
        # Q, F, aggregates, also behind operators.
        (
            "Comment.objects.filter(Q(text='a') & ~Q(post__hidden=True)).count()",
            reads("comment", "post"),
        ),
        (
            "q = Q(post__hidden=True) | Q(text='')\nComment.objects.filter(q).count()",
            reads("comment", "post"),
        ),
        ("Post.plain.annotate(n=Count('comment')).count()", reads("post", "comment")),
        ("Post.plain.aggregate(n=Sum('comment__like__id'))", reads("post", "comment", "likes")),
        ("Comment.objects.filter(text=F('post__hidden')).count()", reads("comment", "post")),
        ("Comment.objects.values('post__hidden').count()", reads("comment", "post")),
        (
            "Tag.objects.annotate(l=Subquery(Like.objects.filter(pk=OuterRef('pk')).values('pk')))",
            reads("tag", "likes"),
        ),
        ("Tag.objects.filter(Exists(Like.objects.all())).count()", reads("tag", "likes")),
        (
            "ids = Like.objects.values('pk')\nTag.objects.filter(pk__in=ids).count()",
            reads("tag", "likes"),
        ),
        # Fetching related rows.
        ("Comment.objects.select_related('post').first()", reads("comment", "post")),
        ("Comment.objects.select_related('post').count()", reads("comment")),
        ("list(Like.objects.select_related('comment').values('id'))", reads("likes")),
        (
            "list(Like.objects.select_related('comment').values('comment__text'))",
            reads("likes", "comment"),
        ),
        (
            "Like.objects.select_related().last()",
            reads("likes", "comment", "post", "author", "person", "country"),
        ),
        ("Post.plain.prefetch_related('tags').first()", reads("post", "tag", "post_tags")),
        ("Post.plain.prefetch_related('comment_set').first()", reads("post", "comment")),
        (
            "Post.plain.prefetch_related(Prefetch('tags', queryset=Tag.objects.all())).first()",
            reads("post", "tag", "post_tags"),
        ),
        # The model's own ordering joins where rows are fetched.
        ("Comment.objects.filter(text='').first()", reads("comment", "post")),
        ("for c in Comment.objects.all():\n    pass", reads("comment", "post")),
        # Managers and querysets of the monolith.
        ("Post.plain.count()", reads("post")),
        ("Post.objects.count()", reads("post")),
        ("Post.objects.first()", reads("post", "author", "person")),
        ("Post.objects.of('de').count()", reads("post", "author", "person", "country")),
        # Writes.
        ("Tag.objects.create(slug='a')", {("tag", "insert")}),
        ("Tag.objects.get_or_create(slug='a')", {("tag", "insert"), ("tag", "read")}),
        (
            "Tag.objects.update_or_create(slug='a')",
            {("tag", "insert"), ("tag", "read"), ("tag", "update")},
        ),
        ("Tag.objects.bulk_create([Tag()])", {("tag", "insert")}),
        ("Tag.objects.bulk_update(x, ['slug'])", {("tag", "update")}),
        ("Tag.objects.filter(slug='a').update(slug='b')", {("tag", "update")}),
        (
            "Comment.objects.filter(post__hidden=True).update(text='b')",
            {("comment", "update"), ("comment", "read"), ("post", "read")},
        ),
        ("Profile.objects.all().delete()", {("profile", "delete")}),
        ("Tag(slug='a')", set()),
        ("Tag(slug='a').save()", {("tag", "insert")}),
        ("tag = Tag()\ntag.slug = 'a'\ntag.save()", {("tag", "insert")}),
        ("tag = Tag.objects.get(pk=1)\ntag.save()", {("tag", "read"), ("tag", "update")}),
        ("Author(name='a').save()", {("author", "insert"), ("person", "insert")}),
        ("Author.objects.filter(pk=1).update(rank=1)", {("author", "update")}),
        ("tag = Tag.objects.get()\ntag.refresh_from_db()", reads("tag")),
        # Relations of objects.
        ("return Comment.objects.get(pk=1).post_id", reads("comment")),
        ("return Comment.objects.get(pk=1).post.hidden", reads("comment", "post")),
        ("return Person.objects.get(pk=1).profile", reads("person", "profile")),
        ("p = Post.plain.get(pk=1)\np.tags.all()", reads("post", "tag", "post_tags")),
        ("p = Post.plain.get(pk=1)\np.tags.count()", reads("post", "post_tags")),
        ("p = Post.plain.get(pk=1)\np.comment_set.count()", reads("post", "comment")),
        (
            "p = Post.plain.get(pk=1)\np.tags.add(x)",
            {("post", "read"), ("post_tags", "insert")},
        ),
        (
            "p = Post.plain.get(pk=1)\np.tags.clear()",
            {("post", "read"), ("post_tags", "delete")},
        ),
        (
            "p = Post.plain.get(pk=1)\np.comment_set.create(text='a')",
            {("post", "read"), ("comment", "insert")},
        ),
        (
            "p = Post.plain.get(pk=1)\np.comment_set.set(x)",
            {("post", "read"), ("comment", "read"), ("comment", "update")},
        ),
        ("Post.tags.through.objects.all()", reads("post_tags")),
        # Deletions go on along the keys.
        (
            "Comment.objects.get(pk=1).delete()",
            {("comment", "read"), ("comment", "delete"), ("likes", "delete")},
        ),
        (
            "Post.plain.get(pk=1).delete()",
            {
                ("post", "read"), ("post", "delete"), ("post_tags", "delete"),
                ("comment", "read"), ("comment", "delete"), ("likes", "delete"),
            },
        ),
        # Shortcuts and models by name.
        ("get_object_or_404(Tag, pk=1).save()", {("tag", "read"), ("tag", "update")}),
        ("get_object_or_404(Comment, post__hidden=1)", reads("comment", "post")),
        ("get_list_or_404(Tag.objects.filter(slug='a'))", reads("tag")),
        ("apps.get_model('blog', 'Tag').objects.count()", reads("tag")),
        ("apps.get_model('blog.Tag').objects.count()", reads("tag")),
        ("apps.get_model(app_label='blog', model_name='Tag').objects.count()", reads("tag")),
        ("apps.get_app_config('blog').get_model('Tag').objects.count()", reads("tag")),
        # SQL.
        (
            "with connection.cursor() as c:\n    c.execute('DELETE FROM likes WHERE id = %s', [1])",
            {("likes", "delete")},
        ),
        (
            "Tag.objects.raw('SELECT t.* FROM tag t JOIN post_tags p ON p.tag_id = t.id')",
            reads("tag", "post_tags"),
        ),
        # Nothing of Django's.
        ("x.objects.filter(a=1).delete()", set()),
    ],
)  # fmt: skip
def test_access(tmp_path: Path, body: str, expected: set[tuple[str, str]]) -> None:
    found, _ = facts(tmp_path, body)
    assert found == expected


def test_a_queryset_answers_for_its_own_reads(tmp_path: Path) -> None:
    graph = project(tmp_path, {"blog/models.py": MODELS})
    assert touched(graph, "PostQuerySet") == reads("post", "author", "person", "country")
    assert touched(graph, "PostManager") == reads("post", "author", "person")


def test_what_is_not_known_is_told(tmp_path: Path) -> None:
    _, told = facts(tmp_path, "note = Note.objects.get(pk=1)\nreturn note.on")
    assert any("a generic relation leads to any model" in t for t in told)


def test_own_save_and_methods_of_abstract_models(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "shop/models.py": """
            class Log(models.Model):
                text = models.TextField()
            class AbstractOrder(models.Model):
                class Meta:
                    abstract = True
                def save(self, *args, **kwargs):
                    Log.objects.create(text="saved")
                    super().save(*args, **kwargs)
                def total(self):
                    return sum(line.price for line in self.lines.all())
                def cancel(self):
                    self.state = "off"
                    self.save()
            class Order(AbstractOrder):
                pass
            class Line(models.Model):
                order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
                price = models.IntegerField()
            def work():
                Order.objects.create()
            """
        },
    )
    assert touched(graph, "AbstractOrder") == {
        ("shop_log", "insert"), ("shop_order", "insert"), ("shop_order", "update"),
        ("shop_line", "read"),
    }  # fmt: skip
    assert ("shop_order", "insert") in touched(graph, "work")
    edges = {(d.source, d.target, d.kind) for d in graph.dependencies}
    assert ("shop.models:work", "shop.models:AbstractOrder", "calls") in edges


def test_a_manager_whose_class_is_computed_is_a_manager_still(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "shop/models.py": """
            import elsewhere
            ActiveManager = elsewhere.get_class("managers", "Active")
            class Order(models.Model):
                active = ActiveManager()
            def work():
                return Order.active.get(pk=1)
            """
        },
    )
    assert touched(graph, "work") == {("shop_order", "read")}


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


def test_a_parameter_called_after_a_model_is_likely_its_row(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "blog/models.py": """
            class Blog(models.Model):
                title = models.TextField()

            class Entry(models.Model):
                blog = models.ForeignKey(Blog, models.CASCADE)
            """,
            "blog/work.py": """
            def close(blog):
                blog.title = "closed"
                blog.save()
                return blog.entry_set.count()

            def other(blog):
                blog.publish()
                blog.save()
            """,
        },
    )
    found = {
        (a.definition, a.table, a.mode, a.confidence)
        for a in graph.accesses
        if a.definition.startswith("blog.work:")
    }
    assert found == {
        ("blog.work:close", "blog_blog", "update", "likely"),
        ("blog.work:close", "blog_entry", "read", "likely"),
    }


def test_a_row_whose_base_is_not_known_has_most_of_what_is_asked(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "blog/models.py": """
            from elsewhere import Publishing
            class Blog(Publishing, models.Model):
                title = models.TextField()
                text = models.TextField()
            class Entry(models.Model):
                title = models.TextField()
            """,
            "blog/work.py": """
            def open_base(blog):
                blog.title = blog.text
                blog.publish()
                blog.save()

            def known_base(entry):
                entry.title = "x"
                entry.publish()
                entry.save()
            """,
        },
    )
    assert {
        (a.definition, a.table, a.mode) for a in graph.accesses if a.definition[:9] == "blog.work"
    } == {("blog.work:open_base", "blog_blog", "update")}


def test_a_manager_made_from_a_queryset_by_keyword(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "blog/models.py": """
            class Entries(models.QuerySet):
                def shown(self):
                    return self.filter(on=True)

            class Entry(models.Model):
                on = models.BooleanField()
                objects = models.Manager.from_queryset(queryset_class=Entries)()
            """,
            "blog/views.py": """
            from .models import Entry
            def show(request):
                return list(Entry.objects.shown())
            """,
        },
    )
    assert ("blog_entry", "read") in touched(graph, "show")
    assert not untold(graph)


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


def test_an_empty_queryset_asks_for_nothing(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "app/models.py": MODELS,
            "app/work.py": """
                from app.models import Tag

                def nothing():
                    return list(Tag.objects.none().order_by("slug"))

                def perhaps(some):
                    found = Tag.objects.none()
                    if some:
                        found = Tag.objects.filter(slug=some)
                    return [t.slug for t in found]

                def both():
                    return Tag.objects.none().union(Tag.objects.all())
            """,
        },
    )
    assert touched(graph, "nothing") == set()
    assert touched(graph, "perhaps") == {("tag", "read")}
    assert touched(graph, "both") == {("tag", "read")}
