"""Who reads and writes what through Django's ORM: never a wrong edge, the unknown told."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest

from tests.analyze.django.support import project, touched, untold

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
